"""A table of anyone's, CSV or Parquet, in batches of columns, in file order and bounded memory.

A CSV block without quotes that Arrow's strict parser takes whole is read vectorised, any other line by line (`records`);
both give equal rows. CSV columns come as text as it was written, Parquet columns in their own types.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.datasets.faults import FaultKind
from sparrow.datasets.records import Block, Form, TextFile, cut_blocks, open_text
from sparrow.datasets.report import Tally
from sparrow.errors import DataError

PARQUET_ROWS: Final = 1 << 17
"""Rows of a Parquet file held at once."""

_PARQUET_MAGIC: Final = b"PAR1"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Batch:
    """n rows; every array is (n,).

    Attributes:
        rows: int64, 0-based place in the file.
        first_line: the line of row 0, as an editor shows it (1 for Parquet: the row, counted from 1).
        columns: key → values.
        repaired: rows in which something was put right.
    """

    rows: NDArray[np.int64]
    first_line: int
    columns: Mapping[str, pa.Array]
    repaired: Mask

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, **columns: pa.Array) -> "Batch":
        """The same rows with new values under some keys."""
        return replace(self, columns={**self.columns, **columns})

    def without(self, wrong: Mask, kind: FaultKind, values: pa.Array, tally: Tally) -> "Batch":
        """Count the rows where `wrong` as `kind`, with `values` as examples, and drop them."""
        if not wrong.any():
            return self
        self._note(wrong, kind, values, tally)
        kept = pa.array(~wrong)
        columns = {key: column.filter(kept) for key, column in self.columns.items()}
        return Batch(self.rows[~wrong], self.first_line, columns, self.repaired[~wrong])

    def mended(self, wrong: Mask, kind: FaultKind, values: pa.Array, tally: Tally) -> "Batch":
        """Count the rows where `wrong` as `kind`, with `values` as examples, and mark them as repaired."""
        if not wrong.any():
            return self
        self._note(wrong, kind, values, tally)
        return replace(self, repaired=self.repaired | wrong)

    def _note(self, wrong: Mask, kind: FaultKind, values: pa.Array, tally: Tally) -> None:
        places = np.flatnonzero(wrong)
        example = values[int(places[0])].as_py()
        shown = "" if example is None else example
        tally.note(kind, (self.rows[places[:100]] + self.first_line).tolist(), shown, count=len(places))


class Table(Protocol):
    """A file of rows with named columns."""

    @property
    def path(self) -> Path: ...
    @property
    def header(self) -> tuple[str, ...]: ...
    @property
    def first_line(self) -> int: ...

    def batches(self, columns: Mapping[str, str], tally: Tally) -> Iterator[Batch]:
        """All readable rows; the others are counted in `tally`.

        Args:
            columns: key → a column of `header`; two keys may share one.
        """
        ...


def open_table(path: Path, separator: str = ",") -> Table:
    """Look at a file's first bytes: Parquet says so, everything else is taken for CSV.

    Args:
        separator: what stands between two fields of a CSV file.

    Raises:
        DataError: the file cannot be opened, names no columns, or names one twice.
    """
    table: Table = ParquetTable.open(path) if _is_parquet(path) else CsvTable(open_text(path, Form(separator)))
    names = table.header
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"{path} names the column {twice!r} twice in its header; give every column its own name.")
    if not any(names):
        raise DataError(f"{path} has no header; name the columns in its first line.")
    return table


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check that it is a file and yours.") from None


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file."""

    path: Path
    header: tuple[str, ...]
    first_line: int = 1

    @classmethod
    def open(cls, path: Path) -> "ParquetTable":
        """Read the schema."""
        try:
            return cls(path, tuple(pq.read_schema(path).names))
        except pa.ArrowException as error:
            raise DataError(
                f"{path} begins as Parquet but cannot be read ({error}); fetch or write it again."
            ) from None

    def batches(self, columns: Mapping[str, str], tally: Tally) -> Iterator[Batch]:
        """Row groups in pieces."""
        row = 0
        with pq.ParquetFile(self.path) as file:
            for piece in file.iter_batches(PARQUET_ROWS, columns=list(dict.fromkeys(columns.values()))):
                rows = np.arange(row, row + len(piece))
                row += len(piece)
                tally.rows += len(piece)
                arrays = {key: _plain(piece.column(name)) for key, name in columns.items()}
                yield Batch(rows, self.first_line, arrays, np.zeros(len(rows), dtype=bool))


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with a header."""

    file: TextFile

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.file.path

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.file.header

    @property
    def first_line(self) -> int:
        """The line below the header."""
        return self.file.form.first_line

    def batches(self, columns: Mapping[str, str], tally: Tally) -> Iterator[Batch]:
        """Blocks of lines."""
        places = [self.header.index(name) for name in columns.values()]
        for block in self.file.blocks():
            rows, arrays, repaired = self._fast(block, places, tally) or self._exact(block, places, tally)
            yield Batch(rows, self.first_line, dict(zip(columns, arrays, strict=True)), repaired)

    def _fast(self, block: Block, places: Sequence[int], tally: Tally) -> "_Read | None":
        """The block vectorised, or None when anything in it needs a closer look."""
        if b'"' in block.data or _has_lone_return(block.data):
            return None
        names = [str(place) for place in range(len(self.header))]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(block.data),
                read_options=pa.csv.ReadOptions(column_names=names, block_size=len(block.data) + 1),
                parse_options=pa.csv.ParseOptions(delimiter=self.file.form.separator, quote_char=False),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), include_columns=names, null_values=[]
                ),
            )
        except pa.ArrowInvalid:
            return None
        rows = len(table)
        if rows != block.data.count(b"\n") + 1:
            return None
        tally.rows += rows
        arrays = [table.column(place).combine_chunks() for place in places]
        return np.arange(block.row, block.row + rows), arrays, np.zeros(rows, dtype=bool)

    def _exact(self, block: Block, places: Sequence[int], tally: Tally) -> "_Read":
        records = list(cut_blocks([block], self.file, places, tally))
        rows = np.array([record.row for record in records], dtype=np.int64)
        arrays = [pa.array([record.fields[at] for record in records], pa.string()) for at in range(len(places))]
        return rows, arrays, np.array([record.repaired for record in records], dtype=bool)


_Read = tuple[NDArray[np.int64], list[Any], Mask]
"""Rows, columns, repaired."""


def _has_lone_return(data: bytes) -> bool:
    """A CR that ends no line: Arrow would begin a new row there, an editor does not."""
    return data.count(b"\r") > data.count(b"\r\n") + data.endswith(b"\r")
