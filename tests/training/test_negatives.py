"""Negatives: never seen, as popular as asked for, and the filter before the search changes nothing."""

import numpy as np
import pytest

from sparrow.training import negatives
from sparrow.training.negatives import AliasTable, NegativeSampler, SeenPairs


def pairs(users: np.ndarray, movies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In order of (user, movie), as int32."""
    order = np.lexsort((movies, users))
    return users[order].astype(np.int32), movies[order].astype(np.int32)


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def chi_square(found: np.ndarray, expected: np.ndarray) -> float:
    return float(((found - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_negatives_follow_popularity_to_the_exponent(exponent: float) -> None:
    counts = np.array([1, 2, 5, 10, 40, 100])
    ids = np.array([2, 3, 5, 8, 13, 900])  # movies between them have no row: they are never drawn
    users = 10 + np.concatenate([np.arange(count) for count in counts])
    sampler = NegativeSampler(*pairs(np.append(users, 2), np.append(np.repeat(ids, counts), 3)), exponent)
    draws, kept = sampler.draw(np.full(20_000, 2, np.int32), np.random.default_rng(1), tries=30)
    assert kept.all()
    assert set(draws.tolist()) == {2, 5, 8, 13, 900}, "movie 3 is the one that person 2 saw"
    weights = counts[[0, 2, 3, 4, 5]].astype(float) ** exponent
    found = np.array([np.count_nonzero(draws == movie) for movie in (2, 5, 8, 13, 900)])
    assert chi_square(found, 20_000 * weights / weights.sum()) < 18.5, "4 degrees: exceeded once in a thousand worlds"


def test_someone_who_saw_everything_gets_no_negatives() -> None:
    sampler = NegativeSampler(rows(2, 2, 2, 3), rows(7, 8, 9, 8), 0.75)
    draws, kept = sampler.draw(rows(2, 3, 2, 3), np.random.default_rng(1), tries=50)
    assert kept.tolist() == [False, True, False, True]
    assert set(draws[kept].tolist()) <= {7, 9}


def test_drawing_for_nobody_is_empty() -> None:
    draws, kept = NegativeSampler(rows(2), rows(2), 1.0).draw(rows(), np.random.default_rng(1))
    assert draws.shape == kept.shape == (0,)


@pytest.mark.parametrize("slots", [16, 1])
def test_membership_is_exact_however_full_the_filter(slots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negatives, "SLOTS_PER_PAIR", slots)
    chance = np.random.default_rng(1)
    users, movies = pairs(np.append(chance.integers(2, 50, 900), np.arange(2, 50)), chance.integers(2, 80, 948))
    taken = set(zip(users.tolist(), movies.tolist(), strict=True))
    board = np.stack(np.meshgrid(np.arange(2, 50), np.arange(0, 90), indexing="ij")).reshape(2, -1).astype(np.int32)
    expected = [pair in taken for pair in zip(*board.tolist(), strict=True)]
    assert SeenPairs(users, movies).contain(*board).tolist() == expected
    assert len(users) > len(taken), "a pair may stand twice"


def test_ids_at_the_end_of_int32_are_told_apart() -> None:
    last = np.iinfo(np.int32).max
    seen = SeenPairs(rows(2, 3), rows(last, last - 1))
    assert seen.contain(rows(2, 2, 3, 3), rows(last, last - 1, last, last - 1)).tolist() == [True, False, False, True]


def test_a_persons_own_movies_are_found() -> None:
    seen = SeenPairs(rows(2, 2, 4), rows(5, 9, 5))
    assert [seen.movies_of(user).tolist() for user in (2, 3, 4)] == [[5, 9], [], [5]]


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0], [0.001, 5.0, 1.0, 20.0], list(range(1, 40))])
def test_the_alias_table_draws_in_proportion(weights: list[float]) -> None:
    expected = 40_000 * np.array(weights) / sum(weights)
    drawn = AliasTable(np.array(weights)).draw(40_000, np.random.default_rng(3))
    found = np.bincount(drawn, minlength=len(weights))
    assert len(found) == len(weights)
    assert chi_square(found, np.maximum(expected, 1e-9)) < 75, (
        "38 degrees: exceeded less than once in a thousand worlds"
    )
