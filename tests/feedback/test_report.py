"""The report held against simulated people, of whom the truth is known, and against the cases that have none."""

import numpy as np
import pytest

from sparrow.config import Experiment, Experiments
from sparrow.feedback.outcomes import Events, Lists, gather
from sparrow.feedback.report import Report, report
from sparrow.feedback.simulation import SimulatedArm, click_chances, draw_crowd, simulate
from sparrow.feedback.statistics.ratios import MOST_LIFT

PAIR = Experiment.model_validate({"arms": [{"name": "old", "share": 0.5}, {"name": "new", "share": 0.5}]})
RULES = Experiments()


def run(
    seed: int, people: int, arms: list[SimulatedArm], days: int = 7, days_before: int = 0, experiment: Experiment = PAIR
) -> Report:
    chance = np.random.default_rng(seed)
    crowd = draw_crowd(chance, people)
    happened = simulate(chance, crowd, arms, days, days_before)
    return report("trial", experiment, gather(happened.lists, happened.events), RULES)


EQUAL = [SimulatedArm(0.5), SimulatedArm(0.5)]
LIFTED = [SimulatedArm(0.5), SimulatedArm(0.5, lift=0.2)]


def test_simulated_clicks_are_those_of_the_examination_model() -> None:
    """Each place is clicked as often as it is looked at and appeals, and a lift multiplies."""
    chance = np.random.default_rng(1)
    crowd = draw_crowd(chance, 4000)
    happened = simulate(chance, crowd, [SimulatedArm(1.0, lift=0.1)], days=3)
    expected = click_chances(crowd, happened.lists.user, happened.movies, 1.1)
    clicks = int((happened.events.type == 1).sum())
    assert clicks == pytest.approx(expected.sum(), rel=0.02)
    assert int((happened.events.type == 0).sum()) == happened.movies.size
    assert expected[:, 0].mean() > 3 * expected[:, -1].mean(), "the first place is looked at more, and holds the best"
    sharp = simulate(chance, crowd, [SimulatedArm(1.0, noise=0.1)], days=1)
    blind = simulate(chance, crowd, [SimulatedArm(1.0, noise=9.0)], days=1)
    means = [click_chances(crowd, one.lists.user, one.movies).mean() for one in (blind, sharp)]
    assert means[1] > 1.3 * means[0], "who sees taste clearly shows better lists"


def test_a_planted_lift_is_found_and_lies_in_the_interval() -> None:
    found = run(1, 4000, LIFTED)
    [judged] = found.against_control
    assert (found.verdict, judged.verdict, judged.arm) == ("better", "better", "new")
    clicks = judged.metrics["click_rate"]
    assert clicks is not None
    assert 0 < clicks.low < 0.2 < clicks.high
    assert clicks.low < clicks.once_low < clicks.lift < clicks.once_high < clicks.high
    assert judged.p < 0.001
    assert clicks.people_once < clicks.people_always < 3 * clicks.people_once
    assert found.sample_ratio.mismatch is False
    assert [arm.name for arm in found.arms] == ["old", "new"]
    days = [look.p for look in judged.looks]
    assert days == sorted(days, reverse=True), "what was proven stays so"


def test_the_figures_are_those_that_were_counted() -> None:
    found = run(2, 600, EQUAL)
    for arm in found.arms:
        assert sum(day.people for day in arm.days) == arm.people
        seen, clicks = sum(day.impressions for day in arm.days), sum(day.clicks for day in arm.days)
        assert arm.values["click_rate"] == pytest.approx(clicks / seen)
        assert [day.day for day in arm.days] == [f"2026-01-0{day}" for day in range(1, 8)]
    assert found.as_json()["against_control"][0]["metrics"]["stars"]["control"] == found.arms[0].values["stars"]


def test_daily_looks_alarm_no_more_often_than_stated_where_a_fixed_test_does() -> None:
    """Two equal arms, 12 days, a look a day, eighty times."""
    honest = peeking = 0
    for seed in range(80):
        [judged] = run(seed, 300, EQUAL, days=12).against_control
        honest += judged.verdict != "open"
        shown = [look.lift for look in judged.looks]
        widths = [np.log1p(look.high) - np.log1p(look.low) for look in judged.looks]
        # The fixed interval is at least 3.03 / 1.96 times narrower, at every look.
        peeking += any(abs(np.log1p(lift)) > width / 2 / 1.6 for lift, width in zip(shown, widths, strict=True))
    assert honest <= 4
    assert peeking > honest


def test_the_time_before_saves_people() -> None:
    [judged] = run(3, 2000, EQUAL, days_before=14).against_control
    clicks = judged.metrics["click_rate"]
    assert clicks is not None
    assert clicks.saved > 0.15
    [plain] = run(3, 2000, EQUAL).against_control
    assert plain.metrics["click_rate"] is not None
    assert plain.metrics["click_rate"].saved < 0.01


def test_guardrails_tell_proven_harm_from_harm_ruled_out() -> None:
    strict = PAIR.model_copy(update={"guardrails": ("click_rate", "dislikes")})
    [worse] = run(4, 3000, [SimulatedArm(0.5), SimulatedArm(0.5, lift=-0.2)], experiment=strict).against_control
    assert worse.guardrails["click_rate"] == "breached"
    assert worse.verdict == "worse"
    [better] = run(5, 3000, LIFTED, experiment=strict).against_control
    assert better.guardrails["click_rate"] == "held"
    [few] = run(5, 150, EQUAL, days=1, experiment=strict).against_control
    assert set(few.guardrails.values()) == {"open"}


def test_fewer_dislikes_are_better() -> None:
    chosen = PAIR.model_copy(update={"metric": "dislikes"})
    [judged] = run(
        6, 12_000, [SimulatedArm(0.5, noise=9.0), SimulatedArm(0.5, noise=0.1)], experiment=chosen
    ).against_control
    dislikes = judged.metrics["dislikes"]
    assert dislikes is not None
    assert dislikes.lift < 0
    assert judged.verdict == "better"


def test_three_arms_share_the_alarm_rate() -> None:
    trio = Experiment.model_validate(
        {"arms": [{"name": name, "share": share} for name, share in zip("abc", (0.5, 0.25, 0.25), strict=True)]}
    )
    found = run(7, 2000, [SimulatedArm(0.5), SimulatedArm(0.25), SimulatedArm(0.25, lift=0.4)], experiment=trio)
    assert found.alpha == RULES.alpha / 2
    assert [judged.verdict for judged in found.against_control] == ["open", "better"]
    assert found.verdict == "better"
    assert not found.sample_ratio.mismatch


def test_a_broken_split_stops_the_reading() -> None:
    found = run(8, 3000, [SimulatedArm(0.6), SimulatedArm(0.4, lift=0.5)])
    assert found.sample_ratio.mismatch
    assert found.verdict == "mismatch"


@pytest.mark.parametrize(("people", "verdict"), [(0, "nobody"), (60, "few")])
def test_too_little_is_said_and_not_judged(people: int, verdict: str) -> None:
    found = run(9, people, EQUAL)
    assert found.verdict == verdict
    assert found.against_control[0].looks == []
    assert found.as_json()["arms"][0]["people"] == found.arms[0].people


def test_one_arm_alone_is_said() -> None:
    found = run(10, 300, [SimulatedArm(1.0), SimulatedArm(0.0)])
    assert found.verdict == "one_arm"
    assert found.arms[1].values["click_rate"] is None


def test_no_clicks_at_all_is_no_difference() -> None:
    chance = np.random.default_rng(11)
    happened = simulate(
        chance, draw_crowd(chance, 400), [SimulatedArm(0.5, lift=-1.0), SimulatedArm(0.5, lift=-1.0)], 2
    )
    found = report("trial", PAIR, gather(happened.lists, happened.events), RULES)
    assert found.verdict == "few"
    assert found.arms[0].values["click_rate"] == 0
    nothing = np.zeros(0, dtype=np.int64)
    empty = gather(Lists(nothing, nothing, nothing), Events(nothing, nothing, nothing.astype(float), nothing, nothing))
    assert report("trial", PAIR, empty, RULES).verdict == "nobody"


def rare(people: int, dislikes: int, lift: float) -> Report:
    """Two arms of so many people, each of whom saw one movie of a list and the first few of whom turned it down."""
    arms, days = np.repeat([0, 1], people), np.full(2 * people, 86_400)
    user, nothing = np.arange(2 * people), np.zeros(2 * people)
    cross = np.concatenate([user[:dislikes], user[people : people + dislikes]])
    happened = Events(
        np.concatenate([user, cross]), np.repeat([0, 4], [2 * people, 2 * dislikes]),
        np.concatenate([nothing, nothing[: 2 * dislikes]]), np.concatenate([user, np.full(2 * dislikes, -1)]),
        np.concatenate([days, days[: 2 * dislikes] + 5]),
    )  # fmt: skip
    chosen = PAIR.model_copy(update={"metric": "dislikes", "lift": lift})
    return report("rare", chosen, gather(Lists(user, arms, days[: 2 * people]), happened), RULES)


@pytest.mark.parametrize("lift", [0.005, 0.01, 0.05])
def test_an_event_in_a_lifetime_is_too_little_to_judge_and_breaks_nothing(lift: float) -> None:
    assert rare(150, 1, lift).verdict == "few", "one dislike in each arm"
    some = rare(150, 3, lift).against_control[0].metrics["dislikes"]
    assert some is not None
    assert -1 <= some.low < 0 < some.high <= MOST_LIFT, "a width that no number holds is told as the most there is"


def test_one_rating_in_each_arm_proves_nothing_of_stars() -> None:
    people = 157  # of these numbers the division leaves something
    user, list_of = np.arange(2 * people), np.arange(2 * people)
    at, raters = np.full(2 * people, 86_400), np.array([0, people])
    happened = Events(
        np.concatenate([user, raters]), np.repeat([0, 3], [2 * people, 2]),
        np.concatenate([np.zeros(2 * people), [1.5, 3.5]]), np.concatenate([list_of, [-1, -1]]),
        np.concatenate([at, at[:2] + 5]),
    )  # fmt: skip
    chosen = PAIR.model_copy(update={"metric": "stars"})
    found = report("stars", chosen, gather(Lists(user, np.repeat([0, 1], people), at), happened), RULES)
    assert found.verdict == "few"
    assert found.against_control[0].metrics["stars"] is None
    assert [arm.values["stars"] for arm in found.arms] == [pytest.approx(1.5), pytest.approx(3.5)]
