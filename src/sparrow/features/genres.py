"""The catalogue as the batch jobs see it: a movie's year, and its genres as one bit each.

Text stays out of the engines' SQL: quoting it is where dialects differ, and sorting integers is cheaper.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.features.grouped import Ints
from sparrow.schema import Columns

MAX_GENRES: Final = 32
"""Genres that get a sum of their own; rarer ones beyond stay in the catalogue only."""

CATALOGUE: Final = pa.schema([(Columns.MOVIE, pa.int64()), (Columns.YEAR, pa.int32()), ("genre_mask", pa.int64())])


@dataclass(frozen=True)
class Genres:
    """The genre names that count, by name; bit k of a mask is `names[k]`."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, genres: pa.ChunkedArray) -> "Genres":
        """The `MAX_GENRES` most frequent names of a list<string> column; of equally frequent ones the first by name."""
        counts = Counter(name for name in genres.combine_chunks().flatten().to_pylist() if name)
        kept = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_GENRES]
        return cls(tuple(sorted(kept)))

    def save(self, path: Path) -> None:
        """Write the names as JSON."""
        path.write_bytes(orjson.dumps(self.names))

    @classmethod
    def load(cls, path: Path) -> "Genres":
        """Read what `save` wrote."""
        return cls(tuple(orjson.loads(path.read_bytes())))

    def masks(self, genres: pa.ChunkedArray) -> Ints:
        """(n,) masks of n genre lists."""
        bit = {name: 1 << place for place, name in enumerate(self.names)}
        return np.array(
            [sum(bit.get(name, 0) for name in set(row or ())) for row in genres.to_pylist()], dtype=np.int64
        )

    def bits(self, masks: Ints) -> NDArray[np.int32]:
        """(n,) masks → (genres, n) of 0 and 1."""
        places = np.arange(len(self.names), dtype=np.uint32)
        return ((masks.astype(np.uint32)[None, :] >> places[:, None]) & np.uint32(1)).view(np.int32)


def write_catalogue(movies: Path, out: Path) -> Genres:
    """Write `catalogue.parquet` (movie, year, genre mask) and `genres.json` into `out` from the canonical movies.

    The catalogue is held in memory, as everywhere; it is some hundred bytes a movie.
    """
    table = pq.read_table(movies, columns=[Columns.MOVIE, Columns.YEAR, Columns.GENRES])
    genres = Genres.of(table[Columns.GENRES])
    columns = [table[Columns.MOVIE], table[Columns.YEAR], pa.array(genres.masks(table[Columns.GENRES]))]
    pq.write_table(pa.Table.from_arrays(columns, schema=CATALOGUE), out / "catalogue.parquet")
    genres.save(out / "genres.json")
    return genres
