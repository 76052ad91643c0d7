"""Who met what: a people x movies matrix in CSR form, with the stars and the order of each entry beside it.

Raw ids stay at the border: `Interactions.from_rows` turns them into dense rows and columns, both ascending by raw id, and
every model inside this room knows only those. A block of people (`of`), a newcomer and the whole training set have the
same type, so that fitting and scoring someone who arrived afterwards are one path.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.errors import DataError

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Interactions:
    """A CSR matrix whose entries also carry stars and place in time.

    Attributes:
        user_ids: (people,) raw ids, ascending.
        movie_ids: (movies,) raw ids, ascending; the columns.
        starts: (people + 1,) where each person's entries begin; CSR's `indptr`.
        columns: (n,) dense movie of each entry, ascending within a person; CSR's `indices`.
        stars: (n,) ratings, or None when they say nothing (absent, or all the same).
        recency: (n,) 0 for the person's newest entry, 1 for the one before, ….
    """

    user_ids: Ids
    movie_ids: Ids
    starts: Ids
    columns: Ids
    stars: Floats | None
    recency: Ids

    @classmethod
    def from_rows(
        cls,
        users: Ids,
        movies: Ids,
        stars: Floats | None = None,
        timestamps: Ids | None = None,
        more_movies: Ids | None = None,
    ) -> Self:
        """Build from parallel arrays in file order, which decides between equal timestamps.

        Args:
            users, movies: (n,) raw ids; a pair may stand there once only.
            stars: (n,) ratings; dropped when they are all the same.
            timestamps: (n,) seconds, UTC; without them file order is time.
            more_movies: raw ids that are columns even if nobody met them.

        Raises:
            DataError: there is no row, or a pair comes twice.
        """
        if not len(users):
            raise DataError("There is no interaction to learn from; give at least one row of userId,movieId.")
        user_ids, rows = np.unique(users, return_inverse=True)
        movie_ids = np.unique(movies if more_movies is None else np.concatenate((movies, more_movies)))
        columns = np.searchsorted(movie_ids, movies)
        _check_once(users, movies, rows, columns)
        recency = _recency(rows, timestamps)
        order = np.lexsort((columns, rows))
        starts = np.searchsorted(rows[order], np.arange(len(user_ids) + 1))
        tells = stars is not None and len(stars) > 0 and float(np.ptp(stars)) > 0
        kept = stars[order].astype(np.float64) if tells and stars is not None else None
        return cls(user_ids, movie_ids, starts, columns[order], kept, recency[order])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.user_ids), len(self.movie_ids)

    def matrix(self, values: NDArray[np.floating] | None = None) -> csr_matrix:
        """(people, movies) CSR in float64 with these (n,) entries; ones when none are given."""
        entries = np.ones(len(self.columns)) if values is None else values.astype(np.float64)
        return csr_matrix((entries, self.columns, self.starts), shape=self.shape)

    def of(self, user_ids: Ids) -> "Interactions":
        """These people alone, over the same columns.

        Args:
            user_ids: (m,) raw ids, ascending, all known here.
        """
        rows = np.searchsorted(self.user_ids, user_ids)
        if not np.array_equal(self.user_ids[np.minimum(rows, len(self.user_ids) - 1)], user_ids):
            raise ValueError(
                f"People without interactions cannot be selected: {np.setdiff1d(user_ids, self.user_ids)[:5]} …"
            )
        lengths = self.counts()[rows]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        entries = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return replace(
            self,
            user_ids=user_ids,
            starts=starts,
            columns=self.columns[entries],
            stars=None if self.stars is None else self.stars[entries],
            recency=self.recency[entries],
        )

    def counts(self) -> Ids:
        """(people,) how many entries each person has."""
        lengths: Ids = np.diff(self.starts)
        return lengths

    def popularity(self) -> Ids:
        """(movies,) how many people met each movie."""
        met: Ids = np.bincount(self.columns, minlength=len(self.movie_ids)).astype(np.int64)
        return met

    def rows(self) -> Ids:
        """(n,) dense person of each entry."""
        owners: Ids = np.repeat(np.arange(len(self.user_ids)), self.counts())
        return owners

    def movie_means(self, shrink: float = 5.0) -> Floats:
        """(movies,) mean stars, drawn to the mean of all by `shrink` rows of it; NaN when stars say nothing."""
        if self.stars is None:
            return np.full(len(self.movie_ids), np.nan)
        sums = np.bincount(self.columns, weights=self.stars, minlength=len(self.movie_ids))
        means: Floats = (sums + shrink * self.stars.mean()) / (self.popularity() + shrink)
        return means

    def above(self, means: Floats) -> Floats:
        """(n,) stars above what the movie usually gets, (movies,); zeros where either says nothing."""
        if self.stars is None:
            return np.zeros(len(self.columns))
        lead: Floats = np.nan_to_num(self.stars - means[self.columns])
        return lead


def _check_once(users: Ids, movies: Ids, rows: Ids, columns: Ids) -> None:
    order = np.lexsort((columns, rows))
    twice = np.flatnonzero((np.diff(rows[order]) == 0) & (np.diff(columns[order]) == 0))
    if len(twice):
        at = order[twice[0]]
        raise DataError(
            f"Person {users[at]} and movie {movies[at]} come together more than once; keep one row of each pair."
        )


def _recency(rows: Ids, timestamps: Ids | None) -> Ids:
    """(n,) how many later entries the same person has, in (timestamp, file order)."""
    times = np.zeros(len(rows), dtype=np.int64) if timestamps is None else timestamps
    order = np.lexsort((np.arange(len(rows)), times, rows))
    ends = np.searchsorted(rows[order], rows[order], side="right")
    recency = np.empty(len(rows), dtype=np.int64)
    recency[order] = ends - 1 - np.arange(len(rows))
    return recency
