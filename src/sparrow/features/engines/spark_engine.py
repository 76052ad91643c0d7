"""Spark: the same select, join and sort over a cluster, the same kernels in its Python workers.

Rows of one key meet in one partition (hash-partitioned by it), are sorted there, and pass through `mapInArrow`. The workers need
this package and pyarrow installed, as they need Python; a cluster without them can be sent both with `spark.archives`.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.features.engines.engine import Writer
from sparrow.features.engines.parts import SAMPLE, parquet_files, write_missing
from sparrow.features.grouped import Kernel, whole_groups
from sparrow.features.spark_session import pandas_3_is_fine
from sparrow.schema import Columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CODEC: Final = "lz4_raw"
"""Spark's name of what pyarrow and DuckDB call lz4."""

GLOB: Final = re.compile(r"[\[\]{}*?\\]")
"""What Hadoop would take for a pattern in a path."""

WRITTEN: Final = pa.schema([("written", pa.int64())])


class SparkEngine:
    """An `Engine` on a Spark session; paths must be ones that driver and workers share."""

    def __init__(self, session: "SparkSession") -> None:
        """Args: session: of `spark_session`, which whoever opened it ends."""
        self._session = session

    def read(self, name: str, parquet: Path) -> None:
        files = [GLOB.sub(r"\\\g<0>", str(file.resolve())) for file in parquet_files(parquet)]
        self._session.read.parquet(*files).createOrReplaceTempView(name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._session.sql(sql).collect()]

    def write(self, sql: str, parquet: Path) -> int:
        return self._save(self._session.sql(sql), parquet)

    def grouped(self, sql: str, by: str, order: Sequence[str], kernel: Kernel, parquet: Path) -> int:
        return self._save(self._made(sql, by, order, kernel), parquet)

    def spread(
        self, sql: str, by: str, order: Sequence[str], kernel: Kernel, folders: Path, sets: Sequence[str], parts: int
    ) -> dict[str, int]:
        # A row's part is a hash of what it is about, so repartitioning by these columns spreads rows by chance.
        made = self._made(sql, by, order, kernel).repartition(parts, Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)
        hidden = folders / ".spread"
        made.write.partitionBy(SAMPLE).parquet(str(hidden.resolve()), compression=CODEC)
        for folder in hidden.glob(f"{SAMPLE}=*"):
            _tidy(folder.rename(folders / f"{folder.name.partition('=')[2]}.parquet"))
        shutil.rmtree(hidden)
        write_missing(folders, kernel.schema, sets)
        return {name: self._count(folders / f"{name}.parquet") for name in sets}

    def hand_over(self, sql: str, writer: Writer) -> int:
        with pandas_3_is_fine():
            from pyspark.sql.pandas.types import from_arrow_schema

            counts = self._session.sql(sql).mapInArrow(_counted(writer), from_arrow_schema(WRITTEN))
        return sum(row[0] for row in counts.collect())

    def _made(self, sql: str, by: str, order: Sequence[str], kernel: Kernel) -> "DataFrame":
        rows = self._session.sql(sql).repartition(by)
        ordered = rows.sortWithinPartitions(by, *(_sort_column(one) for one in order))
        with pandas_3_is_fine():
            from pyspark.sql.pandas.types import from_arrow_schema

            return ordered.mapInArrow(_in_workers(by, kernel), from_arrow_schema(kernel.schema))

    def _save(self, frame: "DataFrame", parquet: Path) -> int:
        frame.write.parquet(str(parquet.resolve()), compression=CODEC)
        _tidy(parquet)
        return self._count(parquet)

    def _count(self, parquet: Path) -> int:
        return sum(pq.read_metadata(file).num_rows for file in parquet_files(parquet))


def _tidy(folder: Path) -> None:
    """Take out Spark's markers and checksums, which are no Parquet."""
    for marker in (*folder.glob("_*"), *folder.glob(".*.crc")):
        marker.unlink()


def _in_workers(by: str, kernel: Kernel) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in whole_groups(batches, by):
            yield from kernel(rows).to_batches()

    return run


def _counted(writer: Writer) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"written": [writer(batches)]}, schema=WRITTEN)

    return run


def _sort_column(order: str) -> Any:
    from pyspark.sql.functions import asc, desc

    name, _, direction = order.partition(" ")
    return desc(name) if direction == "DESC" else asc(name)
