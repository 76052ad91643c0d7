"""What content and co-rating vectors are made from, read from Parquet into arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.schema import Columns


@dataclass(frozen=True)
class Films:
    """The whole catalogue, rated or not; row i of everything is `ids[i]`.

    Attributes:
        ids: (n,) int64 raw ids, ascending.
        titles: n titles, without their year.
        years: (n,) release years, 0 unknown.
        genres: n tuples of genre names, empty where none are known.
        tagged: (t,) rows of `ids`, one for each tag somebody gave.
        tags: t tags, lower case.
    """

    ids: NDArray[np.int64]
    titles: tuple[str, ...]
    years: NDArray[np.int64]
    genres: tuple[tuple[str, ...], ...]
    tagged: NDArray[np.int64]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Ratings:
    """Parallel (n,) arrays: raw user ids, raw movie ids, stars 0.5-5.0."""

    users: NDArray[np.int64]
    movies: NDArray[np.int64]
    stars: NDArray[np.float64]


def read_films(data: Path, before: int | None = None) -> Films:
    """Read `movies.parquet` and, where there is one, `tags.parquet` of a canonical folder.

    Args:
        data: the folder.
        before: seconds; only tags given earlier. None: all.
    """
    table = pq.read_table(data / "movies.parquet", columns=[Columns.MOVIE, Columns.TITLE, Columns.YEAR, Columns.GENRES])
    table = table.sort_by(Columns.MOVIE)
    ids = table[Columns.MOVIE].to_numpy().astype(np.int64)
    tagged, tags = _read_tags(data / "tags.parquet", ids, before)
    return Films(
        ids=ids,
        titles=tuple(table[Columns.TITLE].to_pylist()),
        years=table[Columns.YEAR].to_numpy().astype(np.int64),
        genres=tuple(tuple(row or ()) for row in table[Columns.GENRES].to_pylist()),
        tagged=tagged,
        tags=tags,
    )


def read_ratings(known: Path) -> Ratings:
    """Read the rows a fit may know: userId, movieId and `half`, the rating in half-stars."""
    table = pq.read_table(known, columns=[Columns.USER, Columns.MOVIE, "half"])
    users, movies, half = (table[name].to_numpy() for name in (Columns.USER, Columns.MOVIE, "half"))
    return Ratings(users.astype(np.int64), movies.astype(np.int64), half / 2)


def _read_tags(path: Path, ids: NDArray[np.int64], before: int | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if not path.is_file() or not len(ids):
        return np.empty(0, dtype=np.int64), ()
    earlier = None if before is None else [(Columns.TIMESTAMP, "<", before)]
    table = pq.read_table(path, columns=[Columns.MOVIE, Columns.TAG], filters=earlier)
    movies = table[Columns.MOVIE].to_numpy().astype(np.int64)
    rows = np.minimum(np.searchsorted(ids, movies), len(ids) - 1)
    known = ids[rows] == movies
    tags = [tag.strip().lower() for tag, there in zip(table[Columns.TAG].to_pylist(), known, strict=True) if there]
    return rows[known], tuple(tags)
