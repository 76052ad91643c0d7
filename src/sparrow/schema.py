"""The shared words: column names, id types and the small records every room speaks.

Raw ids (`MovieId`, `UserId`) are the outside world's int64 ids, up to 2**63 - 1. Dense rows (`MovieIndex`) count from
0 within one release. They are different types and meet only in `online.catalog` and `features.encoding`.
"""

from dataclasses import dataclass
from typing import Final, NewType

MovieId = NewType("MovieId", int)
UserId = NewType("UserId", int)
MovieIndex = NewType("MovieIndex", int)

MAX_ID: Final = 2**63 - 1
"""Largest raw id: ids are int64 in files, stores and models."""

LIKED_RATING: Final = 3.5
"""A rating of at least this many stars counts as liked."""

MIN_RATING: Final = 0.5
MAX_RATING: Final = 5.0
"""Ratings are stars, 0.5-5.0 in half steps."""

NO_GENRES: Final = "(no genres listed)"
"""How MovieLens writes an empty genre list."""


class Columns:
    """Every column name, written once (the names of the MovieLens files where those have one)."""

    USER: Final = "userId"
    MOVIE: Final = "movieId"
    RATING: Final = "rating"
    TIMESTAMP: Final = "timestamp"
    ROW: Final = "row"
    """0-based position in the source file: breaks ties in time for protocols that need an order."""

    TITLE: Final = "title"
    YEAR: Final = "releaseYear"
    GENRES: Final = "genres"
    IMDB: Final = "imdbId"
    TMDB: Final = "tmdbId"
    TAG: Final = "tag"


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating as the outside world sees it; `timestamp` is in seconds, UTC."""

    user_id: UserId
    movie_id: MovieId
    score: float
    timestamp: int


@dataclass(frozen=True, slots=True)
class Movie:
    """One movie of the catalogue.

    `release_year` is 0 when unknown, `imdb_id` and `tmdb_id` are "" when unknown, `genres` is empty for
    "(no genres listed)".
    """

    movie_id: MovieId
    title: str
    release_year: int
    genres: tuple[str, ...]
    imdb_id: str = ""
    tmdb_id: str = ""


def untitled(movie_id: int) -> str:
    """The title of a movie whose source gives none.

    Example:
        >>> untitled(108583)
        'Movie 108583'
    """
    return f"Movie {movie_id}"
