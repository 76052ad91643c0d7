"""Twenty films and our own judgement, on the built-in data: fails when the default similarity regresses."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.datasets import import_dataset
from sparrow.embeddings.content_files import Ratings, read_films
from sparrow.embeddings.fusion import train_fusion
from sparrow.embeddings.neighbours import nearest
from sparrow.embeddings.similarity_lists import pair_scores
from sparrow.evaluation.similar import dense_lists, head_share, popularity_in_degree
from sparrow.retrieval.interactions import Interactions
from sparrow.stores.embedding_table import EmbeddingTable, Neighbours
from tests.similar.judgement import hardness, read_kinds, read_pairs, weighted_auc
from tests.similar.suite import CASES, Case, share
from tests.similar.table import World, cosine_scores, genre_scores, pairwise

TOY_STORY = 1


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    import pyarrow.parquet as pq

    folder: Path = tmp_path_factory.mktemp("builtin")
    import_dataset("builtin", folder)
    table = pq.read_table(folder / "ratings.parquet")
    users, movies, stars, times = (table[name].to_numpy() for name in ("userId", "movieId", "rating", "timestamp"))
    return World(read_films(folder), Ratings(users, movies, stars), times)


@pytest.fixture(scope="module")
def fusion(world: World) -> EmbeddingTable:
    return train_fusion(world.films, world.ratings)


@pytest.fixture(scope="module")
def lists(fusion: EmbeddingTable) -> Neighbours:
    return nearest(fusion, 10)


@pytest.fixture(scope="module")
def popularity(world: World) -> np.ndarray:
    return np.bincount(np.searchsorted(world.films.ids, world.ratings.movies), minlength=len(world.films.ids))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_neighbours_are_of_the_films_kind(case: Case, world: World, lists: Neighbours) -> None:
    mine = lists.nearest[np.searchsorted(lists.ids, case.movie)]
    assert share(case, world.films, np.searchsorted(world.films.ids, mine)) >= 0.8


def test_toy_storys_neighbours_are_no_more_popular_than_it_is(lists: Neighbours, popularity: np.ndarray) -> None:
    mine = np.searchsorted(lists.ids, lists.nearest[np.searchsorted(lists.ids, TOY_STORY)])
    assert np.exp(np.log(np.maximum(popularity[mine], 1)).mean()) <= popularity[np.searchsorted(lists.ids, TOY_STORY)]
    assert 3114 in lists.nearest[np.searchsorted(lists.ids, TOY_STORY)], "Toy Story 2"


def test_bestsellers_are_not_everybodys_neighbours(lists: Neighbours, popularity: np.ndarray) -> None:
    """Plain Item2vec gives the most popular 1 % a sixth of all places, at a correlation of .7."""
    rows = dense_lists(lists.ids, lists.ids, lists.nearest)
    assert head_share(rows, popularity) < 0.03
    assert abs(popularity_in_degree(rows, popularity)) < 0.2


def test_the_fusion_is_above_the_plain_rank_sum_on_our_own_judgement(world: World, fusion: EmbeddingTable) -> None:
    pairs = read_pairs(world.films.ids)
    assert (int(pairs.alike.sum()) > 3000, len(read_kinds()) > 80) == (True, True)
    one, other = (np.searchsorted(world.films.ids, ids) for ids in (pairs.one, pairs.other))
    rated = world.ratings
    met = Interactions.from_rows(rated.users, rated.movies, rated.stars, world.times, world.films.ids)
    genres, cosine = pairwise(genre_scores(world.films), one, other), pairwise(cosine_scores(met, 0), one, other)
    weights = hardness(pairs.alike, genres, cosine)
    plain = weighted_auc(sum(np.argsort(np.argsort(scores)) for scores in (genres, cosine)) * 1.0, pairs.alike, weights)
    reached = weighted_auc(pair_scores(fusion, pairs.one, pairs.other), pairs.alike, weights)
    assert weighted_auc(genres, pairs.alike, weights) == pytest.approx(0.705, abs=0.002)
    assert reached > 0.80
    assert reached > plain + 0.07
