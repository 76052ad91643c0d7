"""Routes: order, quota, the allowed mask, and a merge that remembers who brought what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.online.people import person_from_history
from sparrow.online.pipelines import QUOTAS
from sparrow.online.recall import EmbeddingRecall, Found, GenreRecall, Recall, Request, merge, run_routes, static_routes
from sparrow.online.recommender import Recommender
from tests.online.memory import NAME, make_recommender
from tests.worlds import checkerboard

ROUTES = ("embedding", "genres", "rated", "recent", "popular")


@pytest.fixture(scope="module")
def board() -> Recommender:
    return make_recommender(checkerboard())


def route(board: Recommender, name: str, min_ratings: int = 3) -> Recall:
    routes: list[Recall] = [EmbeddingRecall(board.similarities[NAME], 20), GenreRecall(board.catalog)]
    return next(one for one in [*routes, *static_routes(board.catalog, min_ratings)] if one.name == name)


def person_request(board: Recommender, liked: list[int], banned: list[int]) -> Request:
    allowed = ~np.isin(board.catalog.ids, banned)
    return Request(None, person_from_history(board.catalog, [(movie, 5.0) for movie in liked]), allowed)


def movie_request(board: Recommender, movie: int) -> Request:
    row = int(board.catalog.row(movie))
    allowed = np.ones(len(board.catalog), np.bool_)
    allowed[row] = False
    return Request(row, person_from_history(board.catalog, ()), allowed)


def found(rows: list[int]) -> Found:
    return Found(np.array(rows, np.int32), np.zeros(len(rows), np.float32))


@pytest.mark.parametrize("name", ROUTES)
@given(
    banned=st.lists(st.integers(1, 40), max_size=40),
    liked=st.lists(st.integers(1, 40), max_size=6),
    quota=st.integers(1, 50),
)
def test_every_route_keeps_quota_mask_and_order(
    board: Recommender, name: str, banned: list[int], liked: list[int], quota: int
) -> None:
    brought = route(board, name).recall(person_request(board, liked, banned), quota)
    ids = board.catalog.ids[brought.rows].tolist()
    assert len(ids) == len(set(ids)) <= quota
    assert not set(ids) & set(banned)
    assert np.all(np.diff(brought.scores) <= 0), "best first"
    assert len(brought.rows) == len(brought.scores) == len(brought.near(brought.rows))


@pytest.mark.parametrize("name", ["embedding", "genres"])
@pytest.mark.parametrize("parity", [0, 1])
def test_the_checkerboard_for_people_and_movies(board: Recommender, name: str, parity: int) -> None:
    own = list(range(2 + parity, 12, 2))
    for request in (person_request(board, own, own), movie_request(board, own[0])):
        ids = board.catalog.ids[route(board, name).recall(request, 10).rows]
        assert len(ids) == 10
        assert np.all(ids % 2 == parity)


def test_an_embedding_neighbour_names_the_liked_movie_it_is_nearest_to(board: Recommender) -> None:
    brought = route(board, "embedding").recall(person_request(board, [2, 3], [2, 3]), 20)
    vectors = board.similarities[NAME].vectors
    for row, near, score in zip(brought.rows, brought.near(brought.rows), brought.scores, strict=True):
        nearness = {
            int(board.catalog.row(movie)): float(vectors[board.catalog.row(movie)] @ vectors[row]) for movie in (2, 3)
        }
        assert near == max(nearness, key=lambda anchor: nearness[anchor])
        assert score == pytest.approx(nearness[int(near)], abs=1e-6)


def test_only_the_newest_likes_are_asked(board: Recommender) -> None:
    similarity = board.similarities[NAME]
    brought = EmbeddingRecall(similarity, 1).recall(person_request(board, [2, 3], []), 5)
    assert set(board.catalog.ids[brought.near(brought.rows)].tolist()) == {3}


def test_someone_without_likes_gets_nothing_personal(board: Recommender) -> None:
    request = person_request(board, [], [])
    assert len(route(board, "embedding").recall(request, 10).rows) == 0
    assert len(route(board, "genres").recall(request, 10).rows) == 0


def test_static_routes_leave_out_movies_with_too_few_ratings(board: Recommender) -> None:
    counts = board.catalog.counts
    enough = int(np.median(counts)) + 1
    for name in ("rated", "recent"):
        rows = route(board, name, enough).recall(person_request(board, [], []), 40).rows
        assert set(rows.tolist()) == set(np.flatnonzero(counts >= enough).tolist())


def test_static_orders(board: Recommender) -> None:
    request = person_request(board, [], [])
    facts = [board.catalog.facts[row] for row in route(board, "popular").recall(request, 40).rows]
    assert [one.rating_count for one in facts] == sorted((one.rating_count for one in facts), reverse=True)
    years = [board.catalog.facts[row].release_year for row in route(board, "recent").recall(request, 40).rows]
    assert years == sorted(years, reverse=True)
    rated = board.catalog.weighted_rating[route(board, "rated").recall(request, 40).rows]
    assert np.all(np.diff(rated) <= 0)


@given(st.lists(st.lists(st.integers(0, 12), unique=True), max_size=4))
def test_merge_has_each_movie_once_in_the_order_of_the_routes(lists: list[list[int]]) -> None:
    parts = {f"route {at}": found(rows) for at, rows in enumerate(lists)}
    merged = merge(parts)
    assert merged.rows.tolist() == list(dict.fromkeys(row for rows in lists for row in rows))
    assert {name: part.rows.tolist() for name, part in merged.found.items()} == {
        name: part.rows.tolist() for name, part in parts.items()
    }


def test_routes_without_a_quota_are_not_asked(board: Recommender) -> None:
    routes = [route(board, name) for name in ROUTES]
    merged = run_routes(routes, {"genres": 5, "popular": 3}, person_request(board, [2], [2]))
    assert set(merged.found) == {"genres", "popular"}
    assert 5 <= len(merged.rows) <= 8


def test_the_default_quotas_name_every_route() -> None:
    assert set(QUOTAS) == {"collaborative", "next_item", *ROUTES}
