"""What an experiment of this size can see (van Belle, "Statistical Rules of Thumb", 2008, chapter 2).

A two-sided test at alpha finds a difference with the asked power when the difference is (z_{1 - alpha/2} + z_power) errors.
"""

from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()


def quantile(share: float) -> float:
    """The number below which a standard normal variable falls with this probability.

    Example:
        >>> round(quantile(0.975), 4)
        1.96
    """
    return _NORMAL.inv_cdf(share)


def two_sided_p(z: float) -> float:
    """How often a standard normal variable lies as far from 0 as `z` does.

    Example:
        >>> round(two_sided_p(-1.96), 3)
        0.05
    """
    return 2 * _NORMAL.cdf(-abs(z))


def z_sum(alpha: float, power: float) -> float:
    """Errors that a difference must measure to be seen.

    Example:
        >>> round(z_sum(0.05, 0.8), 4)
        2.8016
    """
    return quantile(1 - alpha / 2) + quantile(power)


def smallest_visible(error: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The minimum detectable effect at this error, on the error's scale."""
    return z_sum(alpha, power) * error


def people_needed(people: int, error: float, effect: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many people would see `effect`, judged by the error that `people` have now.

    Example:
        >>> people_needed(1000, 0.05, 0.05)
        7849
    """
    return round(people * (smallest_visible(error, alpha, power) / effect) ** 2)
