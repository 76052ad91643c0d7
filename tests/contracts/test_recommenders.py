"""One contract for whatever brings or orders movies, on a release made by the real build: it finds the checkerboard."""

import asyncio

import numpy as np
import pytest

from sparrow.online.catalog import Rows
from sparrow.online.collaborative import CollaborativeRanker
from sparrow.online.ensemble import EnsembleRanker
from sparrow.online.live import open_release
from sparrow.online.people import person_from_history, person_from_record
from sparrow.online.ranking import (
    BlendRanker,
    ContentRanker,
    HistoryRanker,
    PopularityRanker,
    Ranker,
    Scores,
    SimilarityRanker,
)
from sparrow.online.recall import EmbeddingRecall, GenreRecall, Recall, Request
from sparrow.online.recommender import Recommender
from sparrow.online.reranking import descending_by_score
from sparrow.online.wanted import Wanted
from sparrow.stores.publishing import read_pointer
from tests.conftest import BARE, Released

PEOPLE = range(1, 61)
BOARD = range(1, 41)
UNRATED_OWN = 8
"""Movies of the own parity that each person of the checkerboard leaves unrated: the right answer."""


@pytest.fixture(scope="module")
def recommender(released: Released) -> Recommender:
    pointer = read_pointer(released.home)
    assert pointer is not None
    return open_release(released.home, pointer, released.settings)


def ranker(recommender: Recommender, name: str) -> Ranker:
    similarity = recommender.similarities["item2vec"]
    neural_cf = recommender.deep["neural_cf"]
    assert recommender.collaborative is not None
    history = HistoryRanker(recommender.catalog, similarity)
    collaborative = CollaborativeRanker(recommender.collaborative)
    parts: dict[str, Ranker] = {"collaborative": collaborative, "neural_cf": neural_cf}
    every: list[Ranker] = [
        collaborative,
        EnsembleRanker(parts, {"collaborative": 1.0, "neural_cf": 0.5}),
        neural_cf,
        SimilarityRanker(recommender.catalog, similarity),
        ContentRanker(recommender.catalog),
        history,
        BlendRanker(neural_cf, history),
        PopularityRanker(recommender.catalog),
    ]
    return next(one for one in every if one.name == name)


def unseen_board(recommender: Recommender, user: int, released: Released) -> Rows:
    unseen = sorted(set(BOARD) - released.world.rated_by(user))
    return recommender.catalog.known_rows(np.array(unseen))[0]


def request_of(recommender: Recommender, user: int) -> Request:
    person = person_from_record(recommender.catalog, user, recommender.store.user(user))
    return Request(None, person, np.ones(len(recommender.catalog), np.bool_))


def request_for(recommender: Recommender, movie: int) -> Request:
    row = int(recommender.catalog.row(movie))
    allowed = np.arange(len(recommender.catalog)) != row
    return Request(row, person_from_history(recommender.catalog, ()), allowed)


def rank(one: Ranker, request: Request, rows: Rows) -> Scores:
    return asyncio.run(one.rank(request, rows))


@pytest.mark.parametrize("name", ["collaborative", "ensemble", "blend", "neural_cf", "history"])
def test_personal_rankers_put_the_own_parity_first(recommender: Recommender, released: Released, name: str) -> None:
    hits = []
    for user in PEOPLE:
        rows = unseen_board(recommender, user, released)
        scores = rank(ranker(recommender, name), request_of(recommender, user), rows)
        best = recommender.catalog.ids[rows[descending_by_score(scores)[:UNRATED_OWN]]]
        hits.append(np.mean(best % 2 == user % 2))
    assert np.mean(hits) >= 0.97, "chance is about 0.31"


@pytest.mark.parametrize("name", ["item2vec", "content"])
def test_rankers_of_similar_movies_put_the_own_parity_first(recommender: Recommender, name: str) -> None:
    hits = []
    for movie in BOARD:
        request = request_for(recommender, movie)
        rows = np.flatnonzero(request.allowed & (recommender.catalog.ids <= 40)).astype(np.int32)
        best = rows[descending_by_score(rank(ranker(recommender, name), request, rows))[:10]]
        hits.append(np.mean(recommender.catalog.ids[best] % 2 == movie % 2))
    assert np.mean(hits) >= 0.97


def test_popularity_is_the_same_for_everyone_and_orders_by_ratings(recommender: Recommender) -> None:
    rows = np.arange(len(recommender.catalog), dtype=np.int32)
    one = ranker(recommender, "popularity")
    scores = rank(one, request_of(recommender, 1), rows)
    assert scores.tolist() == rank(one, request_of(recommender, 2), rows).tolist()
    expected = np.log1p(recommender.catalog.counts) * recommender.catalog.weighted_rating
    assert np.allclose(scores, expected)
    assert scores.argmin() in np.flatnonzero(recommender.catalog.counts == 0)


@pytest.mark.parametrize(
    "name", ["collaborative", "ensemble", "blend", "neural_cf", "item2vec", "content", "history", "popularity"]
)
def test_every_ranker_is_deterministic_finite_and_scores_each_movie_by_itself(
    recommender: Recommender, name: str
) -> None:
    one = ranker(recommender, name)
    request = request_for(recommender, 3) if name in ("item2vec", "content") else request_of(recommender, 3)
    rows = np.arange(len(recommender.catalog), dtype=np.int32)
    scores = rank(one, request, rows)
    assert scores.shape == rows.shape
    assert scores.dtype == np.float32
    assert np.all(np.isfinite(scores))
    assert scores.tolist() == rank(one, request, rows).tolist()
    turned = rank(one, request, rows[::-1].copy())[::-1]
    assert np.allclose(turned, scores, atol=1e-6), "the order of candidates changes no score"
    assert rank(one, request, rows[:0]).shape == (0,), "nobody may stumble over an empty batch"


def test_neighbours_without_a_vector_stand_behind_those_with_one(recommender: Recommender) -> None:
    rows = np.arange(len(recommender.catalog), dtype=np.int32)
    scores = rank(ranker(recommender, "item2vec"), request_for(recommender, 1), rows)
    has = recommender.similarities["item2vec"].has_vector
    assert scores[~has].max() < scores[has].min()
    assert not has[recommender.catalog.row(BARE)]


@pytest.mark.parametrize("name", ["embedding", "genres"])
def test_recall_routes_that_can_learn_it_bring_the_own_parity(
    recommender: Recommender, released: Released, name: str
) -> None:
    routes: list[Recall] = [
        EmbeddingRecall(recommender.similarities["item2vec"], released.settings.recall.recent_likes),
        GenreRecall(recommender.catalog),
    ]
    route = next(one for one in routes if one.name == name)
    requests = [(user, request_of(recommender, user)) for user in PEOPLE]
    requests += [(movie, request_for(recommender, movie)) for movie in BOARD]
    hits = []
    for parity, request in requests:
        ids = recommender.catalog.ids[route.recall(request, 10).rows]
        assert len(ids) == 10
        hits.append(np.mean(ids % 2 == parity % 2))
    assert np.mean(hits) >= 0.97


def test_the_whole_pipeline_recommends_the_unrated_movies_of_the_own_parity(
    recommender: Recommender, released: Released
) -> None:
    async def ask(user: int) -> list[int]:
        listing = await recommender.for_user(user, Wanted(10))
        assert (listing.pipeline, listing.degraded) == (f"for_you:{recommender.models[0]}", ())
        return [item.movie.movie_id for item in listing.items if item.movie.rating_count][:UNRATED_OWN]

    for user in (1, 2, 30, 59):
        right = {movie for movie in BOARD if movie % 2 == user % 2} - released.world.rated_by(user)
        assert len(set(asyncio.run(ask(user))) & right) >= UNRATED_OWN - 1
