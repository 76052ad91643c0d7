"""`/api/v1/marks`: bad cases that people marked, as JSON; and the reading and writing that the page shares."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sparrow.errors import InvalidInput, NotFound, Unavailable
from sparrow.schema import untitled
from sparrow.stores.bad_cases import BadCase
from sparrow.stores.marks import Mark
from sparrow.web.cases import note_neighbour, withdraw
from sparrow.web.cross_site import require_json
from sparrow.web.ids import Id, movie_namer, read_movie
from sparrow.web.ports import MarkBook, Recommender
from sparrow.web.problems import recommender_of
from sparrow.web.shapes import MarkedShape, MarkRequest, MarksShape, ProblemShape, UnmarkedShape
from sparrow.web.wire import answer

_PROBLEM: dict[str, Any] = {"model": ProblemShape, "description": "A problem (RFC 9457)"}
_WRITTEN: dict[int | str, dict[str, Any]] = {404: _PROBLEM, 415: _PROBLEM, 422: _PROBLEM}

router = APIRouter(tags=["marks"], default_response_class=Response)


@router.get("/api/v1/marks", responses={200: {"model": MarksShape}})
async def list_marks(request: Request) -> Response:
    """Every neighbour that somebody called not alike, newest first."""
    recommender = recommender_of(request)
    marks = await run_in_threadpool(book_of(request).all)
    items = marks_json(recommender, marks)
    return answer(request, {"release": recommender.release, "total": len(items), "items": items})


@router.post("/api/v1/marks", dependencies=[Depends(require_json)], responses={200: {"model": MarkedShape}, **_WRITTEN})
async def add_mark(request: Request, mark: MarkRequest) -> Response:
    """Mark a neighbour as not alike; the answer comes after it is durable. Marking it again changes nothing."""
    added = await write_mark(request, mark.movie_id, mark.neighbour_id, mark.embedding)
    return answer(request, {"release": recommender_of(request).release, "added": added})


@router.delete("/api/v1/marks", responses={200: {"model": UnmarkedShape}, 422: _PROBLEM})
async def remove_mark(
    request: Request,
    movieId: Id,  # noqa: N803
    neighbourId: Id,  # noqa: N803
    embedding: Annotated[str, Query(max_length=100, description="the embedding it was made on")],
) -> Response:
    """Take a mark back. Its movies and its embedding need not be in the release any more."""
    removed = await erase_mark(request, movieId, neighbourId, embedding)
    return answer(request, {"release": recommender_of(request).release, "removed": removed})


def book_of(request: Request) -> MarkBook:
    """The marks of this server.

    Raises:
        Unavailable: it keeps none.
    """
    book: MarkBook | None = request.app.state.marks
    if book is None:
        raise Unavailable("This server keeps no marks; start it with `sparrow serve` on a home of its own.")
    return book


async def write_mark(request: Request, movie: int | str, neighbour: int | str, embedding: str) -> bool:
    """Make durable what a caller marked; whether it is new.

    Raises:
        NotFound: the release lacks a movie or the embedding.
        InvalidInput: a movie cannot be an id, or is its own neighbour.
    """
    recommender = recommender_of(request)
    first, second = _read_pair(request, recommender, movie, neighbour)
    for movie_id in (first, second):
        recommender.movie(movie_id)
    if first == second:
        raise InvalidInput(f"movieId and neighbourId are both {movie!r:.80}; a movie is not its own neighbour.")
    if embedding not in recommender.embeddings:
        held = ", ".join(recommender.embeddings)
        raise NotFound(f"This release has no embedding {embedding!r:.80}; it has: {held}.")
    added = await run_in_threadpool(book_of(request).add, first, second, embedding, recommender.release)
    if added:
        await note_neighbour(request, first, second, embedding)
    return added


async def erase_mark(request: Request, movie: int | str, neighbour: int | str, embedding: str) -> bool:
    """Take back what a caller marked; whether there was such a mark."""
    first, second = _read_pair(request, recommender_of(request), movie, neighbour)
    await withdraw(request, [BadCase("not_alike", second, about_id=first, embedding=embedding)])
    return await run_in_threadpool(book_of(request).remove, first, second, embedding)


def marks_json(recommender: Recommender, marks: Iterable[Mark]) -> list[dict[str, Any]]:
    """Marks with their movies as the outside world calls them, also those that have left the catalogue since."""
    name = movie_namer(recommender)

    def named(movie_id: int) -> tuple[int | str, str]:
        try:
            return name(movie_id), recommender.movie(movie_id).title
        except NotFound:
            return name(movie_id), untitled(movie_id)

    return [mark.as_json(named) for mark in marks]


def _read_pair(request: Request, recommender: Recommender, movie: int | str, neighbour: int | str) -> tuple[int, int]:
    return (
        read_movie(request, recommender, "movieId", movie),
        read_movie(request, recommender, "neighbourId", neighbour),
    )
