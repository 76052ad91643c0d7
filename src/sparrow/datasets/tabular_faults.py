"""What can be wrong with one's own files besides `faults.FAULTS`; docs/your-own-data.md shows this table to users."""

from typing import Final

from sparrow.datasets.faults import FaultKind

EMPTY_ID: Final = FaultKind("empty_id", "dropped", "no id", "give every row the id of its person and its item")
LONG_ID: Final = FaultKind(
    "long_id", "dropped", "an id of more than 200 characters", "give people and items shorter ids"
)
RATING_OFF_SCALE: Final = FaultKind(
    "rating_off_scale",
    "dropped",
    "a rating outside the declared scale",
    "declare the scale as it is: --rating-scale LOW HIGH",
)
UNREADABLE_TIME: Final = FaultKind(
    "unreadable_time",
    "dropped",
    "a time that cannot be read",
    "write seconds since 1970-01-01, UTC, or 2026-05-01T12:00:00Z; or leave times out: --no-timestamp",
)
TIME_WITH_FRACTION: Final = FaultKind(
    "time_with_fraction", "repaired", "a time with a fraction of a second", "read without it; write whole seconds"
)
UNREADABLE_YEAR: Final = FaultKind(
    "unreadable_year", "repaired", "a year that cannot be read", "taken as unknown; write 1995 or 1995-11-22"
)
UNREADABLE_ATTRIBUTE: Final = FaultKind(
    "unreadable_attribute",
    "repaired",
    "a value that is not of its declared kind",
    "taken as unknown; write numbers as 4.5, vectors as numbers with blanks between, all of one length",
)
DUPLICATE_PERSON: Final = FaultKind(
    "duplicate_person", "dropped", "a person whom an earlier line has", "the first is kept; give each person one line"
)

TABULAR_FAULTS: Final[tuple[FaultKind, ...]] = (
    EMPTY_ID,
    LONG_ID,
    RATING_OFF_SCALE,
    UNREADABLE_TIME,
    TIME_WITH_FRACTION,
    UNREADABLE_YEAR,
    UNREADABLE_ATTRIBUTE,
    DUPLICATE_PERSON,
)
