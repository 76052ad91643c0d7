"""Nearest movies of every movie under the embedding's own similarity: exact, in blocks of bounded memory."""

import numpy as np

from sparrow.stores.embedding_table import EmbeddingTable, Neighbours

BLOCK = 1024


def nearest(table: EmbeddingTable, k: int) -> Neighbours:
    """The `k` most similar other movies of each movie.

    Args:
        table: n movies; work is n * n * dim, memory BLOCK * n floats.
        k: neighbours per movie, cut to n - 1.

    Returns:
        Neighbours by raw id, most similar first, equally similar ones by id.
    """
    comparable = table.comparable()
    k = min(k, max(len(table.ids) - 1, 0))
    ids = np.empty((len(table.ids), k), dtype=np.int64)
    scores = np.empty((len(table.ids), k), dtype=np.float32)
    for start in range(0, len(table.ids), BLOCK):
        block = comparable[start : start + BLOCK] @ comparable.T  # (block, n)
        block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
        best = np.sort(np.argpartition(-block, max(k - 1, 0), axis=1)[:, :k], axis=1)  # so that ties stand by id
        order = np.argsort(-np.take_along_axis(block, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        ids[start : start + BLOCK] = table.ids[best]
        scores[start : start + BLOCK] = np.take_along_axis(block, best, axis=1)
    return Neighbours(table.name, table.ids, ids, scores)
