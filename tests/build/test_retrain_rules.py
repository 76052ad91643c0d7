"""What goes live, what does not, what goes back: each rule on figures whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from sparrow.build.retrain_rules import Measured, OwnFigures, Paired, judge_clicks, judge_measured
from sparrow.config import Retrain
from sparrow.feedback.click_rates import NOTHING, ClickRate, rate_of

LIMITS = Retrain()
EQUAL = Paired(people=200, new=0.1, live=0.1, lead=0.0, low=-0.005, high=0.005)


@pytest.mark.parametrize(
    ("found", "publish", "words"),
    [
        (EQUAL, True, "of 200 people (lead +0.0000, 95 % interval -0.0050 to +0.0050)"),
        (replace(EQUAL, low=-0.01), True, "-0.0100 to"),
        (replace(EQUAL, low=-0.0101), False, "a loss of more than 0.0100 cannot be ruled out"),
        (replace(EQUAL, new=0.08, lead=-0.02, low=-0.03, high=-0.01), False, "it is worse"),
        (replace(EQUAL, new=0.097, lead=-0.003, low=-0.005, high=-0.001), True, "-0.0050 to -0.0010"),
        (OwnFigures(new=0.0901, live=0.1), True, "by the releases' own figures"),
        (OwnFigures(new=0.0899, live=0.1), False, "a loss of more than 10%"),
        (OwnFigures(new=0.0, live=0.0), True, "0.0000 against 0.0000"),
        (None, False, "publish it by hand"),
    ],
)
def test_quality_must_not_fall_beyond_the_margin(found: Paired | OwnFigures | None, publish: bool, words: str) -> None:
    verdict = judge_measured(Measured(found, new_shown=100, live_shown=100), LIMITS)
    assert verdict.publish is publish
    assert words in verdict.why


@pytest.mark.parametrize(("shown", "publish"), [(50, True), (49, False), (300, True)])
def test_lists_must_not_narrow_to_less_than_half(shown: int, publish: bool) -> None:
    verdict = judge_measured(Measured(EQUAL, shown, 100), LIMITS)
    assert verdict.publish is publish
    assert f"show {shown} movies, the live release's 100" in verdict.why
    assert ("less than 50% of them" in verdict.why) is not publish


BEFORE = ClickRate(people=2000, impressions=50_000, clicks=5000, rate=0.1, error=0.002)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (NOTHING, "few"),
        (ClickRate(99, 5000, 0, 0.0, 0.0), "few"),
        (ClickRate(500, 12_000, 1200, 0.1, 0.004), "open"),
        (ClickRate(500, 12_000, 1500, 0.125, 0.004), "open"),
        (ClickRate(500, 12_000, 1000, 0.0833, 0.004), "open"),
        (ClickRate(500, 12_000, 600, 0.05, 0.003), "fell"),
        (ClickRate(500, 12_000, 0, 0.0, 0.0), "fell"),
        (ClickRate(120, 15, 0, 0.0, 0.0), "open"),
    ],
    ids=[
        "nobody",
        "too few",
        "the same",
        "risen",
        "fallen, not proven",
        "halved",
        "no click at all",
        "hardly anything seen",
    ],
)
def test_a_fall_of_the_click_rate_must_be_proven(now: ClickRate, state: str) -> None:
    looked = judge_clicks(BEFORE, now, LIMITS)
    assert looked.state == state
    assert f"{now.rate:.2%} of {now.people} people against 10.00% of 2000 before" in looked.why
    if state == "fell":
        assert looked.fall is not None
        assert looked.fall.high < -LIMITS.fall
        assert "a fall of more than 10% is proven" in looked.why


def test_where_nobody_clicked_before_nothing_can_fall() -> None:
    never = replace(BEFORE, clicks=0, rate=0.0, error=0.0)
    assert judge_clicks(never, BEFORE, LIMITS).state == "few"


@pytest.mark.parametrize(
    ("fall", "expected"), [(0.0, range(1)), (0.1, range(1)), (0.3, range(29, 31)), (1.0, range(30, 31))]
)
def test_simulated_people_send_back_what_fell_and_nothing_else(fall: float, expected: range) -> None:
    """30 releases whose 1,000 people see 20 movies each and click a tenth, some more and some less; a look every 50 people."""
    chance = np.random.default_rng(5)

    def people(number: int, lost: float) -> list[list[int]]:
        clicks = chance.binomial(20, chance.beta(4, 36, number) * (1 - lost))
        return np.stack([np.full(number, 20), clicks], axis=1).tolist()

    back = 0
    for _ in range(30):
        before, seen = rate_of(people(3000, 0.0)), people(1000, fall)
        back += any(judge_clicks(before, rate_of(seen[:end]), LIMITS).state == "fell" for end in range(100, 1001, 50))
    assert back in expected
