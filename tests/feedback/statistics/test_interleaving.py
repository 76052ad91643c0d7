"""Team draft: fair by construction, complete, and it finds the better ranking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.evaluation.team_draft import FIRST, SECOND, team_draft
from sparrow.feedback.statistics.interleaving import preference

ranking = st.lists(st.integers(1, 30), unique=True, max_size=20).map(lambda ids: np.array(ids, dtype=np.int64))


@given(ranking, ranking, st.integers(0, 25), st.integers(0, 1000))
def test_every_movie_once_from_its_own_team_in_its_own_order(
    first: np.ndarray, second: np.ndarray, size: int, seed: int
) -> None:
    movies, teams = team_draft(first, second, size, np.random.default_rng(seed))
    assert len(movies) == min(size, len(np.union1d(first, second)))
    assert len(set(movies.tolist())) == len(movies)
    for team, own in ((FIRST, first.tolist()), (SECOND, second.tolist())):
        places = [own.index(movie) for movie in movies[teams == team].tolist()]
        assert places == sorted(places)
    enough = min(len(first), len(second)) >= size
    assert not enough or abs(int((teams == FIRST).sum()) - int((teams == SECOND).sum())) <= 1


def test_equal_rankings_win_equally_often_at_every_place() -> None:
    same, chance = np.arange(10), np.random.default_rng(1)
    teams = np.stack([team_draft(same, same, 10, chance)[1] for _ in range(4000)])
    assert teams.mean(axis=0) == pytest.approx(np.full(10, 0.5), abs=0.03)


def test_the_better_ranking_is_preferred_and_equal_ones_are_not() -> None:
    chance = np.random.default_rng(2)
    first, second = chance.binomial(5, 0.2, 800).astype(float), chance.binomial(5, 0.3, 800).astype(float)
    better = preference(first, second)
    assert better.low > 0.5
    assert better.p < 0.001
    mirrored = preference(second, first)
    assert mirrored.second_share == pytest.approx(1 - better.second_share)
    assert mirrored.high < 0.5
    alarms = [preference(*chance.binomial(5, 0.2, (2, 300)).astype(float)).p < 0.05 for _ in range(1000)]
    assert 0.03 <= np.mean(alarms) <= 0.07


def test_nobody_and_one_voice_prove_nothing() -> None:
    nobody = preference(np.zeros(5), np.zeros(5))
    assert (nobody.people, nobody.second_share, nobody.p) == (0, 0.5, 1.0)
    one = preference(np.zeros(1), np.ones(1))
    assert one.people == 1
    assert one.p > 0.05
