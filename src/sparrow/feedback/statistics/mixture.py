"""Intervals and p-values that hold at every look: the normal mixture.

A 95 % interval misses once in twenty looks; who looks daily and stops at the first difference is wrong far more often. A
confidence sequence is a row of intervals that *all* hold together with probability 1 - alpha, so that looking early does not lie:

    D +- sqrt( v (1 + v / t) log((1 + t / v) / alpha^2) ),        p = sqrt(1 + t / v) exp(-t D^2 / (2 v (v + t)))

D is an estimate, v its squared error, t the variance of the mixture: Robbins, "Statistical Methods Related to the Law of the
Iterated Logarithm", 1970; as a test of experiments (mSPRT) Johari, Koomen, Pekelis & Walsh, "Peeking at A/B Tests", KDD 2017; for
means of anything with an estimated v, in the limit of many people, Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 2024. The p-value of a day is the least so far.

The clock is information, 1 / v: it runs with people who come and with days that known people return, and t fixes beforehand where
it is sharpest. Both papers count independent people. Here known people return, and what one did so far foretells the rest: then
estimates of two days hang together more closely than in those papers' walk with the same v. By Slepian's inequality that
crosses a line less often, not more, so the promise stands; the simulator checks it (docs/experiments.md).
"""

from math import exp, log, log1p, sqrt

from sparrow.feedback.statistics.power import quantile, z_sum
from sparrow.feedback.statistics.ratios import Estimate


def mixing_variance(lift: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """t for which the interval is sharpest when a fixed-horizon test would see `lift` with `power`.

    t = v_0 x, v_0 the squared error that such a test needs and x the root of x = -2 log alpha + log(1 + x), where the derivative
    of the width is zero (Waudby-Smith et al., 2024, give its first approximation).

    Args:
        lift: a difference on the scale of D, e.g. log(1.05); chosen before looking.
    """
    needed = (lift / z_sum(alpha, power)) ** 2
    root = doubled = -2 * log(alpha)
    for _ in range(50):
        root = doubled + log1p(root)
    return needed * root


def half_width(error: float, mixing: float, alpha: float = 0.05) -> float:
    """Half of the interval's width around D.

    Example:
        >>> round(half_width(0.02, mixing_variance(0.05)), 4)  # a single look would say 0.0392
        0.0608
    """
    v = error**2
    return sqrt(v * (1 + v / mixing) * (log1p(mixing / v) - 2 * log(alpha)))


def p_value(estimate: Estimate, mixing: float) -> float:
    """Against D = 0; below alpha exactly where the interval leaves 0 out.

    Example:
        >>> round(p_value(Estimate(0.0608, 0.02), mixing_variance(0.05)), 3)
        0.05
    """
    v = estimate.error**2
    exponent = -mixing * estimate.value**2 / (2 * v * (v + mixing))
    return min(1.0, sqrt(1 + mixing / v) * exp(exponent))


def people_needed_at_every_look(
    people: int, error: float, effect: float, mixing: float, alpha: float, power: float
) -> int:
    """How many people would see `effect` under `half_width`, judged by the error that `people` have now.

    Found by halving: the width shrinks steadily with people.
    """
    low, high = 1.0, 1e12
    for _ in range(100):
        middle = sqrt(low * high)
        at = error * sqrt(people / middle)
        enough = half_width(at, mixing, alpha) + quantile(power) * at <= effect
        low, high = (low, middle) if enough else (middle, high)
    return round(high)
