"""The engine's contract: select and join in plain SQL, sort, hand whole groups to a kernel, write Parquet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from sparrow.features.grouped import Kernel

EngineName = Literal["duckdb", "spark"]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine a build runs on.

    Attributes:
        name: "duckdb" or "spark".
        master: Spark's master: `local[*]`, `spark://…`, `yarn`, `k8s://…`, or `sc://…` for Connect.
        memory: what the engine may hold before it spills, e.g. "8GB".
    """

    name: EngineName = "duckdb"
    master: str = "local[*]"
    memory: str = "8GB"


class Engine(Protocol):
    """What the feature jobs need. The SQL is what DuckDB and Spark both accept: no list functions, windows or text literals."""

    def read(self, name: str, parquet: Path) -> None:
        """Make a Parquet file, or a folder of them, known as table `name`; a name is taken over from an earlier one.

        Raises:
            BuildError: there is no such file.
        """

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a small query."""

    def write(self, sql: str, parquet: Path) -> int:
        """Write the query's rows to `parquet`; returns how many."""

    def grouped(self, sql: str, by: str, order: Sequence[str], kernel: Kernel, parquet: Path) -> int:
        """Write what the kernel makes of the query's rows to `parquet`; returns how many rows it made.

        Args:
            sql: the rows.
            by: an integer column; rows of one value meet the kernel together.
            order: how they are ordered within it ("timestamp", "half DESC").
            kernel: called with whole groups.
            parquet: a file, or a folder of files; readers take either.
        """

    def spread(
        self, sql: str, by: str, order: Sequence[str], kernel: Kernel, folders: Path, sets: Sequence[str], parts: int
    ) -> dict[str, int]:
        """`grouped`, with the rows spread by chance over `parts` files in `{folders}/{sample}.parquet/`.

        The kernel's column `sample` names which of `sets` a row belongs to and is not written. Each part is a random sample of
        its set, whatever the order of the rows was: whoever reads the parts one by one and shuffles within them has shuffled all.

        Returns:
            Rows by set.
        """

    def hand_over(self, sql: str, writer: "Writer") -> int:
        """Let `writer` take the query's rows in bounded batches, where they are: on Spark in every executor at once.

        Returns:
            The sum of what the writer returned.
        """


Writer = Callable[[Iterator[pa.RecordBatch]], int]
"""Takes some of the rows out of the engine, e.g. into a feature store; returns how many. Pickled, and may be run again."""


@contextmanager
def open_engine(choice: EngineChoice, scratch: Path) -> Iterator[Engine]:
    """The chosen engine; `scratch` is where it spills."""
    if choice.name == "spark":
        from sparrow.features.engines.spark_engine import SparkEngine
        from sparrow.features.spark_session import spark_session

        with spark_session(choice.master, scratch, choice.memory) as session:
            yield SparkEngine(session)
        return
    from sparrow.features.engines.duckdb_engine import DuckDBEngine

    with DuckDBEngine(scratch, choice.memory) as engine:
        yield engine
