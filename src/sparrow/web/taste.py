"""What a person's page draws: the stars they give, the decades they watch, and how one model's list differs from another's."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from sparrow.errors import NotFound
from sparrow.online.answers import ListedMovie, MovieFacts
from sparrow.schema import Rating
from sparrow.web.ports import Recommender

DRAWN: Final = 2_000
"""The newest ratings that the drawing looks at."""
DECADES: Final = 10
"""Decades that are drawn, up to the latest one with a film."""

Bars = list[tuple[float, int, float]]
"""(stars, ratings, height 0-100 of the tallest) for each half star."""


@dataclass(frozen=True, slots=True)
class Decade:
    """The films of ten years: how many were rated, their mean (0.5-5.0 stars), and the height of the column, 0-100."""

    start: int
    number: int
    mean: float
    height: float


@dataclass(frozen=True, slots=True)
class Taste:
    """A person's ratings, drawn."""

    stars: Bars
    decades: list[Decade]


def draw_taste(recommender: Recommender, ratings: Sequence[Rating]) -> Taste:
    """The newest `DRAWN` ratings as two pictures; a movie that left the catalogue counts for the stars only."""
    newest = ratings[:DRAWN]
    spread = Counter(round(rating.score * 2) for rating in newest)
    return Taste(star_bars([spread[half] for half in range(1, 11)]), _decades(recommender, newest))


def star_bars(spread: Sequence[int]) -> Bars:
    """Columns of ratings by half star.

    Example:
        >>> star_bars([0, 2, 4])
        [(0.5, 0, 0.0), (1.0, 2, 50.0), (1.5, 4, 100.0)]
    """
    tallest = max(spread, default=0) or 1
    return [((place + 1) / 2, count, round(100 * count / tallest, 1)) for place, count in enumerate(spread)]


def _decades(recommender: Recommender, ratings: Iterable[Rating]) -> list[Decade]:
    scores: dict[int, list[float]] = {}
    for rating in ratings:
        year = _year(recommender, rating)
        if year:
            scores.setdefault(year // 10 * 10, []).append(rating.score)
    if not scores:
        return []
    tallest, last = max(map(len, scores.values())), max(scores)
    drawn = range(last - 10 * (DECADES - 1), last + 1, 10)
    return [_decade(start, scores.get(start, []), tallest) for start in drawn]


def _decade(start: int, scores: Sequence[float], tallest: int) -> Decade:
    return Decade(start, len(scores), fmean(scores) if scores else 0.0, round(100 * len(scores) / tallest, 1))


def _year(recommender: Recommender, rating: Rating) -> int:
    try:
        movie: MovieFacts = recommender.movie(rating.movie_id)
    except NotFound:
        return 0
    return movie.release_year


def moves_between(before: Sequence[ListedMovie], after: Sequence[ListedMovie]) -> Mapping[int, int | None]:
    """Movie id → places it rose (below 0: fell) from one list to the other; None where it is new."""
    places = {item.movie.movie_id: place for place, item in enumerate(before)}
    return {
        item.movie.movie_id: places[item.movie.movie_id] - place if item.movie.movie_id in places else None
        for place, item in enumerate(after)
    }
