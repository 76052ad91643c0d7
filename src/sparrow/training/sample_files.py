"""A sample set on disk, read in bounded memory: in file order, or shuffled anew for each epoch.

A set is one Parquet file or a folder of them. The rows of a folder are spread over its parts by a hash, so each part is a
random sample of all rows, and parts in random order, shuffled inside, are a shuffled set. In one file, row groups are such
pieces; several are mixed at a time, since neighbouring rows there may belong together.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from sparrow.schema import Columns

MIXED_ROWS: Final = 2**18
"""Rows that are shuffled together at least, when there are as many."""


class SampleFiles:
    """Chosen columns and rows of a sample set.

    Holds one piece in memory (a part, or a row group of a single file), or as many as make `MIXED_ROWS` rows.
    """

    def __init__(self, path: Path, columns: Sequence[str], where: Any = None) -> None:
        """Args: path: a Parquet file or a folder of parts; columns: names to read; where: a pyarrow expression on any columns."""
        self.path, self.columns, self._where = path, list(columns), where

    def filtered(self, where: Any) -> "SampleFiles":
        """The rows for which `where` holds as well."""
        return SampleFiles(self.path, self.columns, where if self._where is None else self._where & where)

    @cached_property
    def rows(self) -> int:
        """How many rows there are; reads the columns that choose them, once."""
        return int(self._dataset.count_rows(filter=self._where))

    def tables(self) -> Iterator[pa.Table]:
        """All rows, piece by piece in file order."""
        return map(self._read, self._pieces)

    def shuffled(self, seed: Sequence[int]) -> Iterator[pa.Table]:
        """All rows once, in an order that depends on `seed` alone.

        Args:
            seed: numbers that name the order, e.g. (the fit's seed, the epoch).
        """
        rng = np.random.default_rng(seed)
        mixed: list[pa.Table] = []
        for place in rng.permutation(len(self._pieces)):
            mixed.append(self._read(self._pieces[place]))
            if sum(map(len, mixed)) >= MIXED_ROWS:
                yield _shuffle(mixed, rng)
                mixed = []
        if mixed:
            yield _shuffle(mixed, rng)

    @cached_property
    def _dataset(self) -> Any:
        return pads.dataset(self.path, format="parquet")

    @cached_property
    def _pieces(self) -> list[Any]:
        parts = sorted(self._dataset.get_fragments(), key=lambda part: part.path)
        return parts if self.path.is_dir() else [group for part in parts for group in part.split_by_row_group()]

    def _read(self, piece: Any) -> pa.Table:
        # Arrow's own threads would take the cores from TensorFlow's.
        return piece.to_table(columns=self.columns, filter=self._where, use_threads=False)


def newest_rows(files: SampleFiles, rows: int | None) -> pc.Expression | None:
    """What chooses the newest `rows` rows; None where that is all of them. Holds 8 bytes a row for the moment."""
    if rows is None or files.rows <= rows:
        return None
    times = np.concatenate([table[Columns.TIMESTAMP].to_numpy() for table in files.tables()])
    times.partition(len(times) - rows)
    return pc.field(Columns.TIMESTAMP) >= int(times[len(times) - rows])


def _shuffle(tables: Sequence[pa.Table], rng: np.random.Generator) -> pa.Table:
    table = pa.concat_tables(tables).combine_chunks()
    return table.take(pa.array(rng.permutation(len(table))))
