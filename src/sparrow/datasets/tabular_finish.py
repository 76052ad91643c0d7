"""What can be told only when a dataset has been read whole; each touches one canonical file, a row group at a time."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparrow.datasets.identities import SMALL_BELOW, IdTable
from sparrow.datasets.report import CheckReport, Fault, FileReport
from sparrow.schema import Columns, untitled


def constant_ratings(path: Path) -> float | None:
    """The value that all ratings share; None when there are two, or none."""
    ends: set[float] = set()
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=[Columns.RATING]).column(0)
            ends |= set(pc.min_max(column).as_py().values()) - {None}
            if len(ends) > 1:
                return None
    return next(iter(ends), None)


def set_ratings(path: Path, stars: float) -> None:
    """Give every rating the same stars."""

    def constant(table: pa.Table) -> pa.Table:
        values = pa.repeat(pa.scalar(stars, pa.float64()), len(table))
        return table.set_column(table.column_names.index(Columns.RATING), Columns.RATING, values)

    _rewrite(path, constant)


def name_untitled(path: Path, ids: IdTable) -> None:
    """Call movies without a title "Movie <outside id>", not by a surrogate that nobody knows."""
    if not len(ids):
        return

    def named(table: pa.Table) -> pa.Table:
        pairs = zip(table.column(Columns.MOVIE).to_pylist(), table.column(Columns.TITLE).to_pylist(), strict=True)
        titles = [_own_title(number, title, ids) for number, title in pairs]
        return table.set_column(table.column_names.index(Columns.TITLE), Columns.TITLE, pa.array(titles, pa.string()))

    _rewrite(path, named)


def _own_title(number: int, title: str, ids: IdTable) -> str:
    outside = ids.outside(number) if title == untitled(number) else None
    return title if outside is None else f"Movie {outside}"


def _rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    written = path.with_suffix(".rewritten")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(written, file.schema_arrow) as writer:
        for group in range(file.num_row_groups):
            writer.write_table(change(file.read_row_group(group)))
    written.replace(path)


def in_outside_words(report: CheckReport, *tables: IdTable) -> CheckReport:
    """The same report with surrogates in its examples told as outside ids."""

    def told(match: re.Match[str]) -> str:
        number = int(match[0])
        names = (table.outside(number) for table in tables) if number >= SMALL_BELOW else ()
        return next((name for name in names if name is not None), match[0])

    def reworded(file: FileReport) -> FileReport:
        faults = tuple(_reworded(fault, told) for fault in file.faults)
        return replace(file, faults=faults)

    return replace(report, files=tuple(map(reworded, report.files)))


def _reworded(fault: Fault, told: Callable[[re.Match[str]], str]) -> Fault:
    return replace(fault, example=re.sub(r"\b[0-9]{19}\b", told, fault.example))
