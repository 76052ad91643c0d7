"""The finishing formulas against NumPy's own, and against what must hold for any sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.features import definitions

HALVES = st.lists(st.integers(min_value=1, max_value=10), min_size=1, max_size=200)


def sums(halves: list[int], who: str) -> dict[str, np.ndarray]:
    values = np.array(halves, dtype=np.int64)
    found = {"count": len(values), "half_sum": values.sum(), "half_square_sum": (values * values).sum()}
    return {f"{who}_{name}": np.array([value], dtype=np.int64) for name, value in found.items()}


@given(HALVES)
def test_mean_and_deviation_are_numpys(halves: list[int]) -> None:
    finished = definitions.finish(sums(halves, "movie"))
    stars = np.array(halves) / 2
    assert finished["movie_mean"][0] == pytest.approx(stars.mean(), rel=1e-12)
    expected = stars.std(ddof=1) if len(stars) > 1 else 0.0
    assert finished["movie_deviation"][0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.lists(HALVES, min_size=1, max_size=5))
def test_a_batch_is_finished_row_by_row(people: list[list[int]]) -> None:
    batches = [sums(halves, "user") for halves in people]
    whole = definitions.finish({name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]})
    for name in ("user_mean", "user_deviation"):
        assert whole[name].tolist() == [float(definitions.finish(batch)[name][0]) for batch in batches]


def test_nothing_to_average_is_zero_and_raises_no_warning() -> None:
    zeros = {name: np.zeros(2, dtype=np.int64) for name in (*definitions.MOVIE_SUMS, *definitions.USER_SUMS)}
    finished = definitions.finish(zeros)
    assert set(finished) == {*definitions.MOVIE_FINISHED, *definitions.USER_FINISHED}
    assert all(values.tolist() == [0.0, 0.0] for values in finished.values())


def test_a_constant_rater_deviates_by_exactly_nothing_up_to_300_million_ratings() -> None:
    count = 300_000_000  # of five stars: n * sum(x^2) = 9.0e18, just below what int64 holds
    total, squares, ratings = (np.array([value], dtype=np.int64) for value in (10 * count, 100 * count, count))
    assert definitions.deviation(total, squares, ratings, unit=2.0).tolist() == [0.0]


def test_the_mean_year_counts_only_dated_movies() -> None:
    finished = definitions.finish({"user_year_count": np.array([2, 0]), "user_year_sum": np.array([3999, 0])})
    assert finished["user_mean_year"].tolist() == [1999.5, 0.0]


def test_only_what_the_sums_carry_is_finished() -> None:
    assert set(definitions.finish(sums([3, 4], "movie"))) == set(definitions.MOVIE_FINISHED)


@pytest.mark.parametrize("stars", [half / 2 for half in range(1, 11)])
def test_half_stars_are_exact(stars: float) -> None:
    assert definitions.half_stars(stars) / 2 == stars
