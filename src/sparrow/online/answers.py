"""What the request path gives back: plain facts that `sparrow.web` turns into JSON and pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sparrow.schema import MovieId, Rating, UserId

ReasonKind = Literal[
    "because_liked", "similar", "similar_content", "shared_genres", "highly_rated", "recent", "popular"
]
"""Why a movie stands in a list; each is the trace of one recall route. `similar_content`: one of the two has no ratings, so only
what they are speaks for them."""

Sort = Literal["rating", "year", "popularity"]


@dataclass(frozen=True, slots=True)
class MovieFacts:
    """One movie with its rating statistics at the release's cut.

    `release_year` is 0 and `imdb_id`, `tmdb_id` are "" when unknown; `rating_mean` is 0.0 without ratings.
    `rating_spread` counts ratings of 0.5, 1.0 … 5.0 stars (10 numbers). `outside_id` is "" where the outside world calls the
    movie by its number.
    """

    movie_id: MovieId
    title: str
    release_year: int
    genres: tuple[str, ...]
    imdb_id: str
    tmdb_id: str
    rating_count: int
    rating_mean: float
    rating_spread: tuple[int, ...]
    top_ratings: tuple[Rating, ...]
    outside_id: str = ""

    @property
    def public_id(self) -> int | str:
        """What the outside world calls it."""
        return self.outside_id or self.movie_id


@dataclass(frozen=True, slots=True)
class Census:
    """How much a release holds; ratings are those at its cut, of all its movies."""

    movies: int
    people: int
    ratings: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for one listed movie.

    Attributes:
        kind: which route brought it.
        movie_id: the liked (or viewed) movie it is near to, for "because_liked" and "similar".
        title: that movie's title.
        genres: the genres shared, for "shared_genres".
    """

    kind: ReasonKind
    movie_id: MovieId | None = None
    title: str = ""
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedMovie:
    """One place in a list. `score` orders the list, higher first, unless it was drawn; `trace` is None without `explain`."""

    movie: MovieFacts
    score: float
    reasons: tuple[Reason, ...]
    trace: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One served list, best first.

    Attributes:
        release: the release that every part of the answer comes from.
        recommendation_id: names this list in events and logs.
        pipeline: the pipeline that made it, e.g. "similar:item2vec", "for_you:neural_cf", "for_you:history".
        arm: `experiment:arm` of each experiment that the list is part of, comma separated; "" outside experiments.
        degraded: what was not there and had to be replaced: "ranker", "store".
        timings: milliseconds per stage.
        ranker: who ranked it.
        routes: route → how many of the movies it brought; several may bring the same one.
        propensities: the chance of each place given those before it and that the order was drawn; None: it was not.
        teams: of an interleaved list, the arm that added each movie, 0 or 1; None: one arm made it.
        asked_about: the movie that `explain_movie` named, None if it named none.
        told: what became of that movie.
    """

    release: str
    recommendation_id: str
    pipeline: str
    arm: str
    items: tuple[ListedMovie, ...]
    degraded: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    ranker: str = ""
    routes: Mapping[str, int] = field(default_factory=dict)
    propensities: tuple[float, ...] | None = None
    teams: tuple[int, ...] | None = None
    asked_about: MovieFacts | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserFacts:
    """One person's history at the release's cut plus later events.

    `ratings` are newest first. Without ratings the mean, highest and lowest are 0.0.
    """

    user_id: UserId
    rating_count: int
    rating_mean: float
    rating_highest: float
    rating_lowest: float
    favourite_genres: tuple[tuple[str, int], ...]
    ratings: tuple[Rating, ...]
