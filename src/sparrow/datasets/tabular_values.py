"""Columns of anyone's files → what the canonical files hold; vectorised, faults counted, one definition for CSV and Parquet.

Every function takes a `Batch` and the key of a column and gives the batch back with that column converted, without the
rows that had to go.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparrow.datasets.faults import NOT_A_NUMBER, TIME_IN_FUTURE, WHOLE_WITH_DECIMALS
from sparrow.datasets.report import Tally
from sparrow.datasets.rules import MILLISECONDS_FROM
from sparrow.datasets.tabular import Batch, Mask
from sparrow.datasets.tabular_faults import (
    EMPTY_ID,
    LONG_ID,
    RATING_OFF_SCALE,
    TIME_WITH_FRACTION,
    UNREADABLE_TIME,
    UNREADABLE_YEAR,
)
from sparrow.errors import DataError
from sparrow.schema import MAX_RATING, MIN_RATING, NO_GENRES

LONGEST_ID: Final = 200
"""Characters, as `sparrow.stores.outside_ids` and HTTP take them."""

_NUMBER: Final = r"^[+-]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][+-]?[0-9]{1,3})?$"
_WITH_DECIMALS: Final = r"^([1-9][0-9]{0,18})\.0+$"
_YEAR: Final = r"^\s*(?P<year>[0-9]{4})(?:\.0+|[-/].*)?\s*$"
_WIDEST: Final = float(2**62)
_DAYS: Final = (19_000_101, 21_001_231)
_DAY_DIGITS: Final = 10**8


def texts(column: pa.Array) -> pa.Array:
    """Any column as text without blanks around; null is "", and so is a number without end.

    Raises:
        DataError: the column holds lists, maps or bytes.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        return pa.array([_written(value) for value in column.to_pylist()], pa.string())
    try:
        return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise DataError(f"A column of the type {kind} cannot be read as text or numbers; write it as text.") from None


def _written(value: float | None) -> str:
    if value is None or not isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < _WIDEST else repr(value)


def identify(batch: Batch, key: str, tally: Tally) -> Batch:
    """The column as outside ids: text of 1 to `LONGEST_ID` characters; "7.0", as spreadsheets write 7, is read as 7."""
    batch = batch.put(**{key: texts(batch.columns[key])})
    ids = batch.columns[key]
    batch = batch.without(_mask(pc.equal(ids, "")), EMPTY_ID, ids, tally)
    ids = batch.columns[key]
    batch = batch.without(_mask(pc.greater(pc.utf8_length(ids), LONGEST_ID)), LONG_ID, ids, tally)
    ids = batch.columns[key]
    mended = _mask(pc.match_substring_regex(ids, _WITH_DECIMALS))
    if not mended.any():
        return batch
    batch = batch.mended(mended, WHOLE_WITH_DECIMALS, ids, tally)
    return batch.put(**{key: pc.replace_substring_regex(ids, _WITH_DECIMALS, r"\1")})


def numbers(column: pa.Array) -> tuple[NDArray[np.float64], Mask]:
    """(n,) numbers, NaN where there is none, and (n,) which values are neither numbers nor missing."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = _floats(column.cast(pa.float64(), safe=False))
        return np.where(np.isfinite(values), values, np.nan), np.isinf(values)
    written = texts(column)
    readable = pc.match_substring_regex(written, _NUMBER)
    values = _floats(pc.if_else(readable, written, None).cast(pa.float64()))
    wrong = ~_mask(readable) & ~_mask(pc.equal(written, ""))
    return np.where(np.isfinite(values), values, np.nan), wrong | np.isinf(values)


def rate(batch: Batch, key: str, scale: tuple[float, float] | None, tally: Tally) -> Batch:
    """The column as stars. With a declared scale, its ends become 0.5 and 5.0 and the rest lies linearly between,
    rounded to half stars; without one the numbers are stars already, and the rules for stars judge them.

    Args:
        scale: lowest and highest rating, the lowest first.
    """
    written = batch.columns[key]
    values, _ = numbers(written)
    batch = batch.put(**{key: pa.array(values)}).without(np.isnan(values), NOT_A_NUMBER, written, tally)
    if scale is None:
        return batch
    low, high = scale
    values = batch.columns[key].to_numpy()
    batch = batch.without((values < low) | (values > high), RATING_OFF_SCALE, batch.columns[key], tally)
    values = batch.columns[key].to_numpy()
    stars = MIN_RATING + (values - low) * (MAX_RATING - MIN_RATING) / (high - low)
    return batch.put(**{key: pa.array(np.floor(stars * 2 + 0.5) / 2)})


def tell_time(batch: Batch, key: str, tally: Tally) -> Batch:
    """The column as whole seconds (or milliseconds, which the rules for times tell apart): numbers, 20240501 or ISO 8601.

    A time without a zone is UTC. Fractions of a second are left out, and counted where a number had one.

    Raises:
        DataError: the column holds times of day or spans of time.
    """
    written = batch.columns[key]
    kind = written.type
    if pa.types.is_temporal(kind) and not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise DataError(
            f"The column of times has the type {kind}, which tells no date; name another one with --timestamp COLUMN, "
            "or leave times out: --no-timestamp."
        )
    if pa.types.is_temporal(kind):
        values = _floats(written.cast(pa.timestamp("us"), safe=False).cast(pa.int64())) // 1_000_000
        wrong = np.isnan(values)
        fractions = np.zeros(len(values), dtype=bool)
        far = values >= MILLISECONDS_FROM
    else:
        values, iso = numbers(written)
        values = _days_to_seconds(values)
        if iso.any():
            values[iso] = _iso_seconds(texts(written).filter(pa.array(iso)))
        far = iso & (values >= MILLISECONDS_FROM)
        wrong = ~(np.abs(values) < _WIDEST)
        fractions = ~wrong & (values != np.floor(values))
    seconds = np.where(wrong, 0, np.floor(values)).astype(np.int64)
    batch = batch.put(**{key: pa.array(seconds)}).mended(fractions & ~wrong, TIME_WITH_FRACTION, written, tally)
    # Seconds for certain, so that the rules must not take them for milliseconds: 9999-12-31 is no day of 1978.
    batch = batch.without(far, TIME_IN_FUTURE, written, tally)
    return batch.without(wrong[~far], UNREADABLE_TIME, written.filter(pa.array(~far)), tally)


def _days_to_seconds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers like 20240501 → seconds, where at least half of all (n,) numbers are such days; NaN for 20241301 among them."""
    near = (values >= _DAYS[0]) & (values <= _DAYS[1])
    if not near.any():
        return values
    unique, places = np.unique(values[near], return_inverse=True)
    days = np.array([_day(value) for value in unique], dtype=np.float64)[places]
    if 2 * np.isfinite(days).sum() < np.isfinite(values).sum():
        return values
    # Among days, a small number (0, 99999999) is no second of 1970 either.
    seconds = np.where(np.abs(values) < _DAY_DIGITS, np.nan, values)
    seconds[near] = days
    return seconds


def _day(value: float) -> float:
    try:
        return datetime.strptime(f"{value:.15g}", "%Y%m%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float("nan")


def _iso_seconds(written: pa.Array) -> NDArray[np.float64]:
    """(n,) texts → (n,) seconds, UTC, NaN where a text is no time."""
    unique = written.dictionary_encode()
    seconds = np.array([_iso_second(text) for text in unique.dictionary.to_pylist()], dtype=np.float64)
    return np.asarray(seconds[unique.indices.to_numpy()], dtype=np.float64)


def _iso_second(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return float(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // 1))


def date_of_release(batch: Batch, key: str, tally: Tally) -> Batch:
    """The column as years: 1995 or a date that begins with it; 0 where it is missing or cannot be read."""
    written = texts(batch.columns[key])
    found = pc.struct_field(pc.extract_regex(written, _YEAR), "year")
    wrong = _mask(pc.is_null(found)) & ~_mask(pc.equal(written, ""))
    batch = batch.mended(wrong, UNREADABLE_YEAR, written, tally)
    return batch.put(**{key: pc.fill_null(found.cast(pa.int32()), 0)})


def word_lists(column: pa.Array, separator: str) -> list[list[str]]:
    """Lists of words: a list column's own, or text cut at `separator`; blanks around and repeated words go."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [_unique(str(word).strip() for word in words or () if word is not None) for words in column.to_pylist()]
    return [_unique(word.strip() for word in text.split(separator)) for text in texts(column).to_pylist()]


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word and word != NO_GENRES))


def _floats(column: pa.Array) -> NDArray[np.float64]:
    """(n,) numbers, NaN for null."""
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _mask(column: pa.Array) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
