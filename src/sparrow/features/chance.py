"""Chance that belongs to a row, not to a run: the same draw on one machine, on a cluster, and after a restart.

SplitMix64's finaliser (Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators", 2014) over the row's own numbers.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)

Words = NDArray[np.uint64]


def mixed(seed: int, *numbers: NDArray[np.int64]) -> Words:
    """One well-mixed 64-bit word per row.

    Args:
        seed: changes everything.
        numbers: (n,) each, what the row is told apart by; their order counts.
    """
    words = np.full(len(numbers[0]), np.uint64(seed % (1 << 64)), dtype=np.uint64)
    for values in numbers:
        words = _finalise((words + GOLDEN) ^ values.astype(np.int64, copy=False).view(np.uint64))
    return words


def uniform(words: Words) -> NDArray[np.float64]:
    """Words → numbers in [0, 1).

    Example:
        >>> float(uniform(np.array([1 << 63], dtype=np.uint64))[0])
        0.5
    """
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _finalise(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return np.asarray(words ^ (words >> np.uint64(31)), dtype=np.uint64)
