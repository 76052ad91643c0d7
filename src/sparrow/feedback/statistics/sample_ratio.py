"""Did the arms get the people they were to get? If not, something is broken and nothing else may be read.

Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019: Pearson's chi-square test, alarming
only at very small p, since it is looked at often and an alarm stops everything.

    X = sum_k (n_k - n s_k)^2 / (n s_k),    k - 1 degrees of freedom
"""

from collections.abc import Sequence
from math import erfc, exp, gamma, sqrt
from typing import Final

ALARM: Final = 0.001
"""Below this p the arms' people are not what was asked for."""

LEAST_EXPECTED: Final = 5.0
"""People that each arm must be due before the statistic resembles chi-square (Cochran's rule)."""


def chi_square(counts: Sequence[int], shares: Sequence[float], least: float = LEAST_EXPECTED) -> tuple[float, float]:
    """Statistic and p-value of people counted against shares that sum to 1.

    (0, 1) when there is one arm, and as long as some arm is due fewer than `least` people, at least `LEAST_EXPECTED`.

    Example:
        >>> statistic, p = chi_square([5100, 4900], [0.5, 0.5])
        >>> round(statistic, 3), round(p, 4)
        (4.0, 0.0455)
    """
    people = sum(counts)
    if len(counts) < 2 or people * min(shares) < max(least, LEAST_EXPECTED):
        return 0.0, 1.0
    statistic = sum((n - people * share) ** 2 / (people * share) for n, share in zip(counts, shares, strict=True))
    return float(statistic), chi_square_tail(statistic, len(counts) - 1)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X >= statistic), by the finite sums that hold for whole degrees of freedom (Abramowitz & Stegun, 26.4.4 and 26.4.5).

    Example:
        >>> round(chi_square_tail(3.841, 1), 3), round(chi_square_tail(5.991, 2), 3)
        (0.05, 0.05)
    """
    half = statistic / 2
    if half > 700:
        return 0.0
    if freedom % 2:
        tail = sum(half ** (j - 0.5) / gamma(j + 0.5) for j in range(1, freedom // 2 + 1))
        return float(min(1.0, erfc(sqrt(half)) + exp(-half) * tail))
    return float(min(1.0, exp(-half) * sum(half**j / gamma(j + 1) for j in range(freedom // 2))))
