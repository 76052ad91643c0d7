"""Looking at every step: what a fixed test gets wrong, the mixture gets right, also where people come back."""

import numpy as np
import pytest

from sparrow.feedback.statistics.mixture import (
    half_width,
    mixing_variance,
    p_value,
    people_needed_at_every_look,
)
from sparrow.feedback.statistics.power import people_needed, quantile
from sparrow.feedback.statistics.ratios import Estimate

RUNS = 1000
MIXING = mixing_variance(0.1)


def false_alarms(estimates: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Share of (runs, looks) walks without any effect that alarm at some look: a fixed test, and the mixture."""
    peeking = (np.abs(estimates) > quantile(0.975) * errors).any(axis=1).mean()
    widths = np.vectorize(half_width)(errors, MIXING)
    return float(peeking), float((np.abs(estimates) > widths).any(axis=1).mean())


def test_looking_at_every_batch_of_newcomers() -> None:
    steps = np.random.default_rng(1).normal(size=(RUNS, 100)).cumsum(axis=1) * np.sqrt(20)
    people = 20.0 * np.arange(1, 101)
    peeking, honest = false_alarms(steps / people, np.broadcast_to(1 / np.sqrt(people), steps.shape))
    assert peeking > 0.25
    assert honest <= 0.05


def test_looking_daily_at_people_who_come_back() -> None:
    """300 people with a level of their own, 60 days: days are no independent steps, and the promise stands all the same."""
    chance = np.random.default_rng(2)
    estimates, errors = np.empty((RUNS, 60)), np.empty((RUNS, 60))
    for run in range(RUNS):
        days = chance.normal(0, 1, (300, 1)) + chance.normal(0, 2, (300, 60))
        means = days.cumsum(axis=1) / np.arange(1, 61)
        estimates[run] = means[:150].mean(axis=0) - means[150:].mean(axis=0)
        errors[run] = np.sqrt(means[:150].var(axis=0, ddof=1) / 150 + means[150:].var(axis=0, ddof=1) / 150)
    peeking, honest = false_alarms(estimates, errors)
    assert peeking > 0.12
    assert honest <= 0.05


def test_the_p_value_and_the_interval_are_one_test() -> None:
    for error in (0.001, 0.02, 0.3):
        for alpha in (0.01, 0.05, 0.2):
            edge = half_width(error, MIXING, alpha)
            assert p_value(Estimate(edge, error), MIXING) == pytest.approx(alpha)
            assert p_value(Estimate(-1.01 * edge, error), MIXING) < alpha
    assert p_value(Estimate(0.0, 0.1), MIXING) == 1.0


def test_it_is_sharpest_where_it_was_tuned() -> None:
    """At the error that a fixed test of the planned lift needs, no other mixture is narrower."""
    error = 0.1 / (quantile(0.975) + quantile(0.8))
    here = half_width(error, MIXING)
    assert all(here <= half_width(error, MIXING * factor) for factor in (0.5, 0.8, 0.95, 1.05, 1.25, 2.0))
    assert here / error == pytest.approx(3.03, abs=0.01)


def test_people_for_looking_often_are_counted_to_the_asked_power() -> None:
    error_of_thousand = 0.04
    people = people_needed_at_every_look(1000, error_of_thousand, 0.1, MIXING, 0.05, 0.8)
    error = error_of_thousand * np.sqrt(1000 / people)
    draws = np.random.default_rng(3).normal(0.1, error, 20_000)
    assert (np.abs(draws) > half_width(error, MIXING)).mean() == pytest.approx(0.8, abs=0.01)
    assert 1.5 < people / people_needed(1000, error_of_thousand, 0.1) < 2.2
