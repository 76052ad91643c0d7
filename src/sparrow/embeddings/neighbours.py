"""Nearest movies of every movie under the embedding's own similarity: exact, in blocks of bounded memory.

A block's similarities are one matrix product. Each row is then read once, and what beats the k-th best so far is put in its
place; after the first few hundred movies that is rare.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from sparrow.embeddings.compiled import compiled
from sparrow.stores.embedding_table import EmbeddingTable, Neighbours

BLOCK = 512


def nearest(table: EmbeddingTable, k: int) -> Neighbours:
    """The `k` most similar other movies of each movie.

    Args:
        table: n movies; work is n * n * dim, memory BLOCK * n floats.
        k: neighbours per movie, cut to n - 1.

    Returns:
        Neighbours by raw id, most similar first, equally similar ones by id.
    """
    comparable = np.ascontiguousarray(table.comparable(), dtype=np.float32)
    count, k = len(table.ids), min(k, max(len(table.ids) - 1, 0))
    places = np.empty((count, k), dtype=np.int64)
    scores = np.empty((count, k), dtype=np.float32)
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, count if k else 0, BLOCK):
            block = comparable[start : start + BLOCK] @ comparable.T  # (block, n)
            np.fill_diagonal(block[:, start:], -np.inf)  # nobody is the own neighbour
            parts = [
                np.array_split(rows, cores)
                for rows in (block, places[start : start + BLOCK], scores[start : start + BLOCK])
            ]
            list(pool.map(_best, *parts))
    return Neighbours(table.name, table.ids, table.ids[places], scores)


@compiled
def _best(block: NDArray[np.float32], places: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
    """Fill (rows, k) `places` and `scores` with each row's best columns, the best first, equal ones by column."""
    last = places.shape[1] - 1
    for row in range(len(block)):
        line, best, where = block[row], scores[row], places[row]
        best[:] = -np.inf
        worst = best[last]
        for column in range(len(line)):
            score = line[column]
            if score > worst:
                at = last
                while at > 0 and best[at - 1] < score:
                    best[at], where[at] = best[at - 1], where[at - 1]
                    at -= 1
                best[at], where[at] = score, column
                worst = best[last]
