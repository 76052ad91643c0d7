"""What is known of a movie: just before each row about it, and after all of its ratings.

A movie's clock stands still at the cut, `clock = least(timestamp, cut)`: rows after it share one second and see exactly what
happened before the cut, as serving will. A row of weight 0, a drawn negative, asks and adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from sparrow.features.definitions import MOVIE_SUMS
from sparrow.features.grouped import Ints, column, run_starts, sums_before
from sparrow.features.people import COUNT, person_fields
from sparrow.schema import Columns

SPREAD: Final = 10
"""Ratings there are, 0.5 to 5.0 stars."""

SPLITS: Final = pa.array(["train", "valid", "test"])
SETS: Final = ("choice", "liking")
"""By weight."""


@dataclass(frozen=True)
class MovieSums:
    """`MOVIE_SUMS` of movies over rows that are no points themselves.

    Attributes:
        movies: (m,) ids, ascending.
        sums: (len(MOVIE_SUMS), m + 1); the last column is 0, for every other movie.
    """

    movies: Ints
    sums: Ints

    @classmethod
    def of(cls, rows: Sequence[tuple[int, ...]]) -> "MovieSums":
        """From rows (movie id, *MOVIE_SUMS), by ascending id."""
        table = np.array([*rows, (0,) * (1 + len(MOVIE_SUMS))], dtype=np.int64).T
        return cls(table[0, :-1], table[1:])

    def about(self, movie: Ints) -> Ints:
        """(n,) ids → (len(MOVIE_SUMS), n)."""
        at = np.searchsorted(self.movies, movie)
        found = np.append(self.movies, -1)[at] == movie
        return np.asarray(self.sums[:, np.where(found, at, len(self.movies))])


@dataclass(frozen=True)
class DescribeMovies:
    """Kernel over weighted points by (movieId, timestamp): the finished sample rows.

    Points of weight 1 are ratings and become the `liking` set; those of weight 0 were drawn and become the `choice` set.

    Attributes:
        cut: seconds; from here on a movie's statistics stand still.
        valid_from, test_from: seconds; the global cuts that name `split`.
        favourites: how many favourite-genre columns the points carry.
        earlier: of the ratings before the first point and before the cut.
    """

    cut: int
    valid_from: int
    test_from: int
    favourites: int
    earlier: MovieSums

    @property
    def schema(self) -> pa.Schema:
        """The sample set, the point, its label, split and fold, and the exact sums that `definitions.finish` makes means of."""
        key = [(name, pa.int64()) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)]
        told = [("sample", pa.string()), ("label", pa.int8()), ("split", pa.string()), ("fold", pa.string())]
        sums = [*((name, COUNT) for name in MOVIE_SUMS), *person_fields(self.favourites)]
        return pa.schema([*key, *told, *sums])

    def __call__(self, rows: pa.Table) -> pa.Table:
        movie, time, half, weight = (
            column(rows, name) for name in (Columns.MOVIE, Columns.TIMESTAMP, "half", "weight")
        )
        among = movie_sums_before(movie, np.minimum(time, self.cut), half, weight)
        before = among + self.earlier.about(movie)
        split = (time >= self.valid_from).astype(np.int64) + (time >= self.test_from)
        made = {
            **dict(zip(MOVIE_SUMS, before, strict=True)),
            "sample": pa.array(SETS).take(pa.array(weight)),
            "split": SPLITS.take(pa.array(split)),
        }
        return pa.Table.from_arrays(
            [pa.array(made[one.name]).cast(one.type) if one.name in made else rows[one.name] for one in self.schema],
            schema=self.schema,
        )


def movie_sums_before(movie: Ints, clock: Ints, half: Ints, weight: Ints) -> Ints:
    """(len(MOVIE_SUMS), n) `MOVIE_SUMS` of each point: over the ratings of its movie with an earlier clock.

    Args:
        movie, clock: (n,) ascending by both.
        half: (n,) half-stars.
        weight: (n,) 1 for a rating, 0 for a point that only asks.
    """
    terms = np.stack([weight, weight * half, weight * half * half])
    return np.asarray(sums_before(terms, run_starts(movie, clock), run_starts(movie)))


@dataclass(frozen=True)
class SumMovies:
    """Kernel over known rows by (movieId, half DESC, timestamp DESC, userId): one row a rated movie.

    Attributes:
        top: best ratings kept to be shown, newest first among equals.
    """

    top: int

    @property
    def schema(self) -> pa.Schema:
        """Exact sums, how the ratings spread over 0.5 … 5.0 stars, and the best ratings."""
        best = pa.struct([("userId", pa.int64()), ("half", pa.int8()), ("timestamp", pa.int64())])
        sums = [(name, pa.int64()) for name in MOVIE_SUMS]
        lists = [("spread", pa.list_(pa.int64())), ("top_ratings", pa.list_(best))]
        return pa.schema([(Columns.MOVIE, pa.int64()), *sums, *lists])

    def __call__(self, rows: pa.Table) -> pa.Table:
        movie, half = column(rows, Columns.MOVIE), column(rows, "half")
        first = run_starts(movie)
        starts = np.flatnonzero(first == np.arange(len(movie)))
        sums = np.add.reduceat(np.stack([np.ones_like(half), half, half * half]), starts, axis=1)
        dense = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(movie)))
        spread = np.bincount(dense * SPREAD + half - 1, minlength=len(starts) * SPREAD)
        kept = np.arange(len(movie)) - first < self.top
        best = self.schema.field("top_ratings").type.value_type
        top = pa.StructArray.from_arrays(
            [rows[one.name].combine_chunks().filter(pa.array(kept)).cast(one.type) for one in best], fields=list(best)
        )
        arrays = [
            pa.array(movie[starts]),
            *(pa.array(total) for total in sums),
            pa.ListArray.from_arrays(_offsets(np.full(len(starts), SPREAD)), pa.array(spread)),
            pa.ListArray.from_arrays(_offsets(np.bincount(dense, weights=kept, minlength=len(starts))), top),
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _offsets(lengths: Ints) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
