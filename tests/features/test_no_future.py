"""No feature of the past changes when the future is shuffled, deleted or rewritten: movies, people and unrated points."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sparrow.features import movies, people
from sparrow.features.grouped import run_starts
from sparrow.schema import MAX_ID, Movie, MovieId, Rating, UserId
from tests.features.prepared import Key, Row, described
from tests.worlds import random_world

USERS = (1, 7, 2**40, MAX_ID)
MOVIES = tuple(
    Movie(MovieId(movie), f"M{movie}", year, genres)
    for movie, year, genres in (
        (1, 1999, ("Drama", "It's 'odd'")),
        (2, 0, ("Comedy",)),
        (3, 1950, ()),
        (2**62, 2010, ("Drama", "Comedy")),
        (MAX_ID, 1980, ("It's 'odd'",)),
    )
)
SECONDS = st.integers(min_value=10, max_value=18)
"""So few that ties within a person and between people are the rule."""

TABLES = st.dictionaries(
    keys=st.tuples(st.sampled_from(USERS), st.sampled_from([movie.movie_id for movie in MOVIES])),
    values=st.tuples(st.integers(min_value=1, max_value=10), SECONDS),
    min_size=2,
    max_size=20,
)
"""(person, movie) → (half-stars, second): a world in which nobody rates a movie twice."""

Table = dict[tuple[int, int], tuple[int, int]]
few = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Each world is small already, and shrinking one through a database takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def ratings_of(table: Table) -> list[Rating]:
    return [Rating(UserId(user), MovieId(movie), half / 2, second) for (user, movie), (half, second) in table.items()]


def another_future(table: Table, now: int, chance: random.Random) -> list[Rating]:
    """The same world up to `now`: later rows deleted, moved, re-rated or invented, rows of `now` re-rated, all shuffled.

    Rows of `now` itself stay where they are, since they are what is described; what they say may not matter to anyone then.
    """
    changed: Table = {}
    for user in USERS:
        for movie in (one.movie_id for one in MOVIES):
            half, second = table.get((user, movie), (0, MAX_ID))
            if second < now:
                changed[user, movie] = (half, second)
            elif second == now:
                changed[user, movie] = (chance.randint(1, 10), now)
            elif chance.random() < 0.5:
                changed[user, movie] = (chance.randint(1, 10), now + chance.randint(1, 5))
    ratings = ratings_of(changed)
    chance.shuffle(ratings)
    return ratings


def past_of(ratings: list[Rating], now: int, cut: int) -> dict[Key, Row]:
    with TemporaryDirectory() as folder:
        return dict(described(Path(folder), ratings, MOVIES, cut, until=now))


@few
@given(TABLES, SECONDS, SECONDS, st.randoms(use_true_random=False))
def test_the_future_changes_no_feature_of_the_past(table: Table, now: int, cut: int, chance: random.Random) -> None:
    told = past_of(ratings_of(table), now, cut)
    assert told.keys() == {
        (user, movie.movie_id, second) for (user, _), (_, second) in table.items() if second <= now for movie in MOVIES
    }
    assert past_of(another_future(table, now, chance), now, cut) == told


def torn(*keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """A `run_starts` that tells simultaneous rows apart, so that each sees those written before it."""
    return run_starts(*keys) if len(keys) == 1 else np.arange(len(keys[0]))


def test_a_leak_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {(1, 1): (8, 13), (1, 2): (9, 13), (1, 3): (3, 13), (7, 1): (2, 13), (7, 3): (7, 14)}
    now, chance = 13, random.Random(1)
    for kernel in (people, movies):
        monkeypatch.setattr(kernel, "run_starts", torn)
        told = past_of(ratings_of(table), now, cut=20)
        assert any(past_of(another_future(table, now, chance), now, cut=20) != told for _ in range(3))
        monkeypatch.undo()


@pytest.mark.parametrize("seed", [1])
def test_deleting_and_shuffling_the_future_of_a_larger_world(tmp_path: Path, seed: int) -> None:
    world, chance = random_world(seed=seed), random.Random(seed)
    seconds = sorted(rating.timestamp for rating in world.ratings)
    now, cut = seconds[len(seconds) // 2], seconds[len(seconds) // 3]
    kept = [rating for rating in world.ratings if rating.timestamp <= now]
    chance.shuffle(kept)
    told = described(tmp_path / "whole", world.ratings, world.movies, cut, until=now)
    assert len(told) > 1000
    assert described(tmp_path / "past", kept, world.movies, cut, until=now) == told


def test_after_the_cut_movie_statistics_stand_still_and_people_go_on(tmp_path: Path) -> None:
    ratings = [Rating(UserId(user), MovieId(1), 4.0, 10 * user) for user in range(1, 7)]
    ratings += [Rating(UserId(6), MovieId(2), 5.0, 75)]
    told = described(tmp_path, ratings, MOVIES, cut=40, until=100)
    assert [told[user, 1, 10 * user]["movie_count"] for user in range(1, 7)] == [0, 1, 2, 3, 3, 3]
    assert told[6, 2, 75]["movie_count"] == 0
    assert told[6, 2, 75]["history"] == [1]


def test_simultaneous_rows_do_not_see_each_other(tmp_path: Path) -> None:
    ratings = [Rating(UserId(1), MovieId(movie), 5.0, 50) for movie in (1, 2, 3)]
    ratings += [Rating(UserId(7), MovieId(1), 1.0, 50), Rating(UserId(7), MovieId(2), 1.0, 51)]
    told = described(tmp_path, ratings, MOVIES, cut=60, until=51)
    for key in ((1, 1, 50), (1, 2, 50), (1, 3, 50), (7, 1, 50)):
        assert (told[key]["user_count"], told[key]["movie_count"], told[key]["history"]) == (0, 0, [])
    assert (told[7, 2, 51]["user_count"], told[7, 2, 51]["movie_count"]) == (1, 1)
