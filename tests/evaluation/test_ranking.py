"""Lists against what people did next."""

import math

import numpy as np
import pytest

from sparrow.evaluation.ranking import Judged, RankingValidation, group_by_person, judge, top_unseen
from sparrow.evaluation.reports import ranking_row

LARGEST = 2**63 - 1


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_list_is_judged_on_its_first_k_places() -> None:
    judged = judge("it", [ids(1, 2, 3), ids(9, 8, 7)], [ids(2, 3), ids(7)], k=2)
    assert judged.name == "it"
    assert {name: values.tolist() for name, values in judged.values.items()} == {
        "map@2": [0.25, 0], "map_ms@2": [0.25, 0], "ndcg@2": [pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3))), 0],
        "precision@2": [0.5, 0], "recall@2": [0.5, 0], "hit_rate@2": [1, 0], "mrr@2": [0.5, 0],
    }  # fmt: skip


def test_a_short_list_misses_on_its_empty_places() -> None:
    whole = judge("whole", [ids(5, 1, 2, 3)], [ids(5)], k=4)
    short = judge("short", [ids(5)], [ids(5)], k=4)
    empty = judge("empty", [ids()], [ids(5)], k=4)
    assert {name: values.tolist() for name, values in whole.values.items()} == {
        name: values.tolist() for name, values in short.values.items()
    }
    assert short.mean("precision@4") == 0.25
    assert all(empty.mean(name) == 0 for name in empty.values)


def test_a_movie_repeated_in_a_list_or_in_the_truth_counts_once() -> None:
    judged = judge("it", [ids(5, 5, 5)], [ids(5, 5, 6, 6)], k=3)
    assert judged.mean("precision@3") == pytest.approx(1 / 3)
    assert judged.mean("recall@3") == 0.5
    assert max(values.max() for values in judged.values.values()) <= 1


def test_relevant_movies_that_no_list_can_hold_stay_in_the_denominator() -> None:
    assert judge("it", [ids(1, 2)], [ids(1, LARGEST)], k=2).mean("recall@2") == 0.5


@pytest.mark.parametrize("k", [0, -1])
def test_places_must_be_counted_from_one(k: int) -> None:
    with pytest.raises(ValueError, match=f"got k = {k}"):
        judge("it", [ids(1)], [ids(1)], k)


def test_lists_and_people_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        judge("it", [ids(1)], [ids(1), ids(2)], k=1)


def test_the_lead_is_paired_over_people() -> None:
    people = np.random.default_rng(1).uniform(0, 1, 200)
    better, worse = Judged("a", {"ndcg@10": people + 0.01}), Judged("b", {"ndcg@10": people})
    lead, low, high = better.lead(worse, "ndcg@10")
    assert lead == pytest.approx(low) == pytest.approx(high) == pytest.approx(0.01)
    left, right = worse.interval("ndcg@10")
    assert left < worse.mean("ndcg@10") < right
    assert right - left > 0.05, "unpaired, the people differ more than the recommenders"


def test_top_unseen_leaves_out_the_seen_and_gives_ties_to_the_smaller_id() -> None:
    movies = ids(1, 2, 3, 4, LARGEST)
    scores = np.array([0.5, 0.9, 0.5, 0.5, 0.7])
    assert top_unseen(scores, movies, ids(), 4).tolist() == [2, LARGEST, 1, 3]
    assert top_unseen(scores, movies, ids(2, 1, 99), 2).tolist() == [LARGEST, 3]
    assert top_unseen(scores, movies, movies, 3).tolist() == []
    assert top_unseen(scores, movies, ids(), 99).tolist() == [2, LARGEST, 1, 3, 4]
    assert top_unseen(np.zeros(5, dtype=np.float32), movies, ids(3), 0).tolist() == []


def test_rows_are_grouped_by_person_in_row_order() -> None:
    grouped = group_by_person(ids(7, 1, 7, LARGEST, 7), ids(3, 9, 1, 4, 2))
    assert {who: movies.tolist() for who, movies in grouped.items()} == {1: [9], 7: [3, 1, 2], LARGEST: [4]}
    assert group_by_person(ids(), ids()) == {}


def parity(users: np.ndarray, movies: np.ndarray) -> np.ndarray:
    return np.where(users % 2 == movies % 2, 1.0, 0.0)


SEEN = ids(1, 1, 2, 2, 3), ids(1, 2, 2, 4, 5)
HELD_OUT = ids(1, 2, 9), ids(3, 6, 1)


def test_validation_asks_everyone_with_seen_and_held_out_rows() -> None:
    asked: list[tuple[int, list[int]]] = []

    def score(users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        asked.append((int(users[0]), movies.tolist()))
        assert len(set(users.tolist())) == 1
        return np.where(movies == 5, 1.0, 0.0)

    validation = RankingValidation(SEEN, (ids(1, 2, 9), ids(5, 4, 1)), k=1)
    assert validation
    assert validation(score) == 0.5, "person 1 gets movie 5; person 2 held out a seen one; 9 and 3 are not asked"
    assert sorted(asked) == [(1, [1, 2, 4, 5]), (2, [1, 2, 4, 5])]


def test_validation_tells_a_good_scorer_from_its_opposite() -> None:
    seen = np.repeat(np.arange(1, 21), 2), np.tile(np.array([1, 2]), 20)
    everything = np.concatenate([seen[0], np.full(6, 99)]), np.concatenate([seen[1], np.arange(3, 9)])
    held_out = np.arange(1, 21), np.where(np.arange(1, 21) % 2 == 0, 4, 3)
    validation = RankingValidation(everything, held_out, people=10, k=3)
    good, bad = validation(parity), validation(lambda users, movies: -parity(users, movies))
    assert good == pytest.approx(1.0)
    assert bad == 0.0


def test_validation_asks_no_more_people_than_told_and_the_same_ones_again() -> None:
    users = np.arange(50)
    seen, held_out = (np.repeat(users, 2), np.tile(ids(1, 2), 50)), (users, np.full(50, 3))
    asked: list[int] = []

    def score(who: np.ndarray, movies: np.ndarray) -> np.ndarray:
        asked.append(int(who[0]))
        return np.zeros(len(movies))

    for _ in range(2):
        RankingValidation(seen, held_out, people=10)(score)
    assert len(set(asked[:10])) == 10
    assert asked[:10] == asked[10:]
    RankingValidation(seen, held_out, people=10, seed=2)(score)
    assert asked[20:] != asked[:10]


@pytest.mark.parametrize("held_out", [(ids(), ids()), (ids(77), ids(1))])
def test_a_world_without_held_out_rows_has_no_validation(held_out: tuple[np.ndarray, np.ndarray]) -> None:
    assert not RankingValidation(SEEN, held_out)


def test_a_report_row_has_means_and_intervals() -> None:
    row = ranking_row(Judged("it", {"ndcg@10": np.array([0.0, 1.0, 0.5, 0.25])}))
    assert row["recommender"] == "it"
    assert row["metrics"] == {"ndcg@10": 0.4375}
    [low, high] = row["interval"]["ndcg@10"]
    assert 0 <= low < 0.4375 < high <= 1
