"""Two arms and one metric: by how much they differ, with intervals for one look and for every look."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p, nan
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import MetricName
from sparrow.feedback.outcomes import COMPONENTS, Values
from sparrow.feedback.statistics.cuped import take_out
from sparrow.feedback.statistics.mixture import half_width, mixing_variance, p_value, people_needed_at_every_look
from sparrow.feedback.statistics.power import people_needed, quantile, smallest_visible, two_sided_p
from sparrow.feedback.statistics.ratios import Estimate, as_lift, error_of, log_lift, ratio

Mask = NDArray[np.bool_]

MOST_ERROR: Final = 1.0
"""Of the logarithm of treated / control: beyond it, a handful of events, the delta method's straight line is no likeness."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A sum of one component over a sum of another, or per person.

    Attributes:
        top: the numerator.
        bottom: the denominator; None: the number of people.
        wanted: 1 where more is better, -1 where less is.
    """

    top: str
    bottom: str | None
    wanted: int = 1


METRICS: Final[Mapping[MetricName, Metric]] = MappingProxyType(
    {
        "click_rate": Metric("clicks", "impressions"),
        "watch_seconds": Metric("watch_seconds", None),
        "ratings": Metric("ratings", None),
        "stars": Metric("stars", "ratings"),
        "dislikes": Metric("dislikes", None, wanted=-1),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What was agreed before looking: `alpha` per comparison, the `lift` worth finding, the `power` to find it."""

    alpha: float
    power: float
    lift: float

    @property
    def mixing(self) -> float:
        """The mixture's variance, see `statistics.mixture`."""
        return mixing_variance(log1p(self.lift), self.alpha, self.power)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an arm differs from the control at one look; differences are relative, .05 is 5 % more.

    Attributes:
        control: the metric in the control arm, as it was counted.
        treated: in the other arm.
        lift: the difference, the time before taken out.
        low, high: hold at every look.
        p: below alpha where that interval leaves 0 out, at this look.
        once_low, once_high, once_p: the same for who looks only once.
        visible: the lift that a single look with this error finds with the asked power.
        people_once: people in both arms, over as many days, with whom a single look finds the rule's lift with the asked power.
        people_always: the same for who looks at will.
        saved: share of the variance that the time before took out.
        error: standard error of the logarithm of treated / control.
    """

    control: float
    treated: float
    lift: float
    low: float
    high: float
    p: float
    once_low: float
    once_high: float
    once_p: float
    visible: float
    people_once: int
    people_always: int
    saved: float
    error: float


def compare(
    metric: Metric, sums: Values, before: Values, control: Mask, treated: Mask, rule: Rule
) -> Comparison | None:
    """Compare two arms.

    Args:
        metric: what is compared.
        sums: (components, p) what people did.
        before: (components, p) what they did before.
        control: (p,) people of the one arm.
        treated: (p,) people of the other.
        rule: agreed beforehand.

    Returns:
        None where no ratio can be formed, e.g. no clicks in one arm, or where so few that it says nothing (`MOST_ERROR`).
    """
    values, influences = zip(*(_ratio(metric, sums[:, arm]) for arm in (control, treated)), strict=True)
    shifts, left = take_out(influences, [_covariates(metric, before[:, arm]) for arm in (control, treated)])
    plain = log_lift(*(Estimate(value, error_of(z)) for value, z in zip(values, influences, strict=True)))
    lift = log_lift(
        *(Estimate(value + shift, error_of(z)) for value, shift, z in zip(values, shifts, left, strict=True))
    )
    if plain is None or lift is None or max(plain.error, lift.error) > MOST_ERROR:
        return None
    people = int(control.sum() + treated.sum())
    width, once = half_width(lift.error, rule.mixing, rule.alpha), quantile(1 - rule.alpha / 2) * lift.error
    return Comparison(
        control=values[0],
        treated=values[1],
        lift=as_lift(lift.value),
        low=as_lift(lift.value - width),
        high=as_lift(lift.value + width),
        p=p_value(lift, rule.mixing),
        once_low=as_lift(lift.value - once),
        once_high=as_lift(lift.value + once),
        once_p=two_sided_p(lift.value / lift.error),
        visible=as_lift(smallest_visible(lift.error, rule.alpha, rule.power)),
        people_once=people_needed(people, lift.error, log1p(rule.lift), rule.alpha, rule.power),
        people_always=people_needed_at_every_look(
            people, lift.error, log1p(rule.lift), rule.mixing, rule.alpha, rule.power
        ),
        saved=max(0.0, 1 - (lift.error / plain.error) ** 2),
        error=lift.error,
    )


def people_behind(metric: Metric, sums: Values) -> int:
    """How many of these (components, p) people the metric is a ratio over: who rated nothing tells nothing of stars."""
    return int((sums[COMPONENTS.index(metric.bottom)] > 0).sum()) if metric.bottom else sums.shape[1]


def value_of(metric: Metric, sums: Values) -> float:
    """The metric of all these (components, p) people together; not-a-number where nothing was counted."""
    return _ratio(metric, sums)[0] if sums.shape[1] else nan


def _ratio(metric: Metric, sums: Values) -> tuple[float, Values]:
    top = sums[COMPONENTS.index(metric.top)]
    return ratio(top, sums[COMPONENTS.index(metric.bottom)] if metric.bottom else np.ones(len(top)))


def _covariates(metric: Metric, before: Values) -> Values:
    """(p, 2 or 3) what of the metric there was before, and whether there was anything: newcomers are no people at zero."""
    rows = [before[COMPONENTS.index(name)] for name in (metric.top, metric.bottom) if name]
    return np.stack([*rows, before.any(axis=0).astype(np.float64)], axis=1)
