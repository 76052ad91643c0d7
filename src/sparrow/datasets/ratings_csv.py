"""ratings.csv in blocks: the fast way where a block is beyond doubt, the exact way where it is not.

A block that holds nothing but digits, points, commas, minus signs and line ends, and that Arrow's strict parser takes
whole, is read vectorised: millions of rows a second. Any other block is read line by line (`read_records`), which costs
some ten microseconds a row and knows every line's number. Both give equal rows.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from sparrow.datasets.faults import BrokenField
from sparrow.datasets.fields import identity, number, seconds
from sparrow.datasets.records import Block, CsvFile, Record, read_records
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import Ratings
from sparrow.schema import Columns

COLUMNS: Final = (Columns.USER, Columns.MOVIE, Columns.RATING, Columns.TIMESTAMP)

_PLAIN: Final = b"0123456789.,-\r\n"
_TYPES: Final = dict(zip(COLUMNS, (pa.int64(), pa.int64(), pa.float64(), pa.int64()), strict=True))


def read_ratings(file: CsvFile, tally: Tally) -> Iterator[Ratings]:
    """Blocks of readable rows in file order; what cannot be read is counted in `tally`."""
    if places := file.places(COLUMNS, tally):
        for block in file.blocks():
            yield _read_fast(block, file.header, tally) or _read_exact(block, len(file.header), places, tally)


def _read_fast(block: Block, header: Sequence[str], tally: Tally) -> Ratings | None:
    """The block vectorised, or None when anything in it needs a closer look."""
    if block.data.translate(None, _PLAIN) or _has_lone_return(block.data):
        return None
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block.data),
            read_options=pa.csv.ReadOptions(column_names=list(header)),
            parse_options=pa.csv.ParseOptions(quote_char=False),
            convert_options=pa.csv.ConvertOptions(column_types=_TYPES, include_columns=COLUMNS, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    user, movie, stars, time = (table.column(name).to_numpy() for name in COLUMNS)
    rows = len(table)
    if rows != block.data.count(b"\n") + 1 or min(user.min(), movie.min()) < 1:
        return None
    tally.rows += rows
    return Ratings(np.arange(block.row, block.row + rows), user, movie, stars, time, np.zeros(rows, dtype=bool))


def _has_lone_return(data: bytes) -> bool:
    """A CR that ends no line: Arrow would begin a new row there, an editor and the exact way do not."""
    return data.count(b"\r") > data.count(b"\r\n") + data.endswith(b"\r")


def _read_exact(block: Block, width: int, places: Sequence[int], tally: Tally) -> Ratings:
    rows = [row for record in read_records([block], width, places, tally) if (row := _parse(record))]
    columns = zip(*rows, strict=True) if rows else [()] * 6
    types = (np.int64, np.int64, np.int64, np.float64, np.int64, np.bool_)
    return Ratings(*(np.array(column, dtype=kind) for column, kind in zip(columns, types, strict=True)))


def _parse(record: Record) -> tuple[int, int, int, float, int, bool] | None:
    try:
        user, movie, stars, time = identity(record, 0), identity(record, 1), number(record, 2), seconds(record, 3)
    except BrokenField as fault:
        record.drop(fault.kind, fault.value)
        return None
    return record.row, user, movie, stars, time, record.repaired
