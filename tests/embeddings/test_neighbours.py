"""Stored neighbours against brute force in double precision."""

import numpy as np
import pytest

from sparrow.config import VectorSearch
from sparrow.embeddings import neighbours
from sparrow.embeddings.neighbours import nearest
from sparrow.stores import index_choice
from sparrow.stores.embedding_table import EmbeddingTable
from sparrow.stores.feature_store import Similarity


def table(vectors: object, similarity: Similarity = "cosine", first: int = 100) -> EmbeddingTable:
    numbers = np.array(vectors, dtype=np.float32)
    return EmbeddingTable("toy", first + 3 * np.arange(len(numbers)), numbers, similarity)


def similarities(one: EmbeddingTable) -> np.ndarray:
    exact = one.vectors.astype(np.float64)
    if one.similarity == "cosine":
        exact = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    return exact @ exact.T


@pytest.mark.parametrize("similarity", ["inner", "cosine"])
@pytest.mark.parametrize(("count", "k", "block"), [(50, 7, 1024), (50, 7, 16), (64, 10, 16), (3, 2, 1), (33, 1, 32)])
def test_neighbours_are_those_of_brute_force(
    monkeypatch: pytest.MonkeyPatch, similarity: Similarity, count: int, k: int, block: int
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", block)
    chance = np.random.default_rng(count + k)
    one = table(chance.normal(size=(count, 5)) * chance.uniform(0.1, 5, size=(count, 1)), similarity)
    found = nearest(one, k)
    exact = similarities(one)
    np.fill_diagonal(exact, -np.inf)
    assert found.nearest.tolist() == one.ids[np.argsort(-exact, axis=1)[:, :k]].tolist()
    np.testing.assert_allclose(found.scores, -np.sort(-exact, axis=1)[:, :k], rtol=1e-4, atol=1e-5)
    assert found.ids.tolist() == one.ids.tolist()
    assert (found.name, found.scores.dtype) == ("toy", np.float32)


def test_nobody_is_the_own_neighbour_even_with_negative_similarities() -> None:
    found = nearest(table([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.1]], "inner"), k=2)
    assert not np.any(found.nearest == found.ids[:, None])
    assert found.scores[0].tolist() == [-1.0, -1.0]


def test_equally_similar_movies_stand_by_id_and_none_twice() -> None:
    found = nearest(table([[1.0, 0.0]] * 6, "inner"), k=5)
    for movie, mine in zip(found.ids.tolist(), found.nearest.tolist(), strict=True):
        assert mine == [other for other in found.ids.tolist() if other != movie]
    assert np.all(found.scores == 1.0)
    ties = nearest(table([[1.0, 0.0]] * 40, "cosine"), k=5)
    assert all(mine == sorted(set(mine)) for mine in ties.nearest.tolist())


def test_zero_vectors_are_neighbours_of_similarity_zero() -> None:
    found = nearest(table([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], "cosine"), k=2)
    assert np.all(np.isfinite(found.scores))
    assert found.scores[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("count", "k", "width"), [(4, 10, 3), (4, 3, 3), (1, 5, 0), (0, 5, 0), (5, 0, 0)])
def test_there_are_never_more_neighbours_than_others(count: int, k: int, width: int) -> None:
    found = nearest(table(np.eye(5)[:count].reshape(count, 5)), k)
    assert found.nearest.shape == found.scores.shape == (count, width)


FEW_EXACTLY = VectorSearch(exact_up_to=1000)


def test_a_catalogue_beyond_exact_search_goes_through_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    # Many more numbers than tastes, as embeddings are; some movies are twice there.
    vectors = chance.normal(size=(3000, 8)) @ chance.normal(size=(8, 31))
    vectors[2000:2005] = vectors[:5]
    one = table(vectors)
    exact = nearest(one, 20)
    monkeypatch.setattr(neighbours, "BLOCK", 700)
    found = nearest(one, 20, FEW_EXACTLY)
    assert (found.nearest.shape, found.nearest.dtype, found.scores.dtype) == ((3000, 20), np.int64, np.float32)
    assert not np.any(found.nearest == found.ids[:, None])
    assert found.nearest[:5, 0].tolist() == one.ids[2000:2005].tolist()
    shares = [len(set(mine) & set(best)) / 20 for mine, best in zip(found.nearest, exact.nearest, strict=True)]
    assert 0.95 <= np.mean(shares) < 1, "approximate, and as good as asked"
    kept = found.nearest[:, 0] == exact.nearest[:, 0]
    np.testing.assert_allclose(found.scores[kept, 0], exact.scores[kept, 0], rtol=1e-5)


def test_a_catalogue_that_no_index_serves_well_is_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    one = table(np.random.default_rng(4).normal(size=(1500, 16)))
    exact = nearest(one, 10)
    monkeypatch.setattr(index_choice, "EFFORTS", ((0.01, 1),))
    assert np.array_equal(nearest(one, 10, FEW_EXACTLY).nearest, exact.nearest)
