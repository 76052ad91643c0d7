"""One field of text → one value, or a `BrokenField` that says why not.

Numbers are plain ASCII digits: what Python alone would take (1_000, ٣, nan) is refused, so that the exact and the
vectorised reader agree.
"""

import re
from typing import Final

from sparrow.datasets.faults import (
    ID_OUT_OF_RANGE,
    NOT_A_NUMBER,
    NOT_WHOLE,
    TIME_IN_FUTURE,
    TIME_NEGATIVE,
    WHOLE_WITH_DECIMALS,
    BrokenField,
)
from sparrow.datasets.records import Record
from sparrow.schema import MAX_ID, NO_GENRES

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,100}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][+-]?[0-9]{1,3})?")
_DATED: Final = re.compile(r"(.*\S)\s*\(\s*((?:18|19|20)[0-9]{2})\s*(?:[-–—]\s*(?:[0-9]{4})?\s*)?\)", re.DOTALL)


def whole(record: Record, at: int) -> int:
    """A whole number of any size; "7.0" is read as 7 and noted."""
    text = record.fields[at].strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise BrokenField(NOT_A_NUMBER, text)
    head, _, decimals = text.partition(".")
    if not _WHOLE.fullmatch(head) or decimals.strip("0"):
        raise BrokenField(NOT_WHOLE, text)
    record.mend(WHOLE_WITH_DECIMALS, text)
    return int(head)


def identity(record: Record, at: int) -> int:
    """A person's or a movie's id: 1 to 2**63 - 1."""
    value = whole(record, at)
    if not 1 <= value <= MAX_ID:
        raise BrokenField(ID_OUT_OF_RANGE, str(value))
    return value


def seconds(record: Record, at: int) -> int:
    """A timestamp that fits int64; whether it is plausible is for the rules to say."""
    value = whole(record, at)
    if value > MAX_ID:
        raise BrokenField(TIME_IN_FUTURE, str(value))
    if value < -MAX_ID:
        raise BrokenField(TIME_NEGATIVE, str(value))
    return value


def number(record: Record, at: int) -> float:
    """A decimal number."""
    text = record.fields[at].strip()
    if not _NUMBER.fullmatch(text):
        raise BrokenField(NOT_A_NUMBER, text)
    return float(text)


def outside_id(record: Record, at: int, prefix: str = "") -> str:
    """An id of another catalogue, kept as text because leading zeros count; "" when there is none."""
    text = record.fields[at].strip().removeprefix(prefix)
    if not text or (text.isascii() and text.isdigit()):
        return text
    return str(identity(record, at))


def split_year(title: str) -> tuple[str, int]:
    """The title without its year, and the year; 0 when it ends in none. Of a span of years the first counts.

    Example:
        >>> split_year("Seven (a.k.a. Se7en) (1995) ")
        ('Seven (a.k.a. Se7en)', 1995)
        >>> split_year("Death Note: Desu nôto (2006–2007)")
        ('Death Note: Desu nôto', 2006)
        >>> split_year("Babylon 5")
        ('Babylon 5', 0)
    """
    title = title.strip()
    match = _DATED.fullmatch(title)
    return (match[1], int(match[2])) if match else (title, 0)


def split_genres(text: str) -> tuple[str, ...]:
    """ "Action|Drama" as names, each once, in the order written; empty for "(no genres listed)"."""
    names = (name.strip() for name in text.split("|"))
    return tuple(dict.fromkeys(name for name in names if name and name != NO_GENRES))
