"""Nearest movies of every movie under the embedding's own similarity.

Exact for catalogues that fit, in blocks of bounded memory: a block's similarities are one matrix product, each row is then read
once, and what beats the k-th best so far is put in its place; after the first few hundred movies that is rare. A catalogue
beyond is searched through an index whose recall was measured (`stores/index_choice.py`).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import VectorSearch
from sparrow.embeddings.compiled import compiled
from sparrow.stores.embedding_table import EmbeddingTable, Neighbours
from sparrow.stores.index_choice import build_index, others
from sparrow.stores.vector_index import Found, VectorIndex, empty_answers

BLOCK = 512

EXACT_UP_TO: Final = 150_000
"""Movies; here both ways take about three minutes on two cores, and beyond an index takes less."""


def nearest(table: EmbeddingTable, k: int) -> Neighbours:
    """The `k` most similar other movies of each movie.

    Args:
        table: n movies; up to EXACT_UP_TO the work is n * n * dim and the memory BLOCK * n floats. Beyond, 95 % of the
            neighbours are the true ones, and the work grows with n * sqrt(n).
        k: neighbours per movie, cut to n - 1.

    Returns:
        Neighbours by raw id, most similar first, equally similar ones by id.
    """
    comparable = np.ascontiguousarray(table.comparable(), dtype=np.float32)
    k = min(k, max(len(table.ids) - 1, 0))
    index = build_index(comparable, VectorSearch(exact_up_to=EXACT_UP_TO, recall_at=max(k, 1)))
    found = _exactly(comparable, k) if index.facts.kind == "exact" else _through(index, comparable, k)
    return Neighbours(table.name, table.ids, table.ids[found.rows], found.scores)


def _exactly(comparable: NDArray[np.float32], k: int) -> Found:
    count, found = len(comparable), empty_answers(len(comparable), k)
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, count if k else 0, BLOCK):
            block = comparable[start : start + BLOCK] @ comparable.T  # (block, n)
            np.fill_diagonal(block[:, start:], -np.inf)  # nobody is the own neighbour
            parts = [
                np.array_split(rows, cores)
                for rows in (block, found.rows[start : start + BLOCK], found.scores[start : start + BLOCK])
            ]
            list(pool.map(_best, *parts))
    return found


def _through(index: VectorIndex, comparable: NDArray[np.float32], k: int) -> Found:
    """Blocks of movies side by side; each is answered as if it were alone."""
    rows = np.arange(len(comparable))
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    found = empty_answers(len(comparable), k)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = pool.map(lambda block: others(index, comparable, block, k), blocks)
        for block, part in zip(blocks, answers, strict=True):
            found.rows[block], found.scores[block] = part
    return found


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
