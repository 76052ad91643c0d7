"""Random walks over the item graph, first order (DeepWalk) and second order (Node2vec).

Perozzi, Al-Rfou & Skiena, "DeepWalk: Online Learning of Social Representations" (2014, arXiv:1403.6652): from node v the next
one is x with probability w_vx / sum_y w_vy. Grover & Leskovec, "node2vec: Scalable Feature Learning for Networks" (2016,
arXiv:1607.00653): having come to v from t, the weight of x is

    w_vx / p   if x = t;      w_vx   if t and x are neighbours;      w_vx / q   otherwise.

Second-order steps are drawn by rejection, as in Yang et al., "KnightKing" (2019): propose x by w_vx, which alias tables do in
constant time, and keep it with probability bias(t, x) / bound, where bound = max(1, 1/q). A return, whose bias 1/p may exceed
the bound, gets what is above as a proposal of its own. So a step costs the same at a film with ten neighbours and at one with ten
thousand, and nothing of size degree squared is stored. Whether t and x are neighbours is one bit of a matrix where that fits
`MATRIX_BYTES`, else a binary search in the shorter of their lists.

All chance of a walk comes from (seed, start node, walk number) by SplitMix64, so that walks depend neither on threads nor on
their order nor on the machine: Spark walks the same. The compiled loops are in `walk_kernels`.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.embeddings import walk_kernels
from sparrow.embeddings.graph import ItemGraph

MATRIX_BYTES: Final = 64 * 1024 * 1024
"""Up to here, about 23,000 nodes, neighbourhood is looked up in a matrix of bits."""


class Walker:
    """Walks over one graph; its tables are made once and serve any number of walks."""

    def __init__(self, graph: ItemGraph, p: float = 1.0, q: float = 1.0, seed: int = 1) -> None:
        """Prepare.

        Args:
            graph: weighted or not.
            p: return parameter, above 0: small comes back often.
            q: in-out parameter, above 0: small wanders off, large stays near. p = q = 1 is DeepWalk.
            seed: of all chance.
        """
        if not (0 < p < np.inf and 0 < q < np.inf):
            raise ValueError(f"p and q must be finite and above 0; got p={p}, q={q}.")
        self.graph = graph
        self._second_order = not p == q == 1
        self._p, self._q = p, q
        self._seed = np.uint64(seed % 2**64)
        order = np.argsort(-np.diff(graph.starts), kind="stable")  # label → node, the best connected first
        self._nodes, self._labels = order.astype(np.int32), np.argsort(order).astype(np.int32)
        labelled = _labelled(graph, order)
        self._starts, self._neighbours = (
            labelled.indptr.astype(np.uint64),
            labelled.indices.astype(np.int32, copy=False),
        )
        self._weights = self._table = self._strengths = self._bits = None
        if graph.weights is not None:
            self._weights = labelled.data
            self._table = walk_kernels.alias_table(self._starts, self._neighbours, self._weights)
        if 1 / p > max(1, 1 / q):
            self._strengths = np.add.reduceat(labelled.data, labelled.indptr[:-1], dtype=np.float64)
        if self._second_order and len(graph.ids) ** 2 / 8 <= MATRIX_BYTES:
            self._bits = walk_kernels.neighbour_bits(self._starts, self._neighbours)

    def walk(
        self, starts: NDArray[np.int32], numbers: NDArray[np.int64], length: int, threads: int = 0
    ) -> NDArray[np.int32]:
        """One walk from each start.

        Args:
            starts: (walks,) nodes.
            numbers: (walks,) which of its start's walks each is.
            length: nodes in a walk, the start included; at least 1.
            threads: 0 takes all cores; the walks are the same with any number.

        Returns:
            (walks, length) int32 nodes.
        """
        if length < 1 or len(numbers) != len(starts):
            raise ValueError(
                f"{len(starts)} walks need as many numbers and a length >= 1; got {len(numbers)}, {length}."
            )
        if np.any((starts < 0) | (starts >= len(self.graph.ids))):
            raise ValueError(
                f"Starts must be nodes 0 … {len(self.graph.ids) - 1}; got {starts.min()} … {starts.max()}."
            )
        out = np.empty((len(starts), length), dtype=np.int32)
        out[:, 0] = starts
        states = walk_kernels.first_states(starts.astype(np.int64), numbers.astype(np.int64), self._seed)
        threads = min(threads or os.cpu_count() or 1, max(len(starts) // walk_kernels.GROUP, 1))
        edges = np.linspace(0, len(starts), threads + 1).astype(int)
        with ThreadPoolExecutor(threads) as pool:
            step = partial(self._walk_part, out, states)
            list(pool.map(step, edges[:-1].tolist(), edges[1:].tolist()))
        return out

    def walk_from_all(self, number: int, length: int, threads: int = 0) -> NDArray[np.int32]:
        """(n, length): walk `number` of every node, in the order of nodes."""
        nodes = np.arange(len(self.graph.ids), dtype=np.int32)
        return self.walk(nodes, np.full(len(nodes), number), length, threads)

    def _walk_part(self, out: NDArray[np.int32], states: NDArray[np.uint64], first: int, last: int) -> None:
        part = slice(first, last)
        names = self._labels, self._nodes
        if self._second_order and out.shape[1] > 2:
            walk_kernels.second_order(
                self._starts, self._neighbours, self._table, self._weights, self._strengths, self._bits,
                self._p, self._q, *names, states[part], out[part],
            )  # fmt: skip
        else:
            walk_kernels.first_order(self._starts, self._neighbours, self._table, *names, states[part], out[part])


def _labelled(graph: ItemGraph, order: NDArray[np.int64]) -> csr_matrix:
    """The graph with node `order[i]` called i."""
    weights = np.ones(len(graph.neighbours), dtype=np.float32) if graph.weights is None else graph.weights
    shape = (len(order), len(order))
    labelled = csr_matrix((weights, graph.neighbours, graph.starts), shape=shape)[order][:, order]
    labelled.sort_indices()
    return labelled
