"""Bad cases: noted with the trace of the list when somebody says so; seen to by `/admin/v1/cases`."""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sparrow.errors import NotFound, SparrowError, Unavailable
from sparrow.online.answers import Listing
from sparrow.online.wanted import Wanted
from sparrow.schema import untitled
from sparrow.stores.bad_cases import BadCase, Status
from sparrow.web.admin import CLOSED, require_admin
from sparrow.web.cross_site import require_json
from sparrow.web.ids import movie_namer
from sparrow.web.ports import CaseBook, Recommender
from sparrow.web.problems import recommender_of
from sparrow.web.shapes import CaseChange, CaseShape, CasesShape, ProblemShape
from sparrow.web.wire import answer

log = logging.getLogger(__name__)

TRACED: Final = 5
"""Dislikes of one batch whose lists are explained: a page sends one at a time, and an import must not cost a list each."""

_PROBLEM: dict[str, Any] = {"model": ProblemShape, "description": "A problem (RFC 9457)"}
_MISSING: dict[int | str, dict[str, Any]] = {404: _PROBLEM, **CLOSED}

Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="of the case")]

router = APIRouter(tags=["admin"], default_response_class=Response, dependencies=[Depends(require_admin)])


@router.get("/admin/v1/cases", responses={200: {"model": CasesShape}, **CLOSED})
async def list_cases(
    request: Request,
    status: Annotated[Status | None, Query(description="those of one status")] = None,
    size: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int, Query(ge=1, le=2**63 - 1, description="with numbers below this one")] = 2**63 - 1,
) -> Response:
    """Bad cases, newest first, without their traces."""
    book = book_of(request)
    cases, counts = await run_in_threadpool(lambda: (book.all(status, size, before), book.counts()))
    items = [_told(recommender_of(request), case, with_trace=False) for case in cases]
    return answer(request, {"counts": counts, "items": items})


@router.get("/admin/v1/cases/{number}", responses={200: {"model": CaseShape}, **_MISSING})
async def show_case(request: Request, number: Number) -> Response:
    """One case with the whole trace."""
    return answer(request, _told(recommender_of(request), await run_in_threadpool(book_of(request).find, number)))


@router.put(
    "/admin/v1/cases/{number}",
    dependencies=[Depends(require_json)],
    responses={200: {"model": CaseShape}, 415: _PROBLEM, **_MISSING},
)
async def change_case(request: Request, number: Number, change: CaseChange) -> Response:
    """Say what became of a case; every change stays in its history."""
    book = book_of(request)
    case = await run_in_threadpool(book.change, number, change.status, change.author, change.note)
    return answer(request, _told(recommender_of(request), case))


def book_of(request: Request) -> CaseBook:
    """The bad cases of this server.

    Raises:
        Unavailable: it keeps none.
    """
    book: CaseBook | None = request.app.state.cases
    if book is None:
        raise Unavailable("This server keeps no bad cases; start it with `sparrow serve` on a home of its own.")
    return book


async def disliked(request: Request, events: Sequence[Mapping[str, Any]]) -> list[BadCase]:
    """Cases of the dislikes among events that are about to be kept: asked before, since then the movie stands in no list."""
    if request.app.state.cases is None:
        return []
    waved = [event for event in events if event["type"] == "dislike"]
    return [await _disliked(request, event, place < TRACED) for place, event in enumerate(waved)]


async def _disliked(request: Request, event: Mapping[str, Any], is_traced: bool) -> BadCase:
    recommender, movie = recommender_of(request), event["movieId"]
    asked = recommender.for_user(event["userId"], _wanted(request, movie)) if is_traced else None
    listing, trace = await _explained(asked, movie) if asked else (None, None)
    return BadCase(
        "not_for_me",
        movie,
        user_id=event["userId"],
        release=recommender.release,
        pipeline=listing.pipeline if listing else "",
        recommendation_id=event.get("recommendationId"),
        timestamp=event.get("timestamp") or 0,
        trace=trace,
    )


async def note_neighbour(request: Request, movie: int, neighbour: int, embedding: str) -> None:
    """The case of a mark that was just made."""
    if request.app.state.cases is None:
        return
    recommender = recommender_of(request)
    asked = recommender.similar(movie, _wanted(request, neighbour), embedding)
    listing, trace = await _explained(asked, neighbour)
    pipeline = listing.pipeline if listing else ""
    await keep(
        request, [BadCase("not_alike", neighbour, None, movie, embedding, recommender.release, pipeline, trace=trace)]
    )


async def keep(request: Request, cases: Sequence[BadCase]) -> None:
    """Keep cases; whatever prevents it must not cost somebody their event, which is kept already."""
    for case in cases:
        try:
            await run_in_threadpool(request.app.state.cases.add, case)
        except SparrowError as error:
            log.warning("A bad case is lost: %s", error)


async def withdraw(request: Request, cases: Sequence[BadCase]) -> None:
    """Take back what somebody took back, where nobody has seen to it yet."""
    for case in cases if request.app.state.cases is not None else ():
        try:
            await run_in_threadpool(request.app.state.cases.withdraw, case)
        except SparrowError as error:
            log.warning("A bad case stays that was taken back: %s", error)


def _wanted(request: Request, movie: int) -> Wanted:
    return Wanted(request.app.state.settings.web.default_size, explain=True, explain_movie=movie)


async def _explained(asked: Awaitable[Listing], movie: int) -> tuple[Listing | None, dict[str, Any] | None]:
    """A list and why the movie stands in it, or does not; None where it cannot be told."""
    try:
        listing = await asked
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with a trace must not cost somebody their event
        log.warning("A bad case goes without its trace: %s", error)
        return None, None
    item = next((one for one in listing.items if one.movie.movie_id == movie), None)
    return listing, {**(item.trace or {} if item else {}), **listing.told}


def _told(recommender: Recommender, case: BadCase, with_trace: bool = True) -> dict[str, Any]:
    """A case as the API tells it, movies by the names of the outside world, also those that have left the catalogue since."""
    name = movie_namer(recommender)
    told = case.as_json(with_trace)
    movies = {"movie": told.pop("movie_id"), "about": told.pop("about_id")}
    for kind, raw in movies.items():
        told |= {f"{kind}Id": None if raw is None else name(raw), f"{kind}Title": _title(recommender, raw)}
    renamed = {"user_id": "userId", "recommendation_id": "recommendationId"}
    return {renamed.get(key, key): value for key, value in told.items()}


def _title(recommender: Recommender, movie: int | None) -> str:
    if movie is None:
        return ""
    try:
        return recommender.movie(movie).title
    except NotFound:
        return untitled(movie)
