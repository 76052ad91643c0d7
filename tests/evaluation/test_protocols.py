"""Cuts: nothing lost, nothing twice, and each protocol's own promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InvalidInput
from sparrow.evaluation.protocols import Protocol, carve, leave_last_out, microsoft_ml100k, random_split, time_split
from sparrow.evaluation.rows import Rows


def some_rows(seed: int = 1, rows: int = 400) -> Rows:
    chance = np.random.default_rng(seed)
    users, movies = chance.integers(1, 30, rows), chance.integers(1, 60, rows)
    return Rows(users, movies, np.arange(rows, dtype=np.float64), chance.integers(0, 50, rows))


@pytest.mark.parametrize(
    "protocol", [random_split(), random_split(0.6, "item", 7), microsoft_ml100k(), leave_last_out(), time_split(0.7)]
)
def test_every_row_is_on_one_side_in_file_order(protocol: Protocol) -> None:
    rows = some_rows()
    train, test = protocol.cut(rows)
    assert train.stars is not None and test.stars is not None and rows.stars is not None
    assert sorted([*train.stars, *test.stars]) == rows.stars.tolist()
    assert np.all(np.diff(train.stars) > 0) and np.all(np.diff(test.stars) > 0)
    again = protocol.cut(rows)[0]
    assert again.stars is not None and again.stars.tolist() == train.stars.tolist()
    assert len(carve(protocol, train)[0]) < len(train)


@given(st.floats(min_value=0.05, max_value=0.95), st.sampled_from(["user", "item"]))
def test_random_keeps_its_share_of_everyone(ratio: float, within: str) -> None:
    rows = some_rows()
    train, _ = random_split(ratio, within).cut(rows)  # type: ignore[arg-type]
    whole, kept = (part.users if within == "user" else part.movies for part in (rows, train))
    for one in np.unique(whole):
        assert (kept == one).sum() == round(ratio * int((whole == one).sum()))


def test_microsoft_draws_once_per_row_and_sorts_within_movies() -> None:
    """The definition once more, row by row."""
    rows = some_rows()
    draws = np.random.RandomState(42).uniform(size=len(rows))
    expected = set()
    for movie in set(rows.movies.tolist()):
        own = sorted(np.flatnonzero(rows.movies == movie).tolist(), key=lambda at: draws[at])
        expected |= set(own[: round(0.75 * len(own))])
    train, _ = microsoft_ml100k().cut(rows)
    assert train.stars is not None
    assert set(train.stars.astype(int).tolist()) == expected


def test_halves_are_rounded_to_even() -> None:
    """2 of 2 rows and 2 of 3, but 4 of 6: what makes ML-100K's 75,066 rather than 75,224."""
    for rows, kept in ((2, 2), (3, 2), (6, 4), (10, 8), (14, 10)):
        only = Rows(np.arange(rows), np.ones(rows, dtype=np.int64))
        assert len(microsoft_ml100k().cut(only)[0]) == kept


def test_the_last_row_of_a_person_is_by_time_then_file_order() -> None:
    rows = Rows(np.array([1, 1, 1, 2, 3, 3]), np.arange(6), None, np.array([5, 9, 9, 1, 8, 7]))
    train, test = leave_last_out().cut(rows)
    assert test.movies.tolist() == [2, 4]
    assert train.movies.tolist() == [0, 1, 3, 5], "who has one row keeps it"
    assert leave_last_out().cut(Rows(rows.users, rows.movies))[1].movies.tolist() == [2, 5]


def test_time_is_cut_once_for_all_and_no_second_is_on_both_sides() -> None:
    train, test = time_split(0.8).cut(some_rows())
    assert train.timestamps is not None and test.timestamps is not None
    assert train.timestamps.max() < test.timestamps.min()
    assert 0.78 < len(train) / 400 < 0.85


def test_impossible_cuts_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"got 1\.5"):
        random_split(1.5)
    with pytest.raises(InvalidInput, match="got 0"):
        time_split(0)
    with pytest.raises(InvalidInput, match="needs timestamps"):
        time_split().cut(Rows(np.array([1]), np.array([1])))
