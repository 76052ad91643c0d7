"""`/why.html`: what the server thought of one movie for one list, drawn. The panel on every list shows the same page.

It asks for the list again with `explain` and `explain_movie`, so a list that nobody asks about pays nothing. It is not noted
as served: nobody was shown that list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from sparrow.errors import InvalidInput, NotFound
from sparrow.online.answers import Listing, MovieFacts
from sparrow.online.wanted import Wanted
from sparrow.web.ids import OptionalId, find_user, read_movie, read_optional_movie, shown
from sparrow.web.parameters import Name, Size, checked_size, embedding_name
from sparrow.web.ports import Recommender
from sparrow.web.problems import recommender_of

FOUND: Final = 8
WEIGHED: Final = 8
"""Movies of a history that are drawn, those with most attention."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar from `start` over `width`, both 0-100; `place` is the place on a route, `value` the number beside it."""

    name: str
    value: float
    start: float
    width: float
    place: int = 0


@dataclass(frozen=True, slots=True)
class Weighed:
    """A movie of the history and how much of the network's attention it got, 0-1."""

    movie: MovieFacts
    bar: Bar


@router.get("/why.html")
async def show_why(
    request: Request,
    movieId: OptionalId = None,  # noqa: N803
    userId: OptionalId = None,  # noqa: N803
    like: OptionalId = None,
    model: Name = None,
    embedding: Name = None,
    size: Size = None,
    title: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """A movie in somebody's list (`userId`) or among those like another (`like`); with `title`, movies to ask about."""
    recommender = recommender_of(request)
    movie_id = read_optional_movie(request, recommender, "movieId", movieId)
    number = checked_size(size, request.app.state.settings.web)
    wanted = Wanted(number, explain=True, explain_movie=movie_id)
    if userId is not None:
        user_id = await find_user(request, recommender, "userId", userId)
        ask = {"userId": shown(recommender, user_id, userId), "model": model or None, "size": size}
    elif like is not None:
        seed = read_movie(request, recommender, "like", like)
        ask = {"like": recommender.movie(seed).public_id, "embedding": embedding or None, "size": size}
    else:
        raise InvalidInput(
            "Whose list? Add userId=, or like= for the movies like one, e.g. /why.html?like=1&movieId=2."
        )
    if movie_id is None:
        found = recommender.search(title, FOUND) if title.strip() else []
        return _page(request, ask, found=found, asked=title.strip())
    if userId is not None:
        listing = await recommender.for_user(user_id, wanted, model or None)
    else:
        listing = await recommender.similar(seed, wanted, embedding_name(embedding, recommender.embeddings))
    return explained(request, listing, ask)


def explained(request: Request, listing: Listing, ask: Mapping[str, object]) -> Response:
    """The page about the movie that `listing` was asked about; `ask` are the words of its address, {} for a guest."""
    recommender, movie = recommender_of(request), listing.asked_about
    assert movie is not None
    item = next((one for one in listing.items if one.movie.movie_id == movie.movie_id), None)
    told: dict[str, Any] = {**(item.trace or {} if item else {}), **listing.told}
    request.scope["degraded"] = listing.degraded
    return _page(
        request,
        ask,
        movie=movie,
        item=item,
        told=told,
        listing=listing,
        routes=route_bars(told.get("routes", {})),
        parts_of=part_bars(told.get("parts", {})),
        weighed=_weighed(request, recommender, told.get("attention", [])),
        inputs=told.get("inputs", {}),
    )


def route_bars(routes: Mapping[str, Mapping[str, float]]) -> list[Bar]:
    """A bar a route, longest first; its length falls with the place as the gain of nDCG does, 100 / log2(1 + place).

    Example:
        >>> [(bar.name, bar.place, bar.width) for bar in route_bars({"genres": {"place": 3, "score": 0.5}})]
        [('genres', 3, 50.0)]
    """
    bars = [
        Bar(name, one["score"], 0, round(100 / log2(1 + one["place"]), 1), int(one["place"]))
        for name, one in routes.items()
    ]
    return sorted(bars, key=lambda bar: bar.place)


def part_bars(parts: Mapping[str, float]) -> list[Bar]:
    """What each part of a ranker adds to the score, about a middle at 50; the largest reaches the edge.

    Example:
        >>> [(bar.name, bar.start, bar.width) for bar in part_bars({"next_item": 4.0, "neural_cf": -1.0})]
        [('next_item', 50, 50.0), ('neural_cf', 37.5, 12.5)]
    """
    reach = max(map(abs, parts.values()), default=0.0) or 1.0
    widths = {name: round(50 * abs(value) / reach, 2) for name, value in parts.items()}
    return [Bar(name, value, 50 if value >= 0 else 50 - widths[name], widths[name]) for name, value in parts.items()]


def _weighed(request: Request, recommender: Recommender, attention: list[dict[str, Any]]) -> list[Weighed]:
    """The movies of the history that weighed most; one that left the catalogue is skipped."""
    heaviest = sorted(attention, key=lambda one: -one["weight"])[:WEIGHED]
    most = max((one["weight"] for one in heaviest), default=0.0) or 1.0
    drawn = []
    for one in heaviest:
        try:
            movie = recommender.movie(read_movie(request, recommender, "movieId", one["movieId"]))
        except NotFound:
            continue
        drawn.append(Weighed(movie, Bar(movie.title, one["weight"], 0, round(100 * max(one["weight"], 0) / most, 1))))
    return drawn


def _page(request: Request, ask: Mapping[str, object], **context: Any) -> Response:
    empty: dict[str, Any] = {"movie": None, "found": [], "asked": ""}
    page: Response = request.app.state.site.page(request, "why.html", ask=ask, **(empty | context))
    return page
