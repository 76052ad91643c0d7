"""What `sparrow retrain` decides, as pure functions: from what was measured to a verdict and its reason in one sentence."""

from dataclasses import dataclass
from typing import Final, Literal

from sparrow.config import Retrain
from sparrow.feedback.click_rates import ClickRate, Fall, fall_of

METRIC_NAME: Final = "nDCG@10"


@dataclass(frozen=True, slots=True)
class Paired:
    """Both releases asked for the same people's newest ratings, which neither was built from.

    Attributes:
        people: how many.
        new, live: mean nDCG@10.
        lead: of the new one, with its paired 95 % interval from `low` to `high`.
    """

    people: int
    new: float
    live: float
    lead: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """nDCG@10 of question `next` in each release's own manifest: of its own judging fit, on rows of its own."""

    new: float
    live: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a new release beside the live one.

    Attributes:
        quality: None where neither way to compare is open.
        new_shown: movies that stand in the new release's lists of the people asked.
        live_shown: in the live one's lists of the same people.
    """

    quality: Paired | OwnFigures | None
    new_shown: int
    live_shown: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new release goes live, and why."""

    publish: bool
    why: str


def judge_measured(measured: Measured, limits: Retrain) -> Verdict:
    """Hold a new release against the guardrails."""
    quality = _judge_quality(measured.quality, limits.margin)
    shown = f"its lists show {measured.new_shown} movies, the live release's {measured.live_shown}"
    if not quality.publish:
        return quality
    if measured.new_shown < limits.least_coverage * measured.live_shown:
        return Verdict(False, f"{shown}: less than {limits.least_coverage:.0%} of them")
    return Verdict(True, f"{quality.why}; {shown}")


def _judge_quality(quality: Paired | OwnFigures | None, margin: float) -> Verdict:
    match quality:
        case Paired():
            return _judge_paired(quality, margin)
        case OwnFigures():
            figures = f"{METRIC_NAME} {quality.new:.4f} against {quality.live:.4f}"
            told = f"{figures} by the releases' own figures (too few newest ratings)"
            holds = quality.new >= quality.live * (1 - margin)
            return Verdict(holds, told if holds else f"{told}: a loss of more than {margin:.0%}")
        case None:
            why = "there are too few newest ratings to compare by, and a release has no figures of its own"
            return Verdict(False, f"{why}; publish it by hand if you trust it")


def _judge_paired(found: Paired, margin: float) -> Verdict:
    told = (
        f"{METRIC_NAME} {found.new:.4f} against {found.live:.4f} on the newest ratings of {found.people} people "
        f"(lead {found.lead:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f})"
    )
    allowed = margin * found.live
    if found.low >= -allowed:
        return Verdict(True, told)
    if found.high < 0:
        return Verdict(False, f"{told}: it is worse")
    return Verdict(False, f"{told}: a loss of more than {allowed:.4f} cannot be ruled out")


WatchState = Literal["few", "open", "fell"]


@dataclass(frozen=True, slots=True)
class Watched:
    """One look at the click rate since a publish: `few` people so far, `open`, or `fell` beyond doubt."""

    state: WatchState
    why: str
    fall: Fall | None = None


def judge_clicks(before: ClickRate, now: ClickRate, limits: Retrain) -> Watched:
    """Say whether the click rate has fallen by more than `limits.fall`, whatever number of looks came before."""
    people = min(before.people, now.people)
    told = f"click rate {now.rate:.2%} of {now.people} people against {before.rate:.2%} of {before.people} before"
    if people < limits.watch_people:
        return Watched("few", f"{told}: too few to judge, {limits.watch_people} are asked for")
    fall = fall_of(before, now, limits.fall, limits.alpha)
    if fall is None:
        return Watched("few", f"{told}: nothing to compare with")
    interval = f"{100 * (1 - limits.alpha):.3g} % interval at every look {fall.low:+.1%} to {fall.high:+.1%}"
    told = f"{told} ({fall.change:+.1%}, {interval})"
    if fall.high < -limits.fall:
        return Watched("fell", f"{told}: a fall of more than {limits.fall:.0%} is proven", fall)
    return Watched("open", f"{told}: no fall of more than {limits.fall:.0%} is proven", fall)
