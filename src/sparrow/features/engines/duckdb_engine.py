"""DuckDB in this process: selects, joins and sorts on all cores, beyond its memory limit on disk."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import duckdb
import pyarrow as pa

from sparrow.errors import BuildError
from sparrow.features.engines.engine import Writer
from sparrow.features.engines.parts import COMPRESSION, PartWriter, open_writer, parquet_files
from sparrow.features.grouped import Kernel, whole_groups
from sparrow.features.prefetch import mapped, prefetched

Made = TypeVar("Made")

BATCH_ROWS: Final = 262_144

HAND_OVER_ROWS: Final = 16_384

KERNELS: Final = 2
"""At work at once: NumPy lets other threads run, and the sort before them is over by then."""

AHEAD: Final = 2
"""Tables that a kernel may be ahead of the disk."""


class DuckDBEngine:
    """An `Engine` on one machine."""

    def __init__(self, scratch: Path, memory: str = "8GB") -> None:
        """Args: scratch: where it spills; memory: what it may hold, e.g. "8GB"."""
        scratch.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(scratch)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def read(self, name: str, parquet: Path) -> None:
        files = [str(file) for file in parquet_files(parquet)]
        self._connection.read_parquet(files).create_view(name, replace=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._cursor().execute(sql).fetchall()

    def write(self, sql: str, parquet: Path) -> int:
        target = str(parquet).replace("'", "''")
        with _in_words(sql):
            written = self._cursor().execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION {COMPRESSION})")
            [[count]] = written.fetchall()
        return int(count)

    def grouped(self, sql: str, by: str, order: Sequence[str], kernel: Kernel, parquet: Path) -> int:
        written = 0
        with (
            open_writer(parquet, kernel.schema) as writer,
            prefetched(self._made(sql, by, order, kernel), AHEAD) as tables,
        ):
            for table in tables:
                writer.write_table(table)
                written += table.num_rows
        return written

    def spread(
        self, sql: str, by: str, order: Sequence[str], kernel: Kernel, folders: Path, sets: Sequence[str], parts: int
    ) -> dict[str, int]:
        with PartWriter(folders, kernel.schema, sets, parts) as writer:
            made = self._made(sql, by, order, lambda rows: writer.split(kernel(rows)))
            with prefetched(made, AHEAD) as tables:
                for shares in tables:
                    writer.write(shares)
        return writer.rows

    def hand_over(self, sql: str, writer: Writer) -> int:
        return writer(iter(self._cursor().sql(sql).to_arrow_reader(HAND_OVER_ROWS)))

    def _made(self, sql: str, by: str, order: Sequence[str], make: Callable[[pa.Table], Made]) -> Iterator[Made]:
        """What is made of each stretch of whole groups, in order."""
        cursor = self._cursor()
        with _in_words(sql):
            reader = cursor.sql(f"SELECT * FROM ({sql}) ORDER BY {', '.join((by, *order))}").to_arrow_reader(BATCH_ROWS)
            yield from mapped(make, whole_groups(reader, by), KERNELS)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        # Jobs of two fits may run side by side; a connection serves one query at a time, cursors share its tables.
        return self._connection.cursor()


class _in_words:  # noqa: N801 - reads as a phrase where it is used
    """Out of memory or disk is the user's to cure, so it is told in words; the query is kept out of it."""

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, duckdb.OutOfMemoryException):
            first = str(error).splitlines()[0]
            raise BuildError(f"DuckDB ran out of room ({first}); raise build.memory or free disk space.") from None
