"""The A/B report of one experiment: from what people did to figures per arm and day, differences, guardrails and a verdict.

Each look (the end of a day, UTC) is judged by the same rule, so the page may be read every day. With several arms the alarm rate
is shared among the comparisons with the control (Bonferroni). One metric decides; the others inform, guardrails protect.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np

from sparrow.config import Experiment, Experiments, MetricName
from sparrow.feedback.comparing import METRICS, Comparison, Mask, Rule, compare, people_behind, value_of
from sparrow.feedback.outcomes import COMPONENTS, DAY, Look, Outcomes, Values
from sparrow.feedback.statistics.sample_ratio import ALARM, chi_square

Verdict = Literal["nobody", "one_arm", "few", "mismatch", "better", "worse", "open"]
"""`nobody` was shown a list; `one_arm` alone was; `few`: an arm lacks people, or what is measured; `mismatch`: the sample ratio
says that something is broken; else what the deciding metric says of an arm."""

GuardrailState = Literal["held", "open", "breached"]


@dataclass(frozen=True, slots=True)
class ArmDay:
    """One arm on one day; `people` are those first shown a list that day, `watch_seconds` are per person exposed so far."""

    day: str
    people: int
    impressions: int
    clicks: int
    click_rate: float | None
    watch_seconds: float
    ratings: int
    dislikes: int


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm over all days: `values` holds each metric as counted, None where nothing was."""

    name: str
    share: float
    people: int
    values: dict[MetricName, float | None]
    days: list[ArmDay]


@dataclass(frozen=True, slots=True)
class LookReport:
    """The deciding metric at the end of a day: the interval of then, and the least p so far."""

    day: str
    lift: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class ArmVerdict:
    """An arm against the control.

    Attributes:
        arm: its name.
        verdict: by the deciding metric.
        p: the least of all looks.
        metrics: the comparisons of the last look; None where there is nothing to compare.
        guardrails: what became of each.
        looks: the deciding metric day by day.
    """

    arm: str
    verdict: Verdict
    p: float
    metrics: dict[MetricName, Comparison | None]
    guardrails: dict[MetricName, GuardrailState]
    looks: list[LookReport]


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """People counted against shares asked for; `mismatch` stops the reading of everything else."""

    statistic: float
    p: float
    mismatch: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one experiment. `alpha` is that of one comparison; `crossed` people saw two arms."""

    experiment: str
    metric: MetricName
    alpha: float
    lift: float
    verdict: Verdict
    crossed: int
    sample_ratio: SampleRatio
    arms: list[ArmReport]
    against_control: list[ArmVerdict]

    def as_json(self) -> dict[str, Any]:
        """Plain values; names are those of the attributes."""
        return asdict(self)


def report(name: str, experiment: Experiment, outcomes: Outcomes, rules: Experiments) -> Report:
    """Judge an experiment.

    Args:
        name: of the experiment.
        experiment: its arms, in the order of `outcomes.arm`, and what was agreed.
        outcomes: what people did.
        rules: alpha, power and the people an arm needs.
    """
    members = [outcomes.arm == place for place in range(len(experiment.arms))]
    rule = Rule(rules.alpha / (len(members) - 1), rules.power, experiment.lift)
    reader = _Reader(experiment, outcomes, members, rule, rules.min_people)
    for look in outcomes.looks():
        reader.read(look)
    ratio = _sample_ratio(experiment, members, rules.min_people)
    verdicts = [reader.verdict(place, ratio.mismatch) for place in range(1, len(members))]
    return Report(
        experiment=name,
        metric=experiment.metric,
        alpha=rule.alpha,
        lift=experiment.lift,
        verdict=_overall([one.verdict for one in verdicts]),
        crossed=outcomes.crossed,
        sample_ratio=ratio,
        arms=[reader.arm(place) for place in range(len(members))],
        against_control=verdicts,
    )


_GRAVITY: Final[tuple[Verdict, ...]] = ("nobody", "mismatch", "worse", "better", "open", "few", "one_arm")


def _overall(verdicts: list[Verdict]) -> Verdict:
    """What to say first of several arms."""
    return min(verdicts, key=_GRAVITY.index)


def _sample_ratio(experiment: Experiment, members: list[Mask], min_people: int) -> SampleRatio:
    total = sum(arm.share for arm in experiment.arms)
    counts = [int(mask.sum()) for mask in members]
    statistic, p = chi_square(counts, [arm.share / total for arm in experiment.arms], min_people)
    return SampleRatio(statistic, p, p < ALARM)


class _Reader:
    """Reads the looks in turn, so that only one day's sums are held at a time."""

    def __init__(
        self, experiment: Experiment, outcomes: Outcomes, members: list[Mask], rule: Rule, min_people: int
    ) -> None:
        self._experiment, self._outcomes, self._members = experiment, outcomes, members
        self._rule, self._min_people = rule, min_people
        self._last: Look | None = None
        self._totals: list[Values] = [np.zeros((len(COMPONENTS), len(members)))]
        self._looks: list[list[LookReport]] = [[] for _ in members]

    def read(self, look: Look) -> None:
        """Take in the end of one day."""
        self._last = look
        self._totals.append(np.stack([look.sums[:, mask].sum(axis=1) for mask in self._members], axis=1))
        for place in range(1, len(self._members)):
            found = self._compare(self._experiment.metric, place)
            if found is not None:
                looks = self._looks[place]
                least = min([found.p, *(one.p for one in looks[-1:])])
                looks.append(LookReport(day_name(self._outcomes, look.day), found.lift, found.low, found.high, least))

    def _compare(self, metric: MetricName, place: int) -> Comparison | None:
        if self._last is None:
            return None
        control, treated = (self._members[arm] & self._last.exposed for arm in (0, place))
        sums = self._last.sums
        if min(people_behind(METRICS[metric], sums[:, arm]) for arm in (control, treated)) < self._min_people:
            return None
        return compare(METRICS[metric], sums, self._outcomes.before, control, treated, self._rule)

    def verdict(self, place: int, mismatch: bool) -> ArmVerdict:
        """What all looks say of an arm against the control."""
        metrics = {metric: self._compare(metric, place) for metric in METRICS}
        people, looks = [int(self._members[arm].sum()) for arm in (0, place)], self._looks[place]
        known = metrics[self._experiment.metric] is not None
        return ArmVerdict(
            arm=self._experiment.arms[place].name,
            verdict=_verdict(people, mismatch, known, looks, METRICS[self._experiment.metric].wanted),
            p=looks[-1].p if looks else 1.0,
            metrics=metrics,
            guardrails={
                name: _guard(name, metrics[name], self._experiment.margin) for name in self._experiment.guardrails
            },
            looks=looks,
        )

    def arm(self, place: int) -> ArmReport:
        """The figures of one arm."""
        arm, mask = self._experiment.arms[place], self._members[place]
        last = self._last.sums[:, mask] if self._last else np.zeros((len(COMPONENTS), 0))
        values = {name: _known(value_of(metric, last)) for name, metric in METRICS.items()}
        first_days = self._outcomes.first_day[mask]
        days = [
            _arm_day(
                day_name(self._outcomes, day),
                int((first_days == day).sum()),
                int((first_days <= day).sum()),
                after[:, place] - before[:, place],
            )
            for day, (before, after) in enumerate(pairwise(self._totals))
        ]
        return ArmReport(arm.name, arm.share, int(mask.sum()), values, days)


def _verdict(people: list[int], mismatch: bool, known: bool, looks: list[LookReport], wanted: int) -> Verdict:
    """Once an interval has left 0 out, that stands: the promise covers all looks together."""
    if not any(people):
        return "nobody"
    if not all(people):
        return "one_arm"
    if mismatch:
        return "mismatch"
    if not known:
        return "few"
    decisive = [look for look in looks if look.low > 0 or look.high < 0]
    if not decisive:
        return "open"
    return "better" if decisive[0].lift * wanted > 0 else "worse"


def _guard(name: MetricName, found: Comparison | None, margin: float) -> GuardrailState:
    """`breached` when a loss is proven, `held` when a loss beyond the margin is ruled out."""
    if found is None:
        return "open"
    worst, best = (found.low, found.high) if METRICS[name].wanted > 0 else (-found.high, -found.low)
    return "breached" if best < 0 else "held" if worst > -margin else "open"


def _arm_day(day: str, newcomers: int, people: int, sums: Values) -> ArmDay:
    count = dict(zip(COMPONENTS, sums.tolist(), strict=True))
    return ArmDay(
        day=day,
        people=newcomers,
        impressions=round(count["impressions"]),
        clicks=round(count["clicks"]),
        click_rate=count["clicks"] / count["impressions"] if count["impressions"] else None,
        watch_seconds=count["watch_seconds"] / people if people else 0.0,
        ratings=round(count["ratings"]),
        dislikes=round(count["dislikes"]),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def day_name(outcomes: Outcomes, day: int) -> str:
    """The date of a day, e.g. 2026-11-22."""
    return f"{datetime.fromtimestamp(outcomes.midnight + day * DAY, UTC):%Y-%m-%d}"
