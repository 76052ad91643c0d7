"""The item graph: movies that one person liked near one another, as compressed sparse rows (CSR).

For likes at places a < b <= a + reach of one person's sequence, t seconds apart, the edge between the two movies grows by

    2 ** (-t / half_life)                         time decay; 1 where the half-life is 0
    w_ij = sum / (n_i * n_j) ** popularity        n_i: likes of movie i; 0 keeps counts, 0.5 is the cosine of co-liking

`reach` 1 makes the graph of transitions, a larger one counts co-rating. Edges have no direction; no movie is its own neighbour.
Memory is bounded: likes come in batches of whole people, and what counts beside a batch is the number of edges: about 110 bytes
each at the most, while the graph is finished, 16 when it is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.config import Walks
from sparrow.embeddings.sequences import Likes

DAY: Final = 86_400
"""Seconds."""


@dataclass(frozen=True)
class ItemGraph:
    """An undirected graph without lonely nodes.

    Attributes:
        ids: (n,) raw movie ids, ascending.
        starts: (n + 1,) where each node's edges begin; the last is the number of entries m, each edge twice.
        neighbours: (m,) int32 nodes, ascending within one node's edges.
        weights: (m,) float32 above 0, or None: all edges alike.
    """

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.ids) + 1 or np.any(np.diff(self.starts) < 1):
            raise ValueError(f"A graph of {len(self.ids)} nodes needs one start a node and no node without an edge.")
        if len(self.neighbours) != self.starts[-1]:
            raise ValueError(f"starts tell of {self.starts[-1]} entries; got {len(self.neighbours)} neighbours.")
        if self.weights is not None and not (len(self.weights) == len(self.neighbours) and np.all(self.weights > 0)):
            raise ValueError("A weighted graph needs one weight above 0 for each entry.")

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays: what a broadcast costs on each machine."""
        weights = 0 if self.weights is None else self.weights.nbytes
        return self.ids.nbytes + self.starts.nbytes + self.neighbours.nbytes + weights


def build_graph(batches: Iterable[Likes], settings: Walks) -> ItemGraph:
    """The graph of liked sequences.

    Args:
        batches: everyone's likes; people in any order, each person in one batch.
        settings: min_count, reach, half_life_days, popularity, weighted.

    Returns:
        A graph of the movies liked `settings.min_count` times that have a neighbour; possibly empty.
    """
    ids, likes, adjacency = np.empty(0, dtype=np.int64), np.empty(0), csr_matrix((0, 0))
    for batch in batches:
        movies, counts = np.unique(batch.movies, return_counts=True)
        everything = np.union1d(ids, movies)
        likes = _spread(likes, ids, everything) + _spread(counts, movies, everything)
        adjacency = _widen(adjacency, ids, everything) + _pairs(batch, everything, settings)
        ids = everything
    return _finish(ids, likes, adjacency, settings)


def _pairs(batch: Likes, ids: NDArray[np.int64], settings: Walks) -> csr_matrix:
    """(ids, ids) upper triangle: the summed time decay of pairs near one another."""
    nodes = np.searchsorted(ids, batch.movies)
    person = np.repeat(np.arange(len(batch.people)), np.diff(batch.starts))
    total = csr_matrix((len(ids), len(ids)))
    for gap in range(1, settings.reach + 1):
        one, other = nodes[:-gap], nodes[gap:]
        near = (person[:-gap] == person[gap:]) & (one != other)
        one, other = one[near], other[near]
        decay = np.ones(len(one))
        if settings.half_life_days:
            seconds = (batch.times[gap:] - batch.times[:-gap])[near]
            decay = np.exp2(-seconds / (settings.half_life_days * DAY))
        total += csr_matrix((decay, (np.minimum(one, other), np.maximum(one, other))), shape=total.shape)
    return total


def _finish(ids: NDArray[np.int64], likes: NDArray[np.float64], upper: csr_matrix, settings: Walks) -> ItemGraph:
    """Drop rare and lonely movies, weigh by popularity, and mirror."""
    edges = upper.tocoo()
    enough = likes >= settings.min_count
    weight = (edges.data / (likes[edges.row] * likes[edges.col]) ** settings.popularity).astype(np.float32)
    kept = enough[edges.row] & enough[edges.col] & (weight > 0)  # a decay may be too small for a number
    one, other, weight = edges.row[kept], edges.col[kept], weight[kept]
    nodes = np.union1d(one, other)
    one, other = np.searchsorted(nodes, one), np.searchsorted(nodes, other)
    shape = (len(nodes), len(nodes))
    whole = csr_matrix((np.tile(weight, 2), (np.append(one, other), np.append(other, one))), shape=shape)
    whole.sort_indices()
    return ItemGraph(
        ids[nodes],
        whole.indptr.astype(np.int64),
        whole.indices.astype(np.int32),
        whole.data if settings.weighted else None,
    )


def _spread(
    values: NDArray[np.generic], known: NDArray[np.int64], everything: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(everything,) the values of `known` at their places, 0 elsewhere."""
    spread = np.zeros(len(everything))
    spread[np.searchsorted(everything, known)] = values
    return spread


def _widen(matrix: csr_matrix, known: NDArray[np.int64], everything: NDArray[np.int64]) -> csr_matrix:
    """The same square matrix over more ids."""
    place, edges = np.searchsorted(everything, known), matrix.tocoo()
    return csr_matrix((edges.data, (place[edges.row], place[edges.col])), shape=(len(everything), len(everything)))
