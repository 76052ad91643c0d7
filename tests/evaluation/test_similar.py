"""How lists behave, on lists small enough to count by hand."""

import numpy as np
import pytest

from sparrow.evaluation.full_ranking import NOBODY
from sparrow.evaluation.similar import (
    behaviour,
    dense_lists,
    head_share,
    kind_agreement,
    next_recall,
    popularity_in_degree,
    popularity_ratio,
)

LISTS = np.array([[1, 2], [2, 0], [1, 0], [2, NOBODY], [NOBODY, NOBODY]])
MET = np.array([8, 4, 2, 1, 0])


def test_next_recall_counts_steps_into_the_list() -> None:
    assert next_recall(LISTS, np.array([[0, 2], [0, 3], [3, 2], [4, 0]])) == 0.5
    assert next_recall(LISTS, np.empty((0, 2), dtype=np.int64)) == 0.0


def test_kind_agreement_is_the_mean_overlap_over_all_places() -> None:
    genres = np.array([[1, 0], [1, 1], [0, 1], [0, 1], [0, 0]], dtype=bool)
    overlaps = [0.5, 0.0, 0.5, 0.5, 0.5, 0.0, 1.0]
    assert kind_agreement(LISTS, genres) == pytest.approx(np.mean(overlaps))


def test_head_share_is_the_share_of_places_of_the_bestsellers() -> None:
    assert head_share(LISTS, MET, share=0.2) == pytest.approx(2 / 7)
    assert head_share(np.full((2, 2), NOBODY), MET) == 0.0


def test_popularity_in_degree_is_a_rank_correlation() -> None:
    lists = np.array([[1], [0], [0], [0], [1]])
    assert popularity_in_degree(lists, np.array([90, 5, 0, 0, 0])) == pytest.approx(1.0)
    assert popularity_in_degree(lists, np.array([0, 0, 7, 7, 7])) == pytest.approx(-1.0, abs=0.2)
    assert popularity_in_degree(lists, np.ones(5, dtype=int)) == 0.0


def test_popularity_ratio_is_one_among_equals() -> None:
    assert popularity_ratio(LISTS, np.full(5, 7)) == pytest.approx(1.0)
    assert popularity_ratio(np.array([[1], [NOBODY]]), np.array([2, 8])) == pytest.approx(4.0)


def test_neighbours_by_raw_id_become_rows() -> None:
    lists = dense_lists(np.array([3, 5, 8]), np.array([5, 8]), np.array([[8, 3], [5, 3]]))
    assert lists.tolist() == [[NOBODY, NOBODY], [2, 0], [1, 0]]


def test_all_figures_are_there_and_finite() -> None:
    told = behaviour(LISTS, MET, np.ones((5, 2), dtype=bool), np.array([[0, 1]]), people=9, k=2)
    assert {"next_recall@2", "kind@2", "head@2", "coverage@2", "arp@2", "aplt@2", "gini@2"} <= told.keys()
    assert np.all(np.isfinite(list(told.values())))
