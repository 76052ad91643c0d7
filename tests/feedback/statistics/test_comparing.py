"""Errors of ratios, variance reduction and the sample-ratio check, against worlds whose answer is known and against SciPy."""

import numpy as np
import pytest
from scipy import stats

from sparrow.feedback.statistics.cuped import take_out
from sparrow.feedback.statistics.power import people_needed, quantile, smallest_visible, two_sided_p
from sparrow.feedback.statistics.ratios import Estimate, as_lift, error_of, log_lift, ratio
from sparrow.feedback.statistics.sample_ratio import ALARM, chi_square, chi_square_tail

TIMES = 1500


def draw_clicks(chance: np.random.Generator, people: int) -> tuple[np.ndarray, np.ndarray]:
    """People who click at a rate of their own, on as many impressions as they happen to see."""
    seen = chance.poisson(20, people) + 1
    rate = chance.beta(2, 18, people)
    return chance.binomial(seen, rate).astype(float), seen.astype(float)


def test_the_delta_method_knows_the_error_of_a_click_rate_and_the_plain_share_does_not() -> None:
    chance = np.random.default_rng(1)
    rates, errors, naive = np.empty(TIMES), np.empty(TIMES), np.empty(TIMES)
    for time in range(TIMES):
        clicks, seen = draw_clicks(chance, 400)
        rates[time], influence = ratio(clicks, seen)
        errors[time] = error_of(influence)
        naive[time] = np.sqrt(rates[time] * (1 - rates[time]) / seen.sum())
    assert errors.mean() == pytest.approx(rates.std(), rel=0.06)
    assert naive.mean() < 0.75 * rates.std(), "impressions of one person are not independent"
    covered = np.abs(rates - 0.1) <= quantile(0.975) * errors
    assert 0.93 <= covered.mean() <= 0.97


def test_a_mean_per_person_is_the_ratio_to_ones() -> None:
    values = np.random.default_rng(2).normal(3, 1, 50)
    mean, influence = ratio(values, np.ones(50))
    assert mean == pytest.approx(values.mean())
    assert error_of(influence) == pytest.approx(stats.sem(values))


@pytest.mark.parametrize("denominator", [np.zeros(3), np.zeros(0)], ids=["nothing shown", "nobody"])
def test_without_a_denominator_there_is_no_ratio(denominator: np.ndarray) -> None:
    value, influence = ratio(np.zeros(len(denominator)), denominator)
    assert np.isnan(value)
    assert influence.tolist() == [0.0] * len(denominator)


def test_a_lift_is_told_only_where_there_is_one() -> None:
    lift = log_lift(Estimate(0.10, 0.001), Estimate(0.105, 0.001))
    assert lift is not None
    assert as_lift(lift.value) == pytest.approx(0.05)
    for control, treated in [(0.0, 0.1), (0.1, 0.0), (float("nan"), 0.1), (-1.0, 1.0)]:
        assert log_lift(Estimate(control, 0.01), Estimate(treated, 0.01)) is None
    for error in (0.0, 1e-16):
        assert log_lift(Estimate(1.0, error), Estimate(1.0, 0.1)) is None, "a sample without spread tells no error"


def test_the_time_before_takes_variance_out_and_no_bias_in() -> None:
    """Correlation .8 with the time before leaves 1 - .8^2 of the variance, and differences keep their mean."""
    chance = np.random.default_rng(3)
    plain, adjusted, errors = np.empty(TIMES), np.empty(TIMES), np.empty(TIMES)
    for time in range(TIMES):
        before = chance.normal(0, 1, (2, 200))
        after = 5 + 0.8 * before + chance.normal(0, 0.6, (2, 200)) + np.array([[0.0], [0.3]])
        parts = [ratio(arm, np.ones(200)) for arm in after]
        shifts, left = take_out([z for _, z in parts], [arm[:, None] for arm in before])
        plain[time] = parts[1][0] - parts[0][0]
        adjusted[time] = plain[time] + shifts[1] - shifts[0]
        errors[time] = np.hypot(*(error_of(z) for z in left))
    assert adjusted.mean() == pytest.approx(0.3, abs=0.01)
    assert adjusted.var() == pytest.approx(0.36 * plain.var(), rel=0.15)
    assert errors.mean() == pytest.approx(adjusted.std(), rel=0.06)


def test_covariates_that_say_nothing_change_nothing() -> None:
    z = np.random.default_rng(4).normal(size=30)
    shifts, left = take_out([z, z], [np.zeros((30, 2)), np.zeros((30, 2))])
    assert shifts == [0.0, 0.0]
    assert left[0] == pytest.approx(z)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 10])
def test_the_tail_of_chi_square_is_scipys(freedom: int) -> None:
    for statistic in (0.0, 0.01, 1.0, 5.0, 30.0, 200.0):
        assert chi_square_tail(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9)
    assert chi_square_tail(1e6, freedom) == 0.0


def test_sample_ratios() -> None:
    counts, shares = [5_210, 4_790, 10_100], [0.25, 0.25, 0.5]
    expected = stats.chisquare(counts, np.array(shares) * sum(counts))
    assert chi_square(counts, shares) == pytest.approx((expected.statistic, expected.pvalue))
    assert chi_square([0, 0], [0.5, 0.5]) == chi_square([7], [1.0]) == (0.0, 1.0)
    assert chi_square([1, 2], [0.999, 0.001])[1] == 1.0, (
        "two of three in an arm of a thousandth: chance, and no chi-square"
    )
    assert chi_square([90, 9], [0.5, 0.5], least=50) == (0.0, 1.0)
    assert chi_square([91, 9], [0.5, 0.5], least=50)[1] < ALARM
    assert chi_square([10_000, 10_700], [0.5, 0.5])[1] < ALARM, "a leak of 7 % of an arm is seen"


def test_power_is_that_of_a_normal_test() -> None:
    """The smallest visible effect is found in 80 % of draws, and what SciPy says of tails is said here."""
    draws = np.random.default_rng(5).normal(smallest_visible(0.1), 0.1, 20_000)
    assert (np.abs(draws) > quantile(0.975) * 0.1).mean() == pytest.approx(0.8, abs=0.01)
    assert two_sided_p(2.5) == pytest.approx(2 * stats.norm.sf(2.5))
    assert people_needed(100, 0.1, smallest_visible(0.1)) == 100
    assert people_needed(100, 0.1, smallest_visible(0.1) / 2) == 400
