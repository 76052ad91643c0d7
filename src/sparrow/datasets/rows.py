"""What a source hands to the importer: rows whose fields could be read, each with its place in the file.

`row` counts from 0 in file order and has gaps where rows were dropped; `row + source.first_line` is the line that an
editor shows. `repaired` rows were changed on the way in.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sparrow.schema import Movie


@dataclass(frozen=True, slots=True)
class Ratings:
    """A block of n ratings in file order; all arrays are (n,).

    Attributes:
        stars: float64, as written.
        timestamp: int64, as written; seconds, UTC, once the rules have passed.
        repaired: bool.
    """

    row: NDArray[np.int64]
    user: NDArray[np.int64]
    movie: NDArray[np.int64]
    stars: NDArray[np.float64]
    timestamp: NDArray[np.int64]
    repaired: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    def only(self, mask: NDArray[np.bool_]) -> Self:
        """The rows where `mask`, (n,), is true."""
        if mask.all():
            return self
        return type(self)(
            self.row[mask],
            self.user[mask],
            self.movie[mask],
            self.stars[mask],
            self.timestamp[mask],
            self.repaired[mask],
        )

    def mended(
        self, mask: NDArray[np.bool_], stars: NDArray[np.float64] | None = None, time: NDArray[np.int64] | None = None
    ) -> Self:
        """The same rows with new stars or times, marked as repaired where `mask`, (n,), is true."""
        return replace(
            self,
            stars=self.stars if stars is None else stars,
            timestamp=self.timestamp if time is None else time,
            repaired=self.repaired | mask,
        )


@dataclass(frozen=True, slots=True)
class MovieRow:
    """One movie as the source describes it; the title may still be empty and the id already taken."""

    row: int
    movie: Movie
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One movie's ids elsewhere, "" where unknown."""

    row: int
    movie_id: int
    imdb_id: str
    tmdb_id: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag as written; the timestamp has not passed the rules yet."""

    row: int
    user_id: int
    movie_id: int
    tag: str
    timestamp: int
    repaired: bool = False
