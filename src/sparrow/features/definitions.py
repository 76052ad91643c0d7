"""Every feature by name, and the one formula that finishes them.

Engines and nearline code only ever add up exact integers (`count`, `half_sum`, `half_square_sum`: ratings in half-stars
and their squares, `year_sum`); `finish` turns those sums into means and deviations with one NumPy formula. So DuckDB, Spark,
the feature store and a live event all give the same bits.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.schema import LIKED_RATING

Batch = Mapping[str, NDArray[np.generic]]

LIKED_HALF_STARS: Final = round(2 * LIKED_RATING)

MOVIE_SUMS: Final = ("movie_count", "movie_half_sum", "movie_half_square_sum")
"""int64; how many ratings a movie had, their sum and sum of squares in half-stars."""

USER_SUMS: Final = (
    "user_count",
    "user_half_sum",
    "user_half_square_sum",
    "user_liked_count",
    "user_year_count",
    "user_year_sum",
)
"""int64; the same for a person, the liked ratings, and the release years of liked movies that have one."""

MOVIE_FINISHED: Final = ("movie_mean", "movie_deviation")
USER_FINISHED: Final = ("user_mean", "user_deviation", "user_mean_year")
"""float64; stars, stars and years; 0.0 where there is nothing to average."""

USER_LISTS: Final = ("history", "favourite_genres")
"""`history`: liked movie ids, oldest first; `favourite_genres`: names, most liked first."""


def half_stars(stars: float) -> int:
    """A rating in whole half-stars, the unit of every sum.

    Example:
        >>> half_stars(3.5)
        7
    """
    return round(2 * stars)


def mean(total: NDArray[np.int64], count: NDArray[np.int64], unit: float = 1.0) -> NDArray[np.float64]:
    """`total / count / unit`, 0.0 where `count` is 0.

    Args:
        total: (n,) exact sums.
        count: (n,) how many values were summed.
        unit: how many of the summed units make one of the result (2.0: half-stars to stars).
    """
    return np.where(count > 0, total / np.maximum(count, 1) / unit, 0.0)


def deviation(
    total: NDArray[np.int64], squares: NDArray[np.int64], count: NDArray[np.int64], unit: float = 1.0
) -> NDArray[np.float64]:
    """Sample standard deviation from exact sums, 0.0 for fewer than two values.

    sqrt((n * sum(x^2) - sum(x)^2) / (n * (n - 1))); the numerator is exact in int64, so nothing cancels.

    Example:
        >>> float(deviation(np.array([18]), np.array([164]), np.array([2]), unit=2.0)[0])  # 4.0 and 5.0 stars
        0.7071067811865476
    """
    pairs = np.maximum(count * (count - 1), 1)
    spread = np.maximum(count * squares - total * total, 0)
    return np.where(count > 1, np.sqrt(spread / pairs) / unit, 0.0)


def finish(sums: Batch) -> dict[str, NDArray[np.float64]]:
    """The finished features of whatever sums a batch carries.

    Args:
        sums: name → (n,) int64, holding all of `MOVIE_SUMS`, all of `USER_SUMS`, or both.

    Returns:
        name → (n,) float64 for `MOVIE_FINISHED`, `USER_FINISHED`, or both.
    """
    finished: dict[str, NDArray[np.float64]] = {}
    for who in ("movie", "user"):
        if f"{who}_count" not in sums:
            continue
        count, total, squares = (_exact(sums[f"{who}_{name}"]) for name in ("count", "half_sum", "half_square_sum"))
        finished[f"{who}_mean"] = mean(total, count, unit=2.0)
        finished[f"{who}_deviation"] = deviation(total, squares, count, unit=2.0)
    if "user_year_count" in sums:
        finished["user_mean_year"] = mean(_exact(sums["user_year_sum"]), _exact(sums["user_year_count"]))
    return finished


def favourites(counts: NDArray[np.integer[Any]], top: int) -> NDArray[np.int8]:
    """The most liked genres, ties by name.

    Args:
        counts: (genres, n) how often each was liked; below 2**31 / genres.
        top: how many are kept.

    Returns:
        (top, n) genre numbers from 1, most liked first; 0 where fewer were liked.

    Example:
        >>> favourites(np.array([[1], [0], [4], [1]]), top=4).tolist()
        [[3], [1], [4], [0]]
    """
    genres, rows = counts.shape
    found = np.zeros((top, rows), dtype=np.int8)
    if not genres:
        return found
    # Count first and name behind it in one integer: sorting these sorts by both. Whole rows of int32 sort faster than a
    # partition finds their greatest.
    behind = np.arange(genres - 1, -1, -1, dtype=np.int32)
    keys = np.ascontiguousarray((counts.astype(np.int32, copy=False) * np.int32(genres) + behind[:, None]).T)
    keys.sort(axis=1)
    best = keys[:, : -top - 1 : -1].T
    found[: len(best)] = np.where(best >= genres, genres - best % genres, 0)
    return found


def _exact(values: NDArray[np.generic]) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)
