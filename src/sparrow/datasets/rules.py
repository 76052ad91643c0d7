"""What a rating's stars and times must be; vectorised, one definition for every source."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.faults import (
    RATING_OFF_GRID,
    RATING_OUT_OF_RANGE,
    TIME_IN_FUTURE,
    TIME_IN_MILLISECONDS,
    TIME_NEGATIVE,
    FaultKind,
)
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import Ratings
from sparrow.schema import MAX_RATING, MIN_RATING

MILLISECONDS_FROM: Final = 10**11
"""As seconds this is the year 5138, as milliseconds March 1973: no timestamp can be meant both ways."""


def check_ratings(block: Ratings, tally: Tally, first_line: int, latest: int) -> Ratings:
    """The rows of a block that are sound or could be mended; what was wrong goes into `tally`.

    Args:
        first_line: the line of row 0.
        latest: seconds, UTC; a later timestamp lies in the future.
    """
    for rule in (_stars_in_range, _stars_on_grid):
        block = rule(block, tally, first_line)
    times, alive, mended = check_times(block.timestamp, block.row + first_line, tally, latest)
    return block.mended(mended, time=times).only(alive)


def check_times(
    times: NDArray[np.int64], lines: NDArray[np.int64], tally: Tally, latest: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Mend milliseconds, and tell past and future apart; all arrays are (n,).

    Returns:
        The times in seconds, the rows that stay, the rows that were mended.
    """
    mended = (times >= MILLISECONDS_FROM) & (times // 1000 <= latest)
    _note(TIME_IN_MILLISECONDS, mended, lines, times, tally)
    times = np.where(mended, times // 1000, times)
    negative, future = times < 0, times > latest
    _note(TIME_NEGATIVE, negative, lines, times, tally)
    _note(TIME_IN_FUTURE, future, lines, times, tally)
    return times, ~(negative | future), mended


def _stars_in_range(block: Ratings, tally: Tally, first_line: int) -> Ratings:
    outside = (block.stars < MIN_RATING) | (block.stars > MAX_RATING)
    _note(RATING_OUT_OF_RANGE, outside, block.row + first_line, block.stars, tally)
    return block.only(~outside)


def _stars_on_grid(block: Ratings, tally: Tally, first_line: int) -> Ratings:
    # Later stages count exact half stars, so a rating between two of them cannot stay as it is.
    rounded = np.floor(block.stars * 2 + 0.5) / 2
    between = rounded != block.stars
    _note(RATING_OFF_GRID, between, block.row + first_line, block.stars, tally)
    return block.mended(between, stars=rounded)


def _note(
    kind: FaultKind,
    mask: NDArray[np.bool_],
    lines: NDArray[np.int64],
    values: NDArray[np.int64] | NDArray[np.float64],
    tally: Tally,
) -> None:
    if mask.any():
        tally.note(kind, lines[mask].tolist(), values[mask][0])
