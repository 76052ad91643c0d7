"""Which index a catalogue gets: exact while that is fast enough, else an inverted one that has been measured against it.

A sample of the vectors is searched exactly too, each for its neighbours as "similar movies" does. The search effort is raised
until the share it finds, less two standard errors, reaches the floor; where no effort reaches it, the catalogue is searched
exactly and a warning says so. A release never holds an index that finds less than asked.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import VectorSearch
from sparrow.stores.inverted_index import Effort, InvertedIndex
from sparrow.stores.vector_index import ExactIndex, Found, IndexFacts, VectorIndex, check_vectors, load_facts

log = logging.getLogger(__name__)

EFFORTS: Final = (
    (0.05, 8), (0.08, 12), (0.1, 16), (0.12, 16), (0.15, 16), (0.2, 16), (0.3, 16), (0.45, 24), (0.65, 32), (1.0, 64),
)  # fmt: skip
"""(share of the lists, candidates for each one wanted), cheapest first: pairs that were fastest for their recall."""

ROUNDING: Final = 1e-5
"""Relative: the k-th best by one order of summing is the k-th best by another."""


def build_index(vectors: NDArray[np.float32], settings: VectorSearch | None = None) -> VectorIndex:
    """Exact up to `exact_up_to` vectors; beyond, the cheapest inverted index that finds `recall_floor` of the best.

    Args:
        vectors: (n, dim) float32, finite, comparable by inner product (`EmbeddingTable.comparable`).

    Raises:
        BuildError: vectors that are not finite, or too many to go without faiss.
    """
    settings = settings or VectorSearch()
    check_vectors(vectors)
    if len(vectors) <= settings.exact_up_to:
        return ExactIndex(vectors)
    queries = np.random.default_rng(2).permutation(len(vectors))[: settings.sample]
    nearest = others(ExactIndex(vectors), vectors, queries, settings.recall_at)
    for index in _ever_harder(InvertedIndex.build(vectors, Effort(1, 1))):
        facts = measured(index, queries, nearest)
        if facts.recall_least >= settings.recall_floor:
            log.info("%d vectors: %s", facts.count, told(facts))
            return replace(index, facts=facts)
    log.warning(
        "%s; vector_search.recall_floor asks for %g. The vectors are searched exactly, which is slow.",
        told(facts), settings.recall_floor,
    )  # fmt: skip
    return ExactIndex(vectors)


def load_index(folder: Path) -> VectorIndex:
    """Read whichever index was saved in `folder`."""
    return ExactIndex.load(folder) if load_facts(folder).kind == "exact" else InvertedIndex.load(folder)


def measured(index: InvertedIndex, queries: NDArray[np.int64], nearest: Found) -> IndexFacts:
    """The index's facts with the recall that it reaches.

    Args:
        queries: (q,) rows of the index whose neighbours are known.
        nearest: those neighbours, exactly, without the row itself.
    """
    k = nearest.rows.shape[1]
    mine = others(index, index.vectors, queries, k)
    bar = nearest.scores[:, -1:]
    # By score, not by row: of equally similar neighbours any will do.
    shares = (mine.scores >= bar - ROUNDING * np.abs(bar)).mean(axis=1)
    error = shares.std() / np.sqrt(len(shares))
    least = float(shares.mean() - 2 * error)
    return replace(index.facts, recall=float(shares.mean()), recall_least=least, recall_at=k, sample=len(queries))


def others(index: VectorIndex, vectors: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Found:
    """(q, k) the nearest of each row but itself; k is cut to the number of others."""
    k = min(k, max(len(vectors) - 1, 0))
    found = index.search(np.ascontiguousarray(vectors[rows]), k + 1)
    another = found.rows != rows[:, None]
    another[another.all(axis=1), -1] = False  # crowded out by its equals: the last gives way
    shape = (len(rows), k)
    return Found(found.rows[another].reshape(shape), found.scores[another].reshape(shape))


def told(facts: IndexFacts) -> str:
    """How an inverted index searches, and what it finds, in words."""
    return (
        f"recall@{facts.recall_at} is {facts.recall:.3f} (at least {facts.recall_least:.3f}) for {facts.sample} queries that "
        f"probe {facts.probes} of {facts.lists} lists and compare {facts.candidates} vectors for each one wanted"
    )


def _ever_harder(index: InvertedIndex) -> Iterator[InvertedIndex]:
    for share, candidates in EFFORTS:
        yield index.with_effort(Effort(max(1, round(share * index.facts.lists)), candidates))
