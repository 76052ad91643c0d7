"""Where the feature SQL runs. One engine today: DuckDB, embedded, out of core.

An engine names Parquet files as tables, makes intermediate tables from SQL, and writes a query's rows to Parquet, finishing
each Arrow batch with `definitions.finish` (the same function a Spark `mapInArrow` would call).
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.errors import BuildError
from sparrow.features import definitions

BATCH_ROWS = 131_072


class Engine(Protocol):
    """What the feature jobs need of a batch engine."""

    def read(self, name: str, parquet: Path) -> None:
        """Make the Parquet file known as table `name`."""

    def create(self, name: str, sql: str) -> None:
        """Materialise the query as table `name`."""

    def write(self, sql: str, parquet: Path) -> int:
        """Write the query's rows, finished, to one Parquet file; returns how many rows."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a small query."""


class DuckDBEngine:
    """DuckDB in process: all cores, spilling to `scratch` beyond the memory limit."""

    def __init__(self, scratch: Path, memory: str = "8GB") -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(scratch)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def read(self, name: str, parquet: Path) -> None:
        if not parquet.is_file():
            raise BuildError(
                f"The table {name!r} needs {parquet}, which is missing; rebuild it with `sparrow build --force`."
            )
        self._connection.read_parquet(str(parquet)).create_view(name)

    def create(self, name: str, sql: str) -> None:
        self._connection.execute(f"CREATE TABLE {name} AS {sql}")

    def write(self, sql: str, parquet: Path) -> int:
        reader = self._connection.sql(sql).to_arrow_reader(BATCH_ROWS)
        written = 0
        writer: pq.ParquetWriter | None = None
        for table in _finished(reader):
            writer = writer or pq.ParquetWriter(parquet, table.schema, compression="zstd")
            writer.write_table(table)
            written += table.num_rows
        if writer is None:
            pq.write_table(_finish(pa.Table.from_batches([], reader.schema)), parquet)
        else:
            writer.close()
        return written

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _finished(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    for batch in reader:
        yield _finish(pa.Table.from_batches([batch]))


def _finish(table: pa.Table) -> pa.Table:
    """Append the finished features for the sums that the table carries."""
    named = (*definitions.MOVIE_SUMS, *definitions.USER_SUMS)
    sums = {name: table[name].to_numpy().astype(np.int64) for name in named if name in table.column_names}
    for name, values in definitions.finish(sums).items():
        table = table.append_column(name, pa.array(values))
    return table
