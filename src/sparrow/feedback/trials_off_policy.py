"""Off-policy estimates put to the test: lists of one pipeline, drawn with known chances, and the truth about another one.

The pipeline to be judged sees people's taste more clearly than the live one, or less. Taking the live pipeline's clicks for its
own (`naive`) is what one does without chances.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sparrow.evaluation.click_guess import guess_clicks
from sparrow.evaluation.off_policy import (
    OffPolicyEstimate,
    cascade_weights,
    doubly_robust,
    ips,
    plackett_luce_chances,
    snips,
)
from sparrow.feedback.outcomes import Ids, Values
from sparrow.feedback.simulation import Crowd, click_chances, draw_crowd

DRAWS: Final = 20
"""Lists drawn per person for the truth."""


@dataclass(frozen=True, slots=True)
class Logged:
    """(l, k) lists that were drawn from (l, n) candidates.

    Attributes:
        clicks: what came of them.
        order: the movies shown, places among the candidates.
        live: (l, n) weights they were drawn by.
        new: (l, n) weights of the pipeline to be judged.
        truth: clicks on one of its lists, expected.
    """

    clicks: Values
    order: Ids
    live: Values
    new: Values
    truth: float


def draw_logged(
    chance: np.random.Generator,
    lists: int,
    noises: tuple[float, float],
    steepness: float,
    movies: int = 10,
    places: int = 3,
) -> Logged:
    """Serve lists from one pipeline, each to another person.

    Args:
        chance: draws it all.
        lists: how many.
        noises: what the live pipeline and the new one see wrong of people's taste.
        steepness: both draw a rank in proportion to rank ** -steepness.
        movies: candidates.
        places: of a list.
    """
    crowd = draw_crowd(chance, lists, movies, places)
    live, new = (
        _weights(crowd.appeal + noise * chance.standard_normal((lists, movies)), steepness) for noise in noises
    )
    order = _draw(chance, live, places)
    clicks = chance.random(order.shape) < click_chances(crowd, np.arange(lists), order)
    truth = float(np.mean([_expected(crowd, _draw(chance, new, places)) for _ in range(DRAWS)]))
    return Logged(clicks.astype(np.float64), order, live, new, truth)


def estimates(logged: Logged) -> dict[str, OffPolicyEstimate]:
    """Every estimator on the same lists."""
    live, new = (plackett_luce_chances(weights, logged.order) for weights in (logged.live, logged.new))
    weights, ones = cascade_weights(live, new), np.ones_like(logged.clicks)
    return {
        "naive": ips(logged.clicks, ones),
        "ips": ips(logged.clicks, weights),
        "snips": snips(logged.clicks, weights),
        "doubly_robust": doubly_robust(logged.clicks, weights, *_guesses(logged)),
    }


def _guesses(logged: Logged) -> tuple[Values, Values]:
    """By place and the live pipeline's rank."""
    ranks = np.argsort(np.argsort(-logged.live, axis=1), axis=1)
    return guess_clicks(logged.clicks, logged.order, logged.new, ranks, np.arange(len(ranks)))


@dataclass(frozen=True, slots=True)
class OffPolicyTrial:
    """One estimator over many logs.

    Attributes:
        bias: mean of estimate - truth, as a share of the truth.
        error: root mean square of the same.
        covered: share of the 95 % intervals that hold the truth.
    """

    bias: float
    error: float
    covered: float


@dataclass(frozen=True, slots=True)
class OffPolicyTrials:
    """All estimators; `truth` is the mean over runs, `effective_lists` what the weights leave of `lists`."""

    runs: int
    lists: int
    truth: float
    effective_lists: float
    estimators: dict[str, OffPolicyTrial]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def off_policy_trials(
    runs: int, lists: int, noises: tuple[float, float], steepness: float, seed: int = 1
) -> OffPolicyTrials:
    """Estimate again and again; arguments as for `draw_logged`."""
    logs = [draw_logged(np.random.default_rng([seed, run]), lists, noises, steepness) for run in range(runs)]
    found = [estimates(log) for log in logs]
    truths = np.array([log.truth for log in logs])
    trials = {}
    for name in found[0]:
        values = np.array([one[name].value for one in found])
        errors = np.array([one[name].error for one in found])
        relative = values / truths - 1
        trials[name] = OffPolicyTrial(
            bias=float(relative.mean()),
            error=float(np.sqrt((relative**2).mean())),
            covered=float((np.abs(values - truths) <= 1.96 * errors).mean()),
        )
    effective = float(np.mean([one["ips"].effective_lists for one in found]))
    return OffPolicyTrials(runs, lists, float(truths.mean()), effective, trials)


def _weights(scores: Values, steepness: float) -> Values:
    """(l, n) rank ** -steepness."""
    ranks = np.argsort(np.argsort(-scores, axis=1), axis=1) + 1
    return np.asarray(ranks.astype(np.float64) ** -steepness)


def _draw(chance: np.random.Generator, weights: Values, places: int) -> Ids:
    """(l, places) by Plackett-Luce, all lists at once."""
    return np.argsort(-(np.log(weights) + chance.gumbel(size=weights.shape)), axis=1)[:, :places]


def _expected(crowd: Crowd, order: Ids) -> float:
    return float(click_chances(crowd, np.arange(len(order)), order).sum(axis=1).mean())
