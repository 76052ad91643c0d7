"""Vectors by raw id: what cannot be built, and what is saved."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.stores.embedding_table import EmbeddingTable, Neighbours, unit
from sparrow.stores.feature_store import Similarity

LARGEST = 2**63 - 1


def table(ids: list[int], vectors: object, similarity: Similarity = "cosine") -> EmbeddingTable:
    return EmbeddingTable("toy", np.array(ids, dtype=np.int64), np.array(vectors, dtype=np.float32), similarity)


@pytest.mark.parametrize(
    ("ids", "vectors", "complaint"),
    [
        ([1, 2], [[1.0]], "2 ids need as many vectors"),
        ([1], [1.0], "shape"),
        ([1, 1], [[1.0], [2.0]], "ascending and unique"),
        ([2, 1], [[1.0], [2.0]], "ascending and unique"),
        ([LARGEST, -(2**63)], [[1.0], [2.0]], "ascending and unique"),
        ([1], [[np.nan]], "finite"),
        ([1], [[np.inf]], "finite"),
    ],
)
def test_a_wrong_table_cannot_be_built(ids: list[int], vectors: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"toy: .*{complaint}"):
        table(ids, vectors)


@pytest.mark.parametrize("similarity", ["inner", "cosine"])
def test_a_table_round_trips(tmp_path: Path, similarity: Similarity) -> None:
    saved = table([0, 5, LARGEST], [[1.0, 0.0], [0.1, -3.5], [1e-30, 1e30]], similarity)
    saved.save(tmp_path / "movies-toy.npz")
    loaded = EmbeddingTable.load(tmp_path / "movies-toy.npz")
    assert (loaded.name, loaded.similarity, loaded.dim) == ("toy", similarity, 2)
    assert loaded.ids.tolist() == [0, 5, LARGEST]
    assert loaded.vectors.dtype == np.float32
    np.testing.assert_array_equal(loaded.vectors, saved.vectors)


def test_neighbours_round_trip(tmp_path: Path) -> None:
    ids, nearest = np.array([1, LARGEST]), np.array([[LARGEST], [1]])
    Neighbours("toy", ids, nearest, np.array([[0.5], [0.25]], dtype=np.float32)).save(tmp_path / "n.npz")
    loaded = Neighbours.load(tmp_path / "n.npz")
    assert (loaded.name, loaded.ids.tolist(), loaded.nearest.tolist()) == ("toy", ids.tolist(), nearest.tolist())
    assert loaded.scores.tolist() == [[0.5], [0.25]]


def test_comparable_vectors_have_the_embeddings_own_similarity_as_inner_product() -> None:
    vectors = [[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]]
    assert table([1, 2, 3], vectors, "inner").comparable().tolist() == vectors
    cosine = table([1, 2, 3], vectors, "cosine").comparable()
    np.testing.assert_allclose(cosine, [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]], rtol=1e-6)


def test_unit_rows_have_length_one_and_zero_rows_stay_zero() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    vectors[3] = 0
    lengths = np.linalg.norm(unit(vectors), axis=1)
    np.testing.assert_allclose(np.delete(lengths, 3), 1, rtol=1e-6)
    assert lengths[3] == 0
