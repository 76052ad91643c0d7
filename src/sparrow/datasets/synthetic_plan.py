"""What a synthetic world is asked to be: sizes, seed and calendar, refused in words where they cannot be."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sparrow.errors import DataError, InvalidInput

DAY: Final = 86_400
YEAR: Final = 365.25 * DAY
"""Seconds."""

START: Final = 820_454_400
END: Final = 1_574_208_000
"""The first and the last second of every world: 1996-01-01 and 2019-11-20, UTC, about the years of MovieLens 25M."""

EPOCH: Final = 182 * DAY
"""Popularity stands still for half a year."""

EPOCHS: Final = (END - START) // EPOCH + 1

BLOCK_ROWS: Final = 200_000
"""People are drawn together until they give about this many ratings."""

MOST_PER_PERSON: Final = 32_000
"""The busiest person of MovieLens 25M gave 32,202 ratings."""

MOST_MOVIES: Final = 1_000_000

BYTES_PER_RATING: Final = 32
"""Disk space of a rating with its share of tags, rounded up."""

_LIKE_25M: Final = (25_000_095, 162_541, 62_423)
"""Ratings, people and movies of MovieLens 25M."""
_PEOPLE_GROWTH: Final = 0.994
_MOVIES_GROWTH: Final = 0.349
"""Exponents through 100,004 ratings of 9,066 movies by 671 people (MovieLens latest small, 2016) and MovieLens 25M."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a world that can be made.

    Raises:
        InvalidInput: a size is out of range, or so many ratings do not fit so few people and movies.
    """

    ratings: int
    movies: int
    people: int
    seed: int
    min_ratings: int

    def __post_init__(self) -> None:
        for name in ("ratings", "movies", "people", "min_ratings"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{_words(name)} must be at least 1, not {getattr(self, name)}.")
        if self.seed < 0:
            raise InvalidInput(f"The seed must be 0 or more, not {self.seed}.")
        if self.movies > MOST_MOVIES:
            raise InvalidInput(f"The number of movies must be at most {MOST_MOVIES:,}, not {self.movies:,}.")
        if self.ratings < self.people * self.min_ratings:
            raise InvalidInput(
                f"{self.ratings:,} ratings are too few for {self.people:,} people of at least {self.min_ratings} each; "
                f"ask for {self.people * self.min_ratings:,} or more, or for fewer people."
            )
        if self.ratings > self.people * self.most_per_person:
            raise InvalidInput(
                f"{self.ratings:,} ratings are too many for {self.people:,} people and {self.movies:,} movies, of which "
                f"half are out when rating starts: at most {self.people * self.most_per_person:,}; raise people or movies."
            )

    @property
    def most_per_person(self) -> int:
        """What one person can rate at any time: the movies that are out from the start."""
        return min(self.old_movies, MOST_PER_PERSON)

    @property
    def old_movies(self) -> int:
        """Movies released before the first rating."""
        return (self.movies + 1) // 2

    def chance(self, *purpose: int) -> np.random.Generator:
        """The source of chance for one purpose: equal seed and purpose, equal numbers, whatever was drawn before."""
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence((self.seed, *purpose))))


def make_plan(ratings: int, movies: int | None, people: int | None, seed: int, min_ratings: int) -> Plan:
    """A plan whose missing sizes follow the proportions of MovieLens.

    Example:
        >>> plan = make_plan(25_000_095, None, None, seed=1, min_ratings=1)
        >>> plan.people, plan.movies
        (162541, 62423)
    """
    like_ratings, like_people, like_movies = _LIKE_25M
    scale = max(ratings, 1) / like_ratings
    if people is None:
        people = max(1, min(round(like_people * scale**_PEOPLE_GROWTH), ratings // max(min_ratings, 1)))
    if movies is None:
        movies = round(like_movies * scale**_MOVIES_GROWTH)
    return Plan(ratings, movies, people, seed, min_ratings)


def check_place(out: Path, plan: Plan) -> None:
    """Refuse a folder that holds something, or a disk without room, before anything is written.

    Raises:
        InvalidInput: `out` is a file or a folder with content.
        DataError: the disk is too full.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        kind = "a folder that is not empty" if out.is_dir() else "a file"
        raise InvalidInput(f"{out} is {kind}; name a new or an empty folder with --out.")
    ground = next(folder for folder in (out, *out.absolute().parents) if folder.is_dir())
    needed, free = plan.ratings * BYTES_PER_RATING + plan.people * 200, shutil.disk_usage(ground).free
    if needed > free:
        raise DataError(
            f"{plan.ratings:,} ratings need about {needed / 1e6:,.0f} MB in {out} and {free / 1e6:,.0f} MB are free; "
            "free space, name another place with --out, or ask for fewer."
        )


def _words(name: str) -> str:
    return {"min_ratings": "The fewest ratings of a person"}.get(name, f"The number of {name}")
