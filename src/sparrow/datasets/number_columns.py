"""Columns of numbers in blocks: the fast way where a block is beyond doubt, the exact way where it is not.

A block that holds nothing but digits, points, minus signs, separators and line ends, and that Arrow's strict parser
takes whole, is read vectorised: millions of rows a second. Any other block is read line by line, which costs some ten
microseconds a row and knows every line's number. Both give equal rows. Files with another separator than a comma
(`::`, tabs) have it exchanged first, a block at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from sparrow.datasets.faults import BrokenField
from sparrow.datasets.fields import identity, number, seconds
from sparrow.datasets.records import Block, Record, TextFile, cut_blocks
from sparrow.datasets.report import Tally

Parse = Callable[[Record, int], Any]
"""One field → one value, or a `BrokenField`."""

TYPES: Final[dict[Parse, type[np.generic]]] = {identity: np.int64, seconds: np.int64, number: np.float64}

_PLAIN: Final = b"0123456789.,-\r\n"


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """Readable rows of n lines; all arrays are (n,).

    Attributes:
        row: int64, 0-based place in the file.
        columns: one array for each column asked for.
        repaired: bool.
    """

    row: NDArray[np.int64]
    columns: tuple[NDArray[Any], ...]
    repaired: NDArray[np.bool_]


def read_numbers(file: TextFile, columns: dict[str, Parse], tally: Tally) -> Iterator[NumberBlock]:
    """Blocks of readable rows in file order; what cannot be read is counted in `tally`.

    Args:
        columns: column → how one of its fields is read: `identity`, `seconds` or `number`.
    """
    if places := file.places(tuple(columns), tally):
        for block in file.blocks():
            yield _read_fast(block, file, columns, tally) or _read_exact(block, file, places, columns, tally)


def _read_fast(block: Block, file: TextFile, columns: dict[str, Parse], tally: Tally) -> NumberBlock | None:
    """The block vectorised, or None when anything in it needs a closer look."""
    data = _with_commas(block.data, file.form.separator.encode())
    if data is None or data.translate(None, _PLAIN) or _has_lone_return(data):
        return None
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(column_names=list(file.header)),
            parse_options=pa.csv.ParseOptions(quote_char=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.from_numpy_dtype(TYPES[parse]) for name, parse in columns.items()},
                include_columns=list(columns),
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    arrays = tuple(table.column(name).to_numpy() for name in columns)
    rows = len(table)
    ids = [array for array, parse in zip(arrays, columns.values(), strict=True) if parse is identity]
    if rows != data.count(b"\n") + 1 or any(array.min() < 1 for array in ids):
        return None
    tally.rows += rows
    return NumberBlock(np.arange(block.row, block.row + rows), arrays, np.zeros(rows, dtype=bool))


def _with_commas(data: bytes, separator: bytes) -> bytes | None:
    """The same lines with commas between the fields; None where a comma stood already."""
    if separator == b",":
        return data
    return None if b"," in data else data.replace(separator, b",")


def _has_lone_return(data: bytes) -> bool:
    """A CR that ends no line: Arrow would begin a new row there, an editor and the exact way do not."""
    return data.count(b"\r") > data.count(b"\r\n") + data.endswith(b"\r")


def _read_exact(
    block: Block, file: TextFile, places: Sequence[int], columns: dict[str, Parse], tally: Tally
) -> NumberBlock:
    parses = tuple(columns.values())
    rows = [row for record in cut_blocks([block], file, places, tally) if (row := _parse(record, parses))]
    place, *values, repaired = zip(*rows, strict=True) if rows else [()] * (len(parses) + 2)
    arrays = tuple(np.array(column, dtype=TYPES[parse]) for column, parse in zip(values, parses, strict=True))
    return NumberBlock(np.array(place, dtype=np.int64), arrays, np.array(repaired, dtype=np.bool_))


def _parse(record: Record, parses: Sequence[Parse]) -> tuple[Any, ...] | None:
    try:
        values = [parse(record, at) for at, parse in enumerate(parses)]
    except BrokenField as fault:
        record.drop(fault.kind, fault.value)
        return None
    return record.row, *values, record.repaired
