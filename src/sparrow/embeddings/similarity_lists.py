"""Scores of arbitrary pairs of movies, from vectors in memory or in a release's store."""

import numpy as np
from numpy.typing import NDArray

from sparrow.stores.embedding_table import EmbeddingTable
from sparrow.stores.feature_store import FeatureStore

PAIRS: int = 65_536
"""Pairs multiplied at once: 2 * PAIRS * dim floats."""


def pair_scores(table: EmbeddingTable, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Similarity of each pair under the embedding's own measure.

    Args:
        table: vectors by raw id.
        one, other: (n,) raw ids.

    Returns:
        (n,) scores, NaN where a movie has no vector.

    Example:
        >>> table = EmbeddingTable("toy", np.array([3, 5]), np.array([[1, 0], [3, 4]], dtype=np.float32), "cosine")
        >>> pair_scores(table, np.array([3, 3]), np.array([5, 7])).round(2).tolist()
        [0.6, nan]
    """
    comparable = table.comparable()
    left, right = _rows(table.ids, one), _rows(table.ids, other)
    scores = np.full(len(one), np.nan)
    known = np.flatnonzero((left >= 0) & (right >= 0))
    for start in range(0, len(known), PAIRS):
        part = known[start : start + PAIRS]
        scores[part] = np.einsum("nd,nd->n", comparable[left[part]], comparable[right[part]])
    return scores


def _rows(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) rows of raw ids, -1 for one that is not there."""
    at = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0))
    return np.where(ids[at] == wanted, at, -1) if len(ids) else np.full(len(wanted), -1)


def stored_table(store: FeatureStore, name: str) -> EmbeddingTable:
    """One movie embedding as a release holds it."""
    found = sorted(store.vectors(name), key=lambda entry: entry[0])
    meta = store.meta()
    vectors = np.array([vector for _, vector in found], dtype=np.float32).reshape(len(found), meta.dimensions[name])
    return EmbeddingTable(
        name, np.array([movie for movie, _ in found], dtype=np.int64), vectors, meta.similarities[name]
    )
