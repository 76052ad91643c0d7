"""Finished rows to Parquet: one file, or spread by chance over parts."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.errors import BuildError
from sparrow.features.chance import mixed
from sparrow.schema import Columns

COMPRESSION: Final = "lz4"
"""Of rows that are read once or twice on the same machine: a third of zstd's time for the same size."""

PENDING_ROWS: Final = 65_536
"""Rows that wait for their part before they are written: small row groups cost readers dearly."""

SAMPLE: Final = "sample"

Place = tuple[str, int]
"""A sample set and the number of its part."""

Shares = list[tuple[Place, pa.Table]]
"""Rows by the place they belong to."""


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files at a path that is one or holds some, in order.

    Raises:
        BuildError: there are none.
    """
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise BuildError(f"The table {path} is missing; make it again with `sparrow build --force`.")
    return files


def open_writer(path: Path, schema: pa.Schema) -> Any:
    """A Parquet writer for finished rows; only text is worth a dictionary, integers cost more to look up than to write."""
    text = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(path, schema, compression=COMPRESSION, use_dictionary=text)


class PartWriter:
    """Spreads rows over `{folder}/{sample}.parquet/part-NNN.parquet`. What it holds back is
    bounded by sets x parts x PENDING_ROWS."""

    def __init__(self, folder: Path, schema: pa.Schema, sets: Sequence[str], parts: int) -> None:
        self._folder, self._parts, self._all = folder, parts, schema
        self._schema = _without_sample(schema)
        self._writers: dict[Place, Any] = {}
        self._pending: dict[Place, list[pa.Table]] = {}
        self.rows = dict.fromkeys(sets, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for place in self._pending:
                    self._flush(place)
                write_missing(self._folder, self._all, list(self.rows))
        finally:
            for writer in self._writers.values():
                writer.close()

    def split(self, rows: pa.Table) -> Shares:
        """Rows of any sets, by where they belong; for `write`. Any thread may call it."""
        part = part_of(rows, self._parts)
        samples = rows[SAMPLE].combine_chunks().dictionary_encode()
        names, codes = samples.dictionary.to_pylist(), samples.indices.to_numpy()
        place = codes * self._parts + part
        order = np.argsort(place, kind="stable")
        rows = rows.drop_columns([SAMPLE])
        places, starts = np.unique(place[order], return_index=True)
        # Taken, not sliced: a slice that waits for its part would keep the whole table alive.
        return [
            ((names[one // self._parts], one % self._parts), rows.take(pa.array(order[start:end])))
            for one, start, end in zip(places.tolist(), starts, [*starts[1:], len(order)], strict=True)
        ]

    def write(self, shares: Shares) -> None:
        """Take in what `split` gave."""
        for place, rows in shares:
            self._pending.setdefault(place, []).append(rows)
            self.rows[place[0]] += rows.num_rows
            if sum(one.num_rows for one in self._pending[place]) >= PENDING_ROWS:
                self._flush(place)

    def _flush(self, place: Place) -> None:
        held = self._pending[place]
        if held:
            self._writer(place).write_table(pa.concat_tables(held).combine_chunks())
        self._pending[place] = []

    def _writer(self, place: Place) -> Any:
        if place not in self._writers:
            folder = self._folder / f"{place[0]}.parquet"
            folder.mkdir(parents=True, exist_ok=True)
            self._writers[place] = open_writer(folder / f"part-{place[1]:03}.parquet", self._schema)
        return self._writers[place]


def write_missing(folder: Path, schema: pa.Schema, sets: Sequence[str]) -> None:
    """Give every set that got no row an empty part, so that readers find its columns."""
    for name in sets:
        place = folder / f"{name}.parquet"
        if not place.is_dir():
            place.mkdir(parents=True)
            pq.write_table(_without_sample(schema).empty_table(), place / "part-000.parquet")


def _without_sample(schema: pa.Schema) -> pa.Schema:
    return schema.remove(schema.get_field_index(SAMPLE))


def part_of(rows: pa.Table, parts: int) -> NDArray[np.int64]:
    """(n,) the part of each row, by a hash of what it is about: the same on every engine and in every run."""
    about = (rows[name].to_numpy() for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP))
    return (mixed(0, *about) % np.uint64(parts)).astype(np.int64)
