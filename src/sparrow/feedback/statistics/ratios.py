"""Means and ratios whose unit of chance is the person, and how far two of them lie apart.

Clicks of one person resemble each other, so a click rate is no share of independent impressions. It is a ratio of two means over
people, and the delta method gives its error (Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics", KDD 2018):

    R = mean(y) / mean(x),    R^ - R ~ mean(z),    z_i = (y_i - R x_i) / mean(x),    error(R) = sd(z) / sqrt(n)

A mean per person is the same with x = 1. Arms are compared by the logarithm of R_t / R_c, whose error is the root of the sum of
the squared relative errors: the scale on which a lift of 5 % means the same for every metric.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

MOST_LIFT: Final = 1e6
"""A relative difference beyond this is told as this: it says "nobody knows", and stays a number that JSON and a page can hold."""

NO_ERROR: Final = 1e-9
"""A relative error up to this is what rounding leaves of a sample without spread."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number from a sample and its standard error, in the number's unit."""

    value: float
    error: float


def ratio(numerator: Values, denominator: Values) -> tuple[float, Values]:
    """mean(y) / mean(x) and what each person adds to its error.

    Args:
        numerator: (n,) y, a sum per person, e.g. clicks.
        denominator: (n,) x, e.g. impressions; ones for a mean per person.

    Returns:
        R, and (n,) z as above, whose mean is 0; not-a-number and zeros where every x is 0.

    Example:
        >>> ratio(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
        (1.0, array([-0.5,  0.5]))
    """
    scale = float(denominator.mean()) if len(denominator) else 0.0
    if not scale:
        return float("nan"), np.zeros(len(numerator))
    value = float(numerator.mean()) / scale
    return value, (numerator - value * denominator) / scale


def error_of(influence: Values) -> float:
    """The standard error of a mean of independent (n,) values; not-a-number below two.

    Example:
        >>> error_of(np.array([-1.0, 1.0, -1.0, 1.0, 0.0]))
        0.4472135954999579
    """
    n = len(influence)
    return float(influence.std(ddof=1)) / sqrt(n) if n > 1 else float("nan")


def log_lift(control: Estimate, treated: Estimate) -> Estimate | None:
    """log(treated / control); None unless both are above zero and have an error.

    Example:
        >>> lift = log_lift(Estimate(0.10, 0.003), Estimate(0.11, 0.004))
        >>> round(lift.value, 4), round(lift.error, 4)
        (0.0953, 0.0471)
    """
    values = (control.value, treated.value, control.error, treated.error)
    if not all(np.isfinite(values)) or min(values) <= 0:
        return None
    errors = control.error / control.value, treated.error / treated.value
    if min(errors) <= NO_ERROR:
        return None
    error = sqrt(errors[0] ** 2 + errors[1] ** 2)
    return Estimate(log(treated.value / control.value), error)


def as_lift(logarithm: float) -> float:
    """A logarithm of a ratio as a relative difference, `MOST_LIFT` at most.

    Example:
        >>> round(as_lift(0.09531), 4), as_lift(1e9)
        (0.1, 1000000.0)
    """
    return MOST_LIFT if logarithm > log(MOST_LIFT) else exp(logarithm) - 1
