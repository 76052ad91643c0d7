"""Quotas of recall: places go to routes that bring what others do not, and what is reported is what they bring."""

import numpy as np
import pytest

from sparrow.build.merging import DEPTHS, LEAST, LEAST_POPULAR, STEP, Places, judge_routes, learn_quotas
from tests.build.test_choose import BOARD, cases
from tests.online.memory import make_recommender

DEPTH = 700


def places_of(ranks: list[list[int]], owners: list[int] | None = None) -> Places:
    routes = ["a", "b", "popular"][: len(ranks[0])]
    return Places(routes, np.array(ranks), np.array(owners or range(len(ranks))))


def test_places_go_to_the_route_that_brings_what_no_other_does() -> None:
    """Route a finds 30 movies within 100 places, b the same 30, and 10 more of its own further down."""
    ranks = [[at, at, DEPTH] for at in range(0, 90, 3)] + [[DEPTH, 100 + at, DEPTH] for at in range(10)]
    quotas = learn_quotas(places_of(ranks), 340)
    assert quotas["b"] >= 110, "past a stretch in which it brings nothing new"
    assert quotas["a"] < 200
    assert sum(quotas.values()) == 340
    assert places_of(ranks).recall(quotas) == 1


def test_every_route_keeps_some_places_and_the_popular_ones_a_list() -> None:
    quotas = learn_quotas(places_of([[0, DEPTH, DEPTH]]), 500)
    assert quotas["b"] >= LEAST
    assert quotas["popular"] >= LEAST_POPULAR
    assert 500 - STEP < sum(quotas.values()) <= 500


def test_people_count_alike_however_much_they_did() -> None:
    """One person with ten movies on route a, three with one each on route b: the next places are b's."""
    ranks = [[50, DEPTH, DEPTH]] * 10 + [[DEPTH, 50, DEPTH]] * 3
    places = places_of(ranks, [0] * 10 + [1, 2, 3])
    quotas = learn_quotas(places, LEAST * 2 + LEAST_POPULAR + 2 * STEP)
    assert quotas["b"] > quotas["a"]
    assert places.recall({"a": 51}) == pytest.approx(1 / 4)
    assert places.recall({"b": 51}) == pytest.approx(3 / 4)


def test_the_table_tells_each_route_and_all_of_them_on_real_lists() -> None:
    board = make_recommender(BOARD)
    places = Places.of(board, cases(board), DEPTH)
    quotas = learn_quotas(places, DEPTH)
    *routes, merged = judge_routes(places, quotas)
    assert {row["route"] for row in routes} == set(quotas)
    for row in routes:
        assert [row[f"recall@{depth}"] for depth in DEPTHS] == sorted(row[f"recall@{depth}"] for depth in DEPTHS)
    assert merged["recall"] == 1, "the board is smaller than the quotas"
    assert merged["recall"] >= max(row["recall@500"] for row in routes)
