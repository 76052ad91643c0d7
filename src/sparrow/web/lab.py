"""`/lab.html`: lists of several embeddings side by side, for human eyes, and the bad cases that people mark there."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sparrow.errors import InvalidInput, Unavailable
from sparrow.online.answers import ListedMovie, MovieFacts
from sparrow.online.wanted import Wanted
from sparrow.stores.marks import Mark
from sparrow.web.cross_site import require_own_page
from sparrow.web.ids import read_movie
from sparrow.web.marks_api import book_of, erase_mark, marks_json, write_mark
from sparrow.web.parameters import Size, embedding_name
from sparrow.web.ports import Recommender
from sparrow.web.problems import recommender_of

FILMS: Final = 6
"""Films on one page at most."""
PLACES: Final = 50
"""Places of a list on this page at most."""
FEW_PLACES: Final = 10
"""Places unless more are asked for."""
FOUND: Final = 8
SHOWN_MARKS: Final = 100

_WRITERS: Final = {"mark": write_mark, "undo": erase_mark}
_FIELDS: Final = ("movieId", "neighbourId", "embedding")

Several = Annotated[list[str] | None, Query()]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One cell: a movie at its place; `is_lone` says that no other column has it."""

    item: ListedMovie
    is_lone: bool
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Column:
    """The list of one embedding; `embedding` is None in a release without any."""

    embedding: str | None
    is_by_content: bool
    neighbours: list[Neighbour]


@dataclass(frozen=True, slots=True)
class Film:
    """One film with its lists; `places` holds the columns' cells place by place, None where a list is shorter."""

    movie: MovieFacts
    columns: list[Column]
    places: list[tuple[Neighbour | None, ...]]
    degraded: set[str]


@router.get("/lab.html")
async def show_lab(
    request: Request,
    movieId: Several = None,  # noqa: N803
    embedding: Several = None,
    size: Size = None,
    add: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """One list per film and embedding, marks, and a search for another film."""
    recommender = recommender_of(request)
    movies = _chosen_movies(request, recommender, movieId or [])
    names = _chosen_embeddings(recommender, embedding or [])
    number = _checked_places(size)
    marks = await _marks_if_reached(request)
    marked = {(mark.movie_id, mark.neighbour_id, mark.embedding) for mark in marks or ()}
    films = [await _compare(recommender, movie, names, number, marked) for movie in movies]
    request.scope["degraded"] = tuple(sorted({part for film in films for part in film.degraded}))
    context = {
        "films": films,
        "ids": [movie.public_id for movie in movies],
        "held": recommender.embeddings,
        "names": names,
        "asked": [name for name in names if name] if embedding else None,
        "number": number,
        "size": size,
        "most": (FILMS, PLACES),
        "add": add.strip(),
        "found": [movie for movie in recommender.search(add, FOUND) if movie not in movies] if add.strip() else [],
        "marks": None if marks is None else _shown_marks(recommender, marks[:SHOWN_MARKS]),
        "marks_in_all": len(marks or ()),
    }
    # Hundreds of cells: other requests must not wait for the template.
    page: Response = await run_in_threadpool(partial(request.app.state.site.page, request, "lab.html", **context))
    return page


@router.post("/lab.html")
async def mark_in_lab(request: Request) -> Response:
    """Mark a neighbour or take a mark back, and show the same page again."""
    require_own_page(request)
    fields = await _read_form(request)
    writer = _WRITERS.get(fields.get("do", ""))
    missing = [name for name in _FIELDS if name not in fields]
    if writer is None or missing:
        raise InvalidInput(f"The form needs do=mark or do=undo and {', '.join(_FIELDS)}; it has {list(fields)!r:.200}.")
    await writer(request, *(fields[name] for name in _FIELDS))
    return RedirectResponse(f"/lab.html?{request.url.query}", status_code=303)


def _chosen_movies(request: Request, recommender: Recommender, written: list[str]) -> list[MovieFacts]:
    """The films asked for, each once; the most rated one when none is."""
    if not written:
        return recommender.movies(None, "popularity", 1, 0)[0]
    ids = dict.fromkeys(read_movie(request, recommender, "movieId", one) for one in written)
    if len(ids) > FILMS:
        raise InvalidInput(f"movieId names {len(ids)} films; this page compares {FILMS} at most: leave some out.")
    return [recommender.movie(movie_id) for movie_id in ids]


def _chosen_embeddings(recommender: Recommender, written: list[str]) -> list[str | None]:
    """The embeddings asked for, each once, else all; [None], the lists by content, in a release that holds none."""
    held = recommender.embeddings
    names = [embedding_name(one, held) or next(iter(held), None) for one in written if one]
    return list(dict.fromkeys(names)) or list(held) or [None]


def _checked_places(size: int | None) -> int:
    if size is not None and size > PLACES:
        raise InvalidInput(f"size is {size}; on this page it must be a whole number from 1 to {PLACES}.")
    return size or FEW_PLACES


async def _marks_if_reached(request: Request) -> list[Mark] | None:
    try:
        return await run_in_threadpool(book_of(request).all)
    except Unavailable:
        return None


async def _compare(
    recommender: Recommender,
    movie: MovieFacts,
    names: list[str | None],
    number: int,
    marked: set[tuple[int, int, str]],
) -> Film:
    """One film's list under each embedding; `marked` holds the bad cases as (movie, neighbour, embedding)."""
    lists = []
    for name in names:
        lists.append(await recommender.similar(movie.movie_id, Wanted(number), name))
        # Nothing in it waits for anything: this lets other requests in between.
        await asyncio.sleep(0)
    times = Counter(item.movie.movie_id for listing in lists for item in listing.items)

    def neighbour(item: ListedMovie, name: str | None) -> Neighbour:
        movie_id = item.movie.movie_id
        is_lone = len(names) > 1 and times[movie_id] == 1
        return Neighbour(item, is_lone, name is not None and (movie.movie_id, movie_id, name) in marked)

    columns = [
        Column(name, listing.pipeline == "similar:content", [neighbour(item, name) for item in listing.items])
        for name, listing in zip(names, lists, strict=True)
    ]
    places = list(zip_longest(*(column.neighbours for column in columns)))
    return Film(movie, columns, places, {part for listing in lists for part in listing.degraded})


def _shown_marks(recommender: Recommender, marks: list[Mark]) -> list[dict[str, Any]]:
    """Marks as the API tells them, with the day in words."""
    return [
        told | {"day": f"{datetime.fromtimestamp(told['timestamp'], UTC):%Y-%m-%d}"}
        for told in marks_json(recommender, marks)
    ]


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a sent form, the last of each name."""
    try:
        text = (await request.body()).decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise InvalidInput(f"The form cannot be read ({error}); send it from /lab.html.") from None
