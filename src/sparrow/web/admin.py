"""`/admin/v1`: the rules as a versioned document, for whoever has the token (`[web] admin_token`)."""

import hmac
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from sparrow.errors import Unavailable
from sparrow.stores.rules import Stale, Version
from sparrow.web.cross_site import require_json
from sparrow.web.ports import RuleBook
from sparrow.web.problems import recommender_of
from sparrow.web.shapes import ProblemShape, RulesHistoryShape, RulesRequest, RulesShape, UndoRequest
from sparrow.web.wire import answer

_BEARER = HTTPBearer(auto_error=False, description="`[web] admin_token`")

_PROBLEM: dict[str, Any] = {"model": ProblemShape, "description": "A problem (RFC 9457)"}
CLOSED: dict[int | str, dict[str, Any]] = {401: _PROBLEM, 403: _PROBLEM, 422: _PROBLEM, 503: _PROBLEM}
_WRITTEN: dict[int | str, dict[str, Any]] = {409: _PROBLEM, 412: _PROBLEM, 415: _PROBLEM, **CLOSED}


def require_admin(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Refuse whoever does not bring the token: 403 where there is none, 401 for a wrong one."""
    token: str = request.app.state.settings.web.admin_token
    if not token:
        raise HTTPException(403, "Admin routes are closed; set SPARROW_WEB__ADMIN_TOKEN and start the server again.")
    given = credentials.credentials.encode("latin-1") if credentials else b""
    if not hmac.compare_digest(given, token.encode()):
        detail = "The admin token is missing or wrong; send it as `Authorization: Bearer …`."
        raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


router = APIRouter(tags=["admin"], default_response_class=Response, dependencies=[Depends(require_admin)])

IfMatch = Annotated[str | None, Header(max_length=100, description="the ETag that the change was made from")]


@router.get("/admin/v1/rules", responses={200: {"model": RulesShape}, **CLOSED})
async def show_rules(request: Request) -> Response:
    """The newest rules in the store, their version, the ETag that a change of them must bring, and the version obeyed here."""
    return _told(request, await run_in_threadpool(book_of(request).current))


@router.put(
    "/admin/v1/rules",
    dependencies=[Depends(require_json)],
    responses={200: {"model": RulesShape}, 428: _PROBLEM, **_WRITTEN},
)
async def put_rules(request: Request, change: RulesRequest, if_match: IfMatch = None) -> Response:
    """Replace all rules; `version` or If-Match names those it was made from. Others follow within `[online] poll_seconds`."""
    book, expected = book_of(request), _expected(change.version, if_match)
    if expected is None:
        raise HTTPException(
            428, "The change names no version it was made from; send `version`, or the ETag as If-Match."
        )
    unknown = await run_in_threadpool(recommender_of(request).check_rules, change.rules)
    document = change.rules.model_dump_json()
    version = await _changed(request, if_match, lambda: book.put(document, expected, change.author, change.comment))
    return _told(request, version, unknownMovies=unknown)


@router.get("/admin/v1/rules/history", responses={200: {"model": RulesHistoryShape}, **CLOSED})
async def show_history(
    request: Request, size: Annotated[int, Query(ge=1, le=100, description="versions, newest first")] = 20
) -> Response:
    """Who put what, when and why."""
    versions = await run_in_threadpool(book_of(request).history, size)
    return answer(request, {"items": [_version_json(request, one) for one in versions]})


@router.post(
    "/admin/v1/rules/undo",
    dependencies=[Depends(require_json)],
    responses={200: {"model": RulesShape}, **_WRITTEN},
)
async def undo_rules(request: Request, change: UndoRequest, if_match: IfMatch = None) -> Response:
    """Bring back what stood before the newest change that is not undone, as a version of its own."""
    book, expected = book_of(request), _expected(change.version, if_match)
    version = await _changed(request, if_match, lambda: book.undo(expected, change.author, change.comment))
    return _told(request, version)


def book_of(request: Request) -> RuleBook:
    """The rules of this server.

    Raises:
        Unavailable: it keeps none.
    """
    book: RuleBook | None = request.app.state.rules
    if book is None:
        raise Unavailable("This server keeps no rules; start it with `sparrow serve`.")
    return book


def _expected(version: int | None, if_match: str | None) -> int | None:
    """The version a change was made from; a tag that is none of ours matches no version, -1."""
    if if_match is None:
        return version
    tag = if_match.strip().removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1


async def _changed(request: Request, if_match: str | None, change: Callable[[], Version]) -> Version:
    """The new version, which this worker has tried to follow; a stale If-Match is 412, a stale `version` 409."""
    try:
        version = await run_in_threadpool(change)
    except Stale as error:
        raise HTTPException(409 if if_match is None else 412, str(error)) from None
    await request.app.state.live.refresh()
    return version


def _told(request: Request, version: Version, **more: Any) -> Response:
    response = answer(request, {**_version_json(request, version), **_obeyed(request), **more})
    response.headers["ETag"] = f'"{version.version}"'
    return response


def _obeyed(request: Request) -> dict[str, Any]:
    """What this worker obeys: an older version where the store forgot the newest, or they cannot be followed."""
    _, facts = request.app.state.live.ready()
    return {"obeyed": facts.get("rules"), "problem": facts.get("rules_problem", "")}


def _version_json(request: Request, version: Version) -> dict[str, Any]:
    seed = request.app.state.settings.rules.model_dump(mode="json")
    return {
        "version": version.version,
        "timestamp": version.timestamp,
        "author": version.author,
        "comment": version.comment,
        "restores": version.restores,
        "source": "sparrow.toml" if version.document is None else "store",
        "rules": seed if version.document is None else orjson.loads(version.document),
    }
