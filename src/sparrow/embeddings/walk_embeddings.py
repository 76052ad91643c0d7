"""DeepWalk and Node2vec: vectors from random walks over the item graph, trained like sentences by skip-gram.

Papers: see `walks`. Each epoch walks anew (walk numbers go on), so no walk is repeated or stored: what is held is the graph and
one walk of every movie at a time.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import DeepWalk, Node2vec, Walks
from sparrow.embeddings.graph import ItemGraph
from sparrow.embeddings.walks import Walker
from sparrow.embeddings.word2vec import Progress, silent, train_word2vec
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable

WalkFromAll = Callable[[int], NDArray[np.int32]]
"""Walk number → (walks, length) nodes: that walk of every movie. `Walker` here, a job on Spark."""


def train_deepwalk(graph: ItemGraph, settings: DeepWalk, progress: Progress = silent) -> EmbeddingTable:
    """Vectors of every movie of the graph from first-order walks.

    Args:
        graph: as `build_graph` gives it with the same settings.
        settings: walks, length, dimension, window, …
        progress: told after each epoch.

    Raises:
        BuildError: the graph is empty.
    """
    check_graph(graph, "deepwalk", settings)
    return train_on_walks("deepwalk", graph, _walks_here(graph, settings, p=1.0, q=1.0), settings, progress)


def train_node2vec(graph: ItemGraph, settings: Node2vec, progress: Progress = silent) -> EmbeddingTable:
    """Vectors of every movie of the graph from second-order walks; arguments as of `train_deepwalk`."""
    check_graph(graph, "node2vec", settings)
    return train_on_walks("node2vec", graph, _walks_here(graph, settings, settings.p, settings.q), settings, progress)


def train_on_walks(
    name: str, graph: ItemGraph, walk_from_all: WalkFromAll, settings: Walks, progress: Progress = silent
) -> EmbeddingTable:
    """Skip-gram over walks, wherever they are walked.

    Returns:
        One vector per node, as of `word2vec.train_word2vec`.
    """
    sentences = _WalkSentences(graph.ids, walk_from_all, settings)
    # How often walks pass a movie: the first pass tells, and the others are alike.
    passed = np.ones(len(graph.ids), dtype=np.int64)
    for number in range(settings.walks):
        passed += np.bincount(walk_from_all(number).ravel(), minlength=len(graph.ids))
    frequencies = dict(zip(graph.ids.tolist(), passed.tolist(), strict=True))
    count = settings.walks * len(graph.ids)
    return train_word2vec(name, sentences, count, frequencies, settings, progress)


AT_ONCE: Final = 1024
"""Walks that are lists of words at once."""


class _WalkSentences:
    """One epoch's walks as lists of words; the next iteration is the next epoch."""

    def __init__(self, ids: NDArray[np.int64], walk_from_all: WalkFromAll, settings: Walks) -> None:
        self._words = np.array([str(movie) for movie in ids.tolist()], dtype=object)
        self._walk_from_all, self._settings, self._epoch = walk_from_all, settings, 0

    def __iter__(self) -> Iterator[list[str]]:
        first = self._epoch * self._settings.walks
        self._epoch += 1
        for number in range(first, first + self._settings.walks):
            order = np.random.default_rng([self._settings.seed % 2**32, number]).permutation(len(self._words))
            walks = self._walk_from_all(number)[order]
            for start in range(0, len(walks), AT_ONCE):
                yield from self._words[walks[start : start + AT_ONCE]].tolist()


def _walks_here(graph: ItemGraph, settings: Walks, p: float, q: float) -> WalkFromAll:
    walker = Walker(graph, p, q, settings.seed)
    return lambda number: walker.walk_from_all(number, settings.length, settings.workers)


def check_graph(graph: ItemGraph, section: str, settings: Walks) -> None:
    """Refuse a graph that there is nothing to walk on.

    Raises:
        BuildError: with the settings of `section` that could be changed.
    """
    if not len(graph.ids):
        raise BuildError(
            f"No two movies liked {settings.min_count} times were liked near one another, so there is nothing to walk on; "
            f"lower {section}.min_count, raise {section}.reach or bring more ratings."
        )
