"""Lists against what people did next."""

import math

import numpy as np
import pytest

from sparrow.evaluation.ranking import Judged, judge
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


def test_a_report_row_has_means_and_intervals() -> None:
    row = ranking_row(Judged("it", {"ndcg@10": np.array([0.0, 1.0, 0.5, 0.25])}))
    assert row["recommender"] == "it"
    assert row["metrics"] == {"ndcg@10": 0.4375}
    [low, high] = row["interval"]["ndcg@10"]
    assert 0 <= low < 0.4375 < high <= 1
