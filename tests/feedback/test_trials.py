"""The trials say what they are to say: small ones, whose answer is plain."""

import pytest

from sparrow.config import Experiments
from sparrow.feedback.trials import ab_trials, interleaving_trials
from sparrow.feedback.trials_off_policy import off_policy_trials

RULES = Experiments()


def test_a_large_lift_is_always_found_and_none_never_on_the_wrong_side() -> None:
    found = ab_trials(runs=6, people=1500, days=5, lift=0.4, rules=RULES, days_before=3)
    assert (found.once, found.report, found.wrong_way) == (1, 1, 0)
    assert found.mean_lift == pytest.approx(0.4, abs=0.06), (
        "appeal has a ceiling: what is always clicked cannot be lifted"
    )
    assert found.day_found is not None
    assert found.day_found <= 3
    assert found.daily >= found.once


def test_equal_arms_are_seldom_told_apart() -> None:
    found = ab_trials(runs=25, people=400, days=8, lift=0.0, rules=RULES, days_before=0)
    assert found.report <= 0.08
    assert found.daily >= found.report
    assert found.covered >= 0.92
    assert found.wrong_way == 0
    assert (found.day_found is None) == (found.report == 0)


def test_interleaving_needs_fewer_people_than_ab() -> None:
    found = interleaving_trials(runs=6, people=1200, days=5, noises=(2.0, 1.0), rules=RULES)
    assert 0.05 < found.lift < 0.3
    assert found.interleaved_share > 0.52
    assert found.interleaved_found >= found.ab_found
    assert found.interleaved_people < found.ab_people


def test_logged_chances_lead_nearer_to_the_truth_than_the_live_clicks() -> None:
    found = off_policy_trials(runs=4, lists=30_000, noises=(1.5, 0.8), steepness=1.0)
    naive = found.estimators["naive"]
    assert naive.bias < -0.04
    for name in ("ips", "snips", "doubly_robust"):
        assert found.estimators[name].error < -naive.bias / 2
    assert found.effective_lists < found.lists
