"""Raw ids become rows once, and stars, order and people stay with their entries."""

import numpy as np
import pytest

from sparrow.errors import DataError
from sparrow.retrieval.interactions import Interactions

LARGEST = 2**63 - 1
USERS = np.array([LARGEST, 5, 5, LARGEST, 5])
MOVIES = np.array([30, 20, 10, LARGEST, 30])
STARS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
TIMES = np.array([9, 7, 7, 3, 1])


def some() -> Interactions:
    return Interactions.from_rows(USERS, MOVIES, STARS, TIMES, np.array([15]))


def test_entries_stand_by_person_and_movie_with_stars_and_order() -> None:
    found = some()
    assert found.user_ids.tolist() == [5, LARGEST]
    assert found.movie_ids.tolist() == [10, 15, 20, 30, LARGEST]
    assert found.stars is not None
    assert found.matrix(found.stars).toarray().tolist() == [[3, 0, 2, 5, 0], [0, 0, 0, 1, 4]]
    assert found.matrix(found.recency + 1).toarray().tolist() == [[1, 0, 2, 3, 0], [0, 0, 0, 1, 2]], (
        "ties by file order"
    )
    assert found.popularity().tolist() == [1, 0, 1, 2, 1]
    assert found.counts().tolist() == [3, 2]


def test_people_can_be_taken_alone() -> None:
    one = some().of(np.array([LARGEST]))
    assert one.movie_ids.tolist() == [10, 15, 20, 30, LARGEST]
    assert one.stars is not None and one.matrix(one.stars).toarray().tolist() == [[0, 0, 0, 1, 4]]
    assert one.recency.tolist() == [0, 1]
    assert some().of(np.array([], dtype=np.int64)).shape == (0, 5)
    with pytest.raises(ValueError, match="cannot be selected"):
        some().of(np.array([6]))


def test_stars_above_the_usual_are_zero_where_nothing_is_known() -> None:
    found = some()
    means = found.movie_means(shrink=1.0)
    assert means.tolist() == pytest.approx([3, 3, 2.5, 3, 3.5])
    assert found.above(means).tolist() == pytest.approx([0, -0.5, 2, -2, 0.5])
    silent = Interactions.from_rows(USERS, MOVIES, np.full(5, 4.0))
    assert silent.stars is None and np.isnan(silent.movie_means()).all()
    assert silent.above(means[:4]).tolist() == [0] * 5
    assert found.above(np.full(5, np.nan)).tolist() == [0] * 5


def test_a_repeated_pair_and_an_empty_world_are_refused() -> None:
    with pytest.raises(DataError, match="Person 5 and movie 20"):
        Interactions.from_rows(np.array([5, 5]), np.array([20, 20]))
    with pytest.raises(DataError, match="no interaction"):
        Interactions.from_rows(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
