"""What ml-100k and ml-1m tell of people: age, gender, occupation and zip code, as attributes of the canonical folder.

Nobody need be listed: whoever only rated has no attributes.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from sparrow.datasets.attributes import Kind, write_attributes
from sparrow.datasets.faults import DUPLICATE_ID, UNREADABLE_VALUE, BrokenField
from sparrow.datasets.fields import identity, whole
from sparrow.datasets.records import Record, TextFile, read_records
from sparrow.datasets.report import FileReport, Tally
from sparrow.schema import Columns

AGE: Final = "age"
GENDER: Final = "gender"
OCCUPATION: Final = "occupation"
ZIP_CODE: Final = "zipCode"

KINDS: Final[dict[str, Kind]] = {
    AGE: "numeric",
    GENDER: "categorical",
    OCCUPATION: "categorical",
    ZIP_CODE: "categorical",
}

SCHEMA: Final = pa.schema(
    [
        (Columns.USER, pa.int64()),
        (AGE, pa.float64()),
        (GENDER, pa.string()),
        (OCCUPATION, pa.string()),
        (ZIP_CODE, pa.string()),
    ]
)

BATCH: Final = 50_000
OLDEST: Final = 130

Person = tuple[int, int | None, str | None, str | None, str | None]
"""One row of `SCHEMA`."""


def write_people(file: TextFile, occupations: Sequence[str] | None, folder: Path) -> FileReport:
    """Write `user_attributes.parquet`, unless nobody can be read.

    Args:
        file: its columns are those of `SCHEMA`, in any order.
        occupations: what the numbers in the column of occupations mean; None when words stand there.
        folder: the canonical folder.
    """
    tally = Tally(file.path.name, required=False)
    tables = _tables(_people(file, occupations, tally))
    first = next(tables, None)
    kept = write_attributes(folder, "users", chain([first], tables), KINDS) if first is not None else 0
    return tally.report(kept=kept)


def _people(file: TextFile, occupations: Sequence[str] | None, tally: Tally) -> Iterator[Person]:
    known: set[int] = set()
    for record in read_records(file, SCHEMA.names, tally):
        try:
            user = identity(record, 0)
        except BrokenField as fault:
            record.drop(fault.kind, fault.value)
            continue
        if user in known:
            record.drop(DUPLICATE_ID, str(user))
            continue
        known.add(user)
        person = (user, _age(record), _word(record, 2), _occupation(record, occupations), _word(record, 4))
        tally.repaired += record.repaired
        yield person


def _tables(people: Iterator[Person]) -> Iterator[pa.Table]:
    while batch := list(islice(people, BATCH)):
        columns: list[Any] = list(zip(*batch, strict=True))
        yield pa.table(columns, schema=SCHEMA)


def _age(record: Record) -> int | None:
    """Years; ml-1m gives the first year of a span of ages (1: under 18)."""
    return _whole_below(record, 1, OLDEST)


def _occupation(record: Record, occupations: Sequence[str] | None) -> str | None:
    if occupations is None:
        return _word(record, 3)
    code = _whole_below(record, 3, len(occupations))
    return None if code is None else occupations[code]


def _whole_below(record: Record, at: int, end: int) -> int | None:
    """A whole number in [0, end); None, noted, for anything else that is written there."""
    text = record.fields[at].strip()
    if not text:
        return None
    try:
        value = whole(record, at)
    except BrokenField:
        value = -1
    if not 0 <= value < end:
        record.mend(UNREADABLE_VALUE, text)
        return None
    return value


def _word(record: Record, at: int) -> str | None:
    return record.fields[at].strip() or None
