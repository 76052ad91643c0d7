"""Every error in one place: RFC 9457 problem+json for programs, a page with the same status for people.

The status of our own errors stands in `sparrow.errors`; a body never holds a traceback.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from sparrow.errors import SparrowError, Unavailable
from sparrow.web.ids import outside_words, unescaped
from sparrow.web.parameters import expected
from sparrow.web.ports import Recommender

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

_DETAILS: Final = {
    404: "Nothing lives at {path}; /docs lists every route.",
    405: "{path} does not answer {method}; /docs lists what each route answers.",
}


def problem(status: int, detail: str, instance: str, **more: Any) -> Response:
    """One problem; `more` are its extension members."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    told = {**body, "instance": unescaped(instance), **more}
    return Response(orjson.dumps(told), status_code=status, media_type=MEDIA_TYPE)


def recommender_of(request: Request) -> Recommender:
    """The one recommender of this request: everything in an answer comes from its release.

    Raises:
        Unavailable: nothing is published yet.
    """
    recommender: Recommender | None = request.scope.get("recommender")
    if recommender is None:
        raise Unavailable("No release is live yet; build and publish one with `sparrow build`, or wait a moment.")
    return recommender


def explain_invalid(errors: Sequence[Mapping[str, Any]], request: Request) -> str:
    """The first fault of a request as one sentence: the parameter, the value received, what is allowed."""
    first = errors[0]
    place = [str(part) for part in first["loc"] if part not in ("query", "path", "body")]
    name, value = ".".join(place) or "The body", repr(first.get("input"))
    if first["type"] == "json_invalid":
        return f"The body is no JSON ({first['ctx']['error']}); send one object, in UTF-8 (see /docs)."
    if first["type"] == "missing":
        return f"{name} is missing; add it to the request (see /docs)."
    if first["type"] == "extra_forbidden":
        return f"{name} is no name that is known here; leave it out or mend it (see /docs)."
    allowed = expected(place[-1], request.app.state.settings.web) if place else ""
    cure = f"it must be {allowed}" if allowed else f"{first['msg']}"
    return f"{name} is {value[:80]}; {cure}."


def install(app: FastAPI) -> None:
    """Register the handlers of everything a route can raise on purpose."""
    app.add_exception_handler(SparrowError, _on_sparrow_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


def _respond(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    page = _wants_page(request)
    answer = (
        request.app.state.site.error(request, status, detail)
        if page
        else problem(status, detail, request.scope["path"])
    )
    assert isinstance(answer, Response)
    answer.headers.update(headers or {})
    return answer


def _wants_page(request: Request) -> bool:
    """Pages fail as pages; so do unknown addresses that a browser asks for. Programs get problem+json."""
    path: str = request.scope["path"]
    if path == "/" or path.endswith(".html"):
        return True
    return "route" not in request.scope and "text/html" in request.headers.get("accept", "")


def _on_sparrow_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SparrowError)
    status = error.http_status
    if status >= 500:
        log.error("%s %s: %s", request.method, request.scope["path"], error)
    return _respond(request, status, outside_words(request.scope, str(error)))


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _respond(request, 422, explain_invalid(error.errors(), request))


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = _DETAILS.get(error.status_code, "") if error.detail == HTTPStatus(error.status_code).phrase else ""
    path = unescaped(request.scope["path"])
    detail = known.format(path=path, method=request.method) if known else error.detail
    return _respond(request, error.status_code, detail, error.headers)
