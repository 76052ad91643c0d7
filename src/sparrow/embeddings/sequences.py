"""Item sequences: what each person liked, in time order; the sentences of Item2vec and the edges of walks."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.schema import Columns


def liked_sequences(known: Path) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Read the rows a fit may know and group the liked ones by person.

    Args:
        known: Parquet with userId, movieId, timestamp, liked.

    Returns:
        (people,) user ids ascending, and per person the (n,) movie ids, oldest first; simultaneous likes by movie id.
    """
    table = pq.read_table(
        known, columns=[Columns.USER, Columns.MOVIE, Columns.TIMESTAMP], filters=[("liked", "==", True)]
    )
    users, movies, times = (
        table[name].to_numpy().astype(np.int64) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)
    )
    order = np.lexsort((movies, times, users))
    people, starts = np.unique(users[order], return_index=True)
    return people, np.split(movies[order], starts)[1:]
