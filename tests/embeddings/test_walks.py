"""Walks against the probabilities of the papers, worked out edge by edge from a dense matrix."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from sparrow.embeddings import walk_kernels, walks
from sparrow.embeddings.graph import ItemGraph
from sparrow.embeddings.walks import Walker

NODES = 12


def matrix(weighted: bool, seed: int = 3) -> NDArray[np.float64]:
    """A connected symmetric matrix with a hub, a chain and triangles; weights spread over two orders of magnitude."""
    chance = np.random.default_rng(seed)
    upper = np.triu(chance.random((NODES, NODES)) < 0.35, 1)
    upper[0, 1:] = True
    upper[np.arange(NODES - 1), np.arange(1, NODES)] = True
    weights = np.exp(chance.normal(0, 1.5, upper.shape)) if weighted else np.ones(upper.shape)
    dense: NDArray[np.float64] = upper * weights
    return (dense + dense.T).astype(np.float32).astype(np.float64)


def graph_of(dense: NDArray[np.float64], weighted: bool = True) -> ItemGraph:
    rows, columns = np.nonzero(dense)
    starts = np.append(0, np.cumsum(np.bincount(rows, minlength=len(dense))))
    weights = dense[rows, columns].astype(np.float32) if weighted else None
    return ItemGraph(100 + np.arange(len(dense)), starts, columns.astype(np.int32), weights)


def exact(dense: NDArray[np.float64], t: int, v: int, p: float, q: float) -> NDArray[np.float64]:
    """(n,) probabilities of the step after t -> v, as Grover & Leskovec write them."""
    bias = np.where(dense[t] > 0, 1.0, 1 / q)
    bias[t] = 1 / p
    mass = dense[v] * bias
    return mass / mass.sum()


def many_walks(walker: Walker, per_node: int, length: int) -> NDArray[np.int32]:
    nodes = np.tile(np.arange(len(walker.graph.ids), dtype=np.int32), per_node)
    return walker.walk(nodes, np.repeat(np.arange(per_node), len(walker.graph.ids)), length, threads=1)


def distance(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> tuple[float, int]:
    """Pearson's chi-square of one row of counts and its degrees of freedom; impossible steps must not happen."""
    assert counts[expected == 0].sum() == 0
    told = expected > 0
    wanted = expected[told] * counts.sum()
    return float(((counts[told] - wanted) ** 2 / wanted).sum()), int(told.sum()) - 1


def second_steps(walker: Walker) -> NDArray[np.int64]:
    """(n, n, n) how often t -> v -> x was walked."""
    steps = many_walks(walker, per_node=400, length=60)
    counts = np.zeros((NODES, NODES, NODES), dtype=np.int64)
    np.add.at(counts, tuple(np.lib.stride_tricks.sliding_window_view(steps, 3, axis=1).reshape(-1, 3).T), 1)
    return counts


def likelihood(counts: NDArray[np.int64], dense: NDArray[np.float64], p: float, q: float) -> float:
    """How likely so large a deviation of all well-walked pairs is under the exact probabilities."""
    pairs = [(t, v) for t, v in np.argwhere(dense > 0) if counts[t, v].sum() >= 500]
    assert len(pairs) >= 20
    total, freedom = np.sum([distance(counts[t, v], exact(dense, t, v, p, q)) for t, v in pairs], axis=0)
    return float(chi2.sf(total, freedom))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1, 0.5), (0.25, 4), (4, 0.25), (0.25, 1), (3, 1), (0.2, 0.5)])
def test_second_order_steps_have_the_probabilities_of_node2vec(weighted: bool, p: float, q: float) -> None:
    dense = matrix(weighted)
    counts = second_steps(Walker(graph_of(dense, weighted), p, q))
    assert likelihood(counts, dense, p, q) > 1e-4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4), (1, 0.5)])
def test_graphs_too_large_for_a_matrix_of_bits_are_walked_alike(
    monkeypatch: pytest.MonkeyPatch, weighted: bool, p: float, q: float
) -> None:
    graph = graph_of(matrix(weighted), weighted)
    by_bits = many_walks(Walker(graph, p, q), per_node=100, length=40)
    monkeypatch.setattr(walks, "MATRIX_BYTES", 0)
    np.testing.assert_array_equal(many_walks(Walker(graph, p, q), per_node=100, length=40), by_bits)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.5, 2)])
def test_first_steps_and_first_order_walks_go_by_weight(weighted: bool, p: float, q: float) -> None:
    dense = matrix(weighted)
    steps = many_walks(Walker(graph_of(dense, weighted), p, q), per_node=3000, length=20 if p == q else 2)
    pairs = np.lib.stride_tricks.sliding_window_view(steps, 2, axis=1).reshape(-1, 2)
    counts = np.zeros((NODES, NODES), dtype=np.int64)
    np.add.at(counts, tuple(pairs.T), 1)
    total, freedom = np.sum([distance(counts[v], dense[v] / dense[v].sum()) for v in range(NODES)], axis=0)
    assert chi2.sf(total, freedom) > 1e-4


def test_a_wrong_bias_would_be_found() -> None:
    dense = matrix(weighted=True)
    counts = second_steps(Walker(graph_of(dense), 1, 0.5))
    assert likelihood(counts, dense, 1.1, 0.5) < 1e-4
    assert likelihood(counts, dense, 1, 0.55) < 1e-4


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 2)])
def test_walks_depend_on_seed_start_and_number_only(p: float, q: float) -> None:
    graph = graph_of(matrix(weighted=False))
    walker, other = Walker(graph, p, q, seed=7), Walker(graph, p, q, seed=8)
    starts = np.tile(np.arange(NODES, dtype=np.int32), 20)
    numbers = np.repeat(np.arange(20), NODES)
    walked = walker.walk(starts, numbers, 30, threads=1)
    np.testing.assert_array_equal(walker.walk(starts, numbers, 30, threads=3), walked)
    order = np.random.default_rng(1).permutation(len(starts))[:77]
    np.testing.assert_array_equal(Walker(graph, p, q, seed=7).walk(starts[order], numbers[order], 30), walked[order])
    np.testing.assert_array_equal(walker.walk_from_all(5, 30), walked[numbers == 5])
    np.testing.assert_array_equal(walker.walk(starts, numbers, 12), walked[:, :12])
    assert not np.array_equal(other.walk(starts, numbers, 30), walked)
    assert len(np.unique(walked, axis=0)) > 0.99 * len(walked)


def test_short_walks_and_no_walks() -> None:
    walker = Walker(graph_of(matrix(weighted=False), weighted=False), 0.5, 2)
    assert walker.walk_from_all(0, 1).tolist() == [[node] for node in range(NODES)]
    assert walker.walk(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), 5).shape == (0, 5)


def test_an_alias_table_keeps_every_weight() -> None:
    graph = graph_of(matrix(weighted=True, seed=5))
    assert graph.weights is not None
    starts = graph.starts.astype(np.uint64)
    table = walk_kernels.alias_table(starts, graph.neighbours, graph.weights)
    for v in range(NODES):
        mine = slice(graph.starts[v], graph.starts[v + 1])
        shares = table[mine, 0] / 2**32
        mass = shares + np.bincount(table[mine, 3], 1 - shares, len(shares))
        np.testing.assert_allclose(mass / len(shares), graph.weights[mine] / graph.weights[mine].sum(), rtol=1e-5)
        assert table[mine, 1].tolist() == graph.neighbours[mine].tolist()
        assert table[mine, 2].tolist() == graph.neighbours[mine][table[mine, 3]].tolist()


@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, -1), (np.inf, 1), (1, np.nan)])
def test_impossible_parameters_are_refused(p: float, q: float) -> None:
    with pytest.raises(ValueError, match="p and q must be finite and above 0; got"):
        Walker(graph_of(matrix(weighted=False)), p, q)


def test_starts_outside_the_graph_are_refused() -> None:
    walker = Walker(graph_of(matrix(weighted=False)))
    for start in (-1, NODES):
        with pytest.raises(ValueError, match=r"Starts must be nodes 0 … 11"):
            walker.walk(np.array([start], dtype=np.int32), np.array([0]), 5)
    with pytest.raises(ValueError, match="1 walks need as many numbers and a length >= 1; got 2, 5"):
        walker.walk(np.array([0], dtype=np.int32), np.array([0, 1]), 5)
