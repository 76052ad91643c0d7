"""Item sequences: what each person liked, in time order; the sentences of Item2vec and the edges of walks.

Rows are read in batches of whole people, so that memory is bounded by `rows` whatever the file's size. A file in the order of
people costs one reading; any other order one reading per batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from sparrow.schema import Columns

ROWS: Final = 4_000_000
"""Likes held at once while reading: 24 bytes each, and about as much again to sort them."""

LIKED: Final = pc.field("liked") == pc.scalar(True)


@dataclass(frozen=True)
class Likes:
    """The liked rows of some people, all of each person's: by person, then time, then movie id.

    Attributes:
        people: (people,) user ids, ascending.
        starts: (people + 1,) where each person's rows begin; the last is n.
        movies: (n,) raw movie ids.
        times: (n,) seconds, UTC.
    """

    people: NDArray[np.int64]
    starts: NDArray[np.int64]
    movies: NDArray[np.int64]
    times: NDArray[np.int64]

    def sequences(self) -> list[NDArray[np.int64]]:
        """Per person the (n,) movie ids, oldest first."""
        return np.split(self.movies, self.starts[1:-1]) if len(self.people) else []


def liked_batches(known: Path, rows: int = ROWS) -> Iterator[Likes]:
    """Read the rows a fit may know, people ascending.

    Args:
        known: Parquet file or folder with userId, movieId, timestamp, liked; its rows may stand in any order.
        rows: likes in a batch at most, unless one person alone has more.
    """
    table = ds.dataset(known, format="parquet")
    people, counts = _likes_of_each(table)
    batch = np.cumsum(counts) // rows
    for place in np.unique(batch):
        chosen = people[batch == place]
        user = pc.field(Columns.USER)
        yield _read(table, LIKED & (user >= int(chosen[0])) & (user <= int(chosen[-1])))


def liked_sequences(known: Path) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Everyone's likes; 8 bytes a like.

    Args:
        known: as of `liked_batches`.

    Returns:
        (people,) user ids ascending, and per person the (n,) movie ids, oldest first; simultaneous likes by movie id.
    """
    people: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    sequences: list[NDArray[np.int64]] = []
    for likes in liked_batches(known):
        people.append(likes.people)
        sequences += likes.sequences()
    return np.concatenate(people), sequences


def _likes_of_each(table: ds.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(people,) ids ascending and how many likes each has."""
    people = counts = np.empty(0, dtype=np.int64)
    for batch in table.to_batches(columns=[Columns.USER], filter=LIKED):
        found, times = np.unique(batch.column(0).to_numpy(), return_counts=True)
        everyone, place = np.unique(np.concatenate([people, found]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, times]), len(everyone)).astype(np.int64)
        people = everyone
    return people, counts


def _read(table: ds.Dataset, condition: pc.Expression) -> Likes:
    rows = table.to_table(columns=[Columns.USER, Columns.MOVIE, Columns.TIMESTAMP], filter=condition)
    users, movies, times = (
        rows[name].to_numpy().astype(np.int64, copy=False) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)
    )
    order = np.lexsort((movies, times, users))
    people, starts = np.unique(users[order], return_index=True)
    return Likes(people, np.append(starts, len(users)), movies[order], times[order])
