"""`/dashboard.html`: is it fresh, is it well, what does it show? Figures are worked out here and drawn in the template."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from sparrow.errors import NotFound, Unavailable
from sparrow.feedback.overview import Overview, Shown
from sparrow.online.answers import MovieFacts
from sparrow.web.ports import CaseBook, Overviews, Recommender, Reports

HEAD: Final = 100
"""The most rated movies, whose share of all places tells how much goes to the bestsellers."""

TOP_MOVIES: Final = 8
TOP_ROUTES: Final = 12

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a figure: how many, their share of all, and the bar's length in per cent of the longest."""

    name: str
    number: int
    share: float
    length: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What was shown: `coverage` is a share of the catalogue; `head` of all places, those with one of the most rated movies."""

    movies: int
    catalogue: int
    coverage: float
    head: float


@router.get("/dashboard.html")
async def show_dashboard(request: Request) -> Response:
    """Release, traffic, lists, experiments and retraining on one page."""
    recommender: Recommender = request.app.state.live.recommender
    overviews: Overviews | None = request.app.state.overviews
    reports: Reports | None = request.app.state.reports
    overview = await run_in_threadpool(overviews.of, recommender.release) if overviews else None
    shown = overview.shown if overview else None
    traffic = await run_in_threadpool(request.app.state.metrics.traffic)
    response: Response = request.app.state.site.page(
        request,
        "dashboard.html",
        overview=overview,
        age=_span(overview),
        traffic=traffic,
        cases=await run_in_threadpool(_cases, request),
        trials=await run_in_threadpool(reports.all) if reports else [],
        pipelines=bars(shown.pipelines.items()) if shown else [],
        brought=bars(traffic.brought.items()),
        films=_films(recommender, shown) if shown else [],
        reach=_reach(recommender, shown) if shown and shown.movies else None,
        highest=max(shown.hours, default=0) if shown else 0,
        most_routes=TOP_ROUTES,
        head=HEAD,
    )
    return response


def _cases(request: Request) -> list[Bar]:
    """Bad cases by status; [] where none are kept, or the log cannot be read just now."""
    book: CaseBook | None = request.app.state.cases
    try:
        counts = book.counts() if book else {}
    except Unavailable:
        counts = {}
    return bars(counts.items()) if any(counts.values()) else []


def bars(counts: Iterable[tuple[str, int]]) -> list[Bar]:
    """Figures of counts, in their order.

    Example:
        >>> bars([("a", 30), ("b", 10)])
        [Bar(name='a', number=30, share=0.75, length=100.0), Bar(name='b', number=10, share=0.25, length=33.33)]
    """
    rows = list(counts)
    total, longest = sum(number for _, number in rows), max((number for _, number in rows), default=0)
    return [Bar(name, number, number / total, round(100 * number / longest, 2)) for name, number in rows]


def _span(overview: Overview | None) -> tuple[str, int] | None:
    """The release's age as (unit, number), in the largest unit that has two of it."""
    if overview is None or overview.age is None:
        return None
    units = (("days", 86_400), ("hours", 3600), ("minutes", 60))
    return next(((name, int(overview.age // long)) for name, long in units if overview.age >= 2 * long), ("minutes", 1))


def _films(recommender: Recommender, shown: Shown) -> list[tuple[MovieFacts, Bar]]:
    """The movies shown most, of those that this release has; shares are of all places."""
    places, found = sum(shown.movies.values()), []
    most = next(iter(shown.movies.values()), 0)
    for movie, times in shown.movies.items():
        with suppress(NotFound):
            found.append((recommender.movie(movie), Bar("", times, times / places, round(100 * times / most, 2))))
        if len(found) == TOP_MOVIES:
            break
    return found


def _reach(recommender: Recommender, shown: Shown) -> Reach:
    best, catalogue = recommender.movies(None, "popularity", HEAD, 0)
    return reach_of(shown.movies, {int(movie.movie_id) for movie in best}, catalogue)


def reach_of(times: Mapping[int, int], head: set[int], catalogue: int) -> Reach:
    """Coverage of a catalogue of so many movies, and the share of places that go to `head`.

    Example:
        >>> reach_of({1: 6, 2: 2}, {1}, 10)
        Reach(movies=2, catalogue=10, coverage=0.2, head=0.75)
    """
    bestsellers = sum(number for movie, number in times.items() if movie in head)
    return Reach(len(times), catalogue, min(1.0, len(times) / max(catalogue, 1)), bestsellers / sum(times.values()))
