"""The report put to the test: the same experiment lived through many times by simulated people, and how often it said what.

`ab_trials` asks how often a difference is seen, by who waits for the end, by who looks daily at a fixed test, and by the report;
`interleaving_trials` how many people each way needs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sparrow.config import Experiment, Experiments
from sparrow.errors import InvalidInput
from sparrow.evaluation.team_draft import FIRST, SECOND, team_draft
from sparrow.feedback.comparing import METRICS, Rule, compare
from sparrow.feedback.outcomes import Ids, Outcomes, Values, gather
from sparrow.feedback.simulation import Crowd, SimulatedArm, click_chances, draw_crowd, rank, simulate
from sparrow.feedback.statistics.interleaving import preference
from sparrow.feedback.statistics.power import people_needed, quantile

RATE: Final = "click_rate"


@dataclass(frozen=True, slots=True)
class ABTrials:
    """Shares of `runs` in which a difference of the click rate was seen.

    Attributes:
        once: by a fixed test at the last day, the only look.
        once_without_before: the same without the time before.
        daily: by a fixed test that is looked at every day, at some day.
        report: by the report's interval, looked at every day, at some day.
        wrong_way: by the report, with the wrong sign (of all runs; 0 where there is no lift).
        day_found: the median day on which the report saw it; None where it never did.
        covered: runs whose every daily interval of the report holds the truth.
        mean_lift: the mean estimate at the last day.
        people: exposed, mean over runs.
    """

    runs: int
    people: float
    once: float
    once_without_before: float
    daily: float
    report: float
    wrong_way: float
    day_found: float | None
    covered: float
    mean_lift: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def ab_trials(
    runs: int, people: int, days: int, lift: float, rules: Experiments, days_before: int = 14, seed: int = 1
) -> ABTrials:
    """Live through an experiment of two equal pipelines, one of them clicked `lift` more often (0: A/A).

    Args:
        runs: how often, each with people of its own.
        people: how many there are in both arms.
        days: how long, with a look at the end of each.
        lift: the truth.
        rules: alpha, power, and the people an arm needs.
        days_before: watched before.
        seed: of all chance.
    """
    planned = Experiment.model_fields["lift"].default
    rule = Rule(rules.alpha, rules.power, lift or planned)
    found = [
        _one_ab(np.random.default_rng([seed, run]), people, days, lift, rule, rules, days_before) for run in range(runs)
    ]
    columns = {name: np.array([one[name] for one in found], dtype=np.float64) for name in found[0]}
    seen = columns["day"][~np.isnan(columns["day"])]
    return ABTrials(
        runs=runs,
        people=float(columns["people"].mean()),
        once=float(columns["once"].mean()),
        once_without_before=float(columns["plain"].mean()),
        daily=float(columns["daily"].mean()),
        report=float(columns["report"].mean()),
        wrong_way=float(columns["wrong_way"].mean()),
        day_found=float(np.median(seen)) if len(seen) else None,
        covered=float(columns["covered"].mean()),
        mean_lift=float(columns["lift"].mean()),
    )


def _one_ab(
    chance: np.random.Generator, people: int, days: int, lift: float, rule: Rule, rules: Experiments, days_before: int
) -> dict[str, float]:
    """One run: whether each way of looking saw a difference."""
    arms = [SimulatedArm(0.5), SimulatedArm(0.5, lift=lift)]
    happened = simulate(chance, draw_crowd(chance, people), arms, days, days_before)
    outcomes = gather(happened.lists, happened.events, rules.before_days)
    looks = _looks(outcomes, rule, rules.min_people)
    if not looks:
        raise InvalidInput(
            f"{people} people in {days} days leave an arm below min_people, {rules.min_people}; take more people."
        )
    first = next((look for look in looks if look["low"] > 0 or look["high"] < 0), None)
    return {
        "people": len(outcomes.people),
        "once": looks[-1]["once_p"] < rule.alpha,
        "plain": looks[-1]["plain_p"] < rule.alpha,
        "daily": any(look["once_p"] < rule.alpha for look in looks),
        "report": first is not None,
        "wrong_way": bool(lift) and first is not None and first["lift"] * lift < 0,
        "day": first["day"] if first else float("nan"),
        "covered": all(look["low"] <= lift <= look["high"] for look in looks),
        "lift": looks[-1]["lift"],
    }


def _looks(outcomes: Outcomes, rule: Rule, min_people: int) -> list[dict[str, float]]:
    """The click rate at the end of each day with enough people."""
    told = []
    for look in outcomes.looks():
        control, treated = ((outcomes.arm == place) & look.exposed for place in (0, 1))
        if min(int(control.sum()), int(treated.sum())) < min_people:
            continue
        found = compare(METRICS[RATE], look.sums, outcomes.before, control, treated, rule)
        plain = compare(METRICS[RATE], look.sums, np.zeros_like(outcomes.before), control, treated, rule)
        if found is not None and plain is not None:
            told.append({**asdict(found), "plain_p": plain.once_p, "day": look.day + 1})
    return told


@dataclass(frozen=True, slots=True)
class InterleavingTrials:
    """Two pipelines, one of them better, by A/B and by team draft.

    Attributes:
        lift: by how much the better one's click rate is higher, over all runs together.
        ab_found, interleaved_found: shares of the runs in which each way saw it, with the same people and visits.
        ab_people, interleaved_people: how many each would need to see it with the asked power.
        interleaved_share: of the people with a preference, those who preferred the better one.
    """

    runs: int
    people: int
    lift: float
    ab_found: float
    interleaved_found: float
    ab_people: int
    interleaved_people: int
    interleaved_share: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def interleaving_trials(
    runs: int, people: int, days: int, noises: tuple[float, float], rules: Experiments, seed: int = 1
) -> InterleavingTrials:
    """Compare two pipelines both ways, each time with the same number of people.

    Args:
        runs: how often.
        people: how many there are.
        days: how long.
        noises: what each pipeline sees wrong; the second sees better when its noise is smaller.
        rules: alpha and power.
        seed: of all chance.
    """
    ab, drafted = [], []
    for run in range(runs):
        chance = np.random.default_rng([seed, run])
        crowd = draw_crowd(chance, people)
        happened = simulate(chance, crowd, [SimulatedArm(0.5, noise) for noise in noises], days)
        looks = _looks(gather(happened.lists, happened.events), Rule(rules.alpha, rules.power, 0.05), 2)
        ab.append(looks[-1])
        drafted.append(preference(*_interleave(chance, crowd, happened.lists.user, noises), alpha=rules.alpha))
    log_lift = float(np.mean([np.log1p(one["lift"]) for one in ab]))
    errors = float(np.sqrt(np.mean([one["error"] ** 2 for one in ab])))
    shares = np.array([one.second_share for one in drafted])
    spread = float(np.sqrt(np.mean([((one.high - one.low) / 2) ** 2 for one in drafted]))) / quantile(
        1 - rules.alpha / 2
    )
    return InterleavingTrials(
        runs=runs,
        people=people,
        lift=float(np.expm1(log_lift)),
        ab_found=float(np.mean([one["once_p"] < rules.alpha for one in ab])),
        interleaved_found=float(np.mean([one.p < rules.alpha for one in drafted])),
        ab_people=people_needed(people, errors, abs(log_lift), rules.alpha, rules.power),
        interleaved_people=people_needed(people, spread, abs(float(shares.mean()) - 0.5), rules.alpha, rules.power),
        interleaved_share=float(shares.mean()),
    )


def _interleave(chance: np.random.Generator, crowd: Crowd, user: Ids, noises: Sequence[float]) -> tuple[Values, Values]:
    """(p,) clicks of each person on movies of each team, at the same visits."""
    ranked = [rank(chance, crowd, user, np.full(len(user), noise, dtype=np.float32)) for noise in noises]
    places = len(crowd.examined)
    lists = [team_draft(first, second, places, chance) for first, second in zip(*ranked, strict=True)]
    shown, teams = np.stack([movies for movies, _ in lists]), np.stack([team for _, team in lists])
    clicks = chance.random(shown.shape) < click_chances(crowd, user, shown)
    people = len(crowd.visits)
    first, second = (
        np.bincount(user, (clicks & (teams == team)).sum(axis=1), minlength=people).astype(np.float64)
        for team in (FIRST, SECOND)
    )
    return first, second
