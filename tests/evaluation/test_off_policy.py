"""Off-policy estimates against a world small enough to add up: every list, every chance, the true value."""

from itertools import permutations

import numpy as np
import pytest

from sparrow.errors import InvalidInput
from sparrow.evaluation.off_policy import (
    OffPolicyEstimate,
    cascade_weights,
    doubly_robust,
    ips,
    plackett_luce_chances,
    snips,
)

LIVE, NEW = np.array([5.0, 2.0, 1.0]), np.array([1.0, 1.5, 4.0])
CLICKS = np.array([[0.2, 0.5, 0.8], [0.1, 0.3, 0.4]])
"""(place, movie) how likely a click is."""

TRUTH = sum(
    float(plackett_luce_chances(NEW[None], np.array([[a, b]])).prod()) * (CLICKS[0, a] + CLICKS[1, b])
    for a, b in permutations(range(3), 2)
)


def draw(chance: np.random.Generator, lists: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists of the live pipeline: order, clicks, weights towards the new one."""
    order = np.argsort(-(np.log(LIVE) + chance.gumbel(size=(lists, 3))), axis=1)[:, :2]
    clicks = (chance.random((lists, 2)) < CLICKS[[0, 1], order]).astype(float)
    logged, target = (plackett_luce_chances(np.tile(one, (lists, 1)), order) for one in (LIVE, NEW))
    return order, clicks, cascade_weights(logged, target)


def guesses(order: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a (place, movie) table says of the movies shown, and of the new pipeline's draws."""
    left = np.tile(NEW, (len(order), 1))
    first = left @ table[0] / left.sum(axis=1)
    np.put_along_axis(left, order[:, [0]], 0.0, axis=1)
    return table[[0, 1], order], np.stack([first, left @ table[1] / left.sum(axis=1)], axis=1)


ESTIMATORS = {
    "ips": lambda _, clicks, weights: ips(clicks, weights),
    "snips": lambda _, clicks, weights: snips(clicks, weights),
    "right guess": lambda order, clicks, weights: doubly_robust(clicks, weights, *guesses(order, CLICKS)),
    "wrong guess": lambda order, clicks, weights: doubly_robust(clicks, weights, *guesses(order, CLICKS[::-1] * 0.3)),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_truth_is_met_and_the_interval_holds_it(name: str) -> None:
    chance = np.random.default_rng(1)
    found = [ESTIMATORS[name](*draw(chance, 2000)) for _ in range(150)]
    values, errors = np.array([one.value for one in found]), np.array([one.error for one in found])
    assert values.mean() == pytest.approx(TRUTH, abs=4 * values.std() / np.sqrt(150) + 0.002)
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)
    assert (np.abs(values - TRUTH) < 1.96 * errors).mean() > 0.88


def test_taking_the_live_clicks_for_its_own_is_far_off_and_calm_estimators_are_calmer() -> None:
    chance = np.random.default_rng(2)
    runs = [draw(chance, 2000) for _ in range(60)]
    naive = np.mean([clicks.sum(axis=1).mean() for _, clicks, _ in runs])
    assert abs(naive - TRUTH) > 0.15
    spread = {name: np.std([estimate(*run).value for run in runs]) for name, estimate in ESTIMATORS.items()}
    assert spread["right guess"] < spread["ips"]
    assert spread["snips"] < spread["ips"]


def test_a_pipeline_that_stays_the_same_is_worth_what_it_earned() -> None:
    clicks = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    for found in (ips(clicks, np.ones((3, 2))), snips(clicks, np.ones((3, 2)))):
        assert found.value == pytest.approx(1.0)
        assert found.effective_lists == 3


def test_lists_that_the_new_pipeline_would_never_show_say_nothing() -> None:
    found = snips(np.ones((4, 1)), np.zeros((4, 1)))
    assert (found.value, found.effective_lists) == (0.0, 0.0)
    assert isinstance(ips(np.ones((1, 1)), np.ones((1, 1))), OffPolicyEstimate)


def test_what_was_shown_cannot_have_been_impossible() -> None:
    with pytest.raises(InvalidInput, match="propensity is 0"):
        cascade_weights(np.array([[0.5, 0.0]]), np.array([[0.5, 0.5]]))
