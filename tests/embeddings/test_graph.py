"""The item graph against pairs counted one by one."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from sparrow.config import DeepWalk
from sparrow.embeddings.graph import DAY, ItemGraph, build_graph
from sparrow.embeddings.sequences import liked_batches
from tests.embeddings.likes import known_of, write_known
from tests.worlds import random_world

Edges = dict[tuple[int, int], float]


def edges_of(graph: ItemGraph) -> Edges:
    rows = np.repeat(np.arange(len(graph.ids)), np.diff(graph.starts))
    weights = np.ones(len(rows)) if graph.weights is None else graph.weights
    ids = graph.ids
    return {(int(ids[a]), int(ids[b])): float(w) for a, b, w in zip(rows, graph.neighbours, weights, strict=True)}


def counted(known: Path, settings: DeepWalk) -> Edges:
    """What the module's docstring says, in plain Python."""
    [likes] = list(liked_batches(known))
    counts: dict[int, int] = defaultdict(int)
    edges: Edges = defaultdict(float)
    for person in range(len(likes.people)):
        mine = range(likes.starts[person], likes.starts[person + 1])
        for a in mine:
            counts[int(likes.movies[a])] += 1
            for b in mine:
                one, other = int(likes.movies[a]), int(likes.movies[b])
                if one != other and abs(a - b) <= settings.reach:
                    days = abs(int(likes.times[a] - likes.times[b])) / DAY
                    edges[one, other] += 2 ** (-days / settings.half_life_days) if settings.half_life_days else 1
    enough = {movie for movie, count in counts.items() if count >= settings.min_count}
    return {
        (one, other): weight / (counts[one] * counts[other]) ** settings.popularity
        for (one, other), weight in edges.items()
        if one in enough and other in enough
    }


@pytest.mark.parametrize(
    "settings",
    [
        DeepWalk(min_count=1, reach=1, popularity=0),
        DeepWalk(min_count=2, reach=4, popularity=0.5),
        DeepWalk(min_count=1, reach=50, popularity=1, half_life_days=0.5),
    ],
)
@pytest.mark.parametrize("rows", [5, 10_000])
def test_weights_are_those_counted_pair_by_pair(tmp_path: Path, settings: DeepWalk, rows: int) -> None:
    known = known_of(random_world(users=60), tmp_path / "known.parquet")
    graph = build_graph(liked_batches(known, rows), settings)
    found, expected = edges_of(graph), counted(known, settings)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[edge] for edge in expected], list(expected.values()), rtol=1e-5)
    for node in range(len(graph.ids)):
        mine = graph.neighbours[graph.starts[node] : graph.starts[node + 1]]
        assert np.all(np.diff(mine) > 0)
    assert all(found[other, one] == weight for (one, other), weight in found.items())


def test_without_weights_the_edges_stay(tmp_path: Path) -> None:
    known = known_of(random_world(), tmp_path / "known.parquet")
    weighted = build_graph(liked_batches(known), DeepWalk(min_count=1))
    plain = build_graph(liked_batches(known), DeepWalk(min_count=1, weighted=False))
    assert plain.weights is None
    assert edges_of(plain).keys() == edges_of(weighted).keys()
    assert weighted.nbytes == plain.nbytes + 4 * len(plain.neighbours)


def test_nothing_liked_gives_an_empty_graph(tmp_path: Path) -> None:
    for name, rows in (("none", []), ("alone", [(1, 2, 3, True), (2, 3, 3, True)]), ("same", [(1, 2, 3, True)] * 2)):
        graph = build_graph(liked_batches(write_known(tmp_path / f"{name}.parquet", rows)), DeepWalk(min_count=1))
        assert (len(graph.ids), graph.starts.tolist(), len(graph.neighbours)) == (0, [0], 0)


def test_a_gap_of_a_lifetime_leaves_an_edge_too_thin_to_keep(tmp_path: Path) -> None:
    rows = [(1, 5, 0, True), (1, 6, 10**9, True), (2, 5, 0, True), (2, 7, 1, True)]
    known = write_known(tmp_path / "known.parquet", rows)
    graph = build_graph(liked_batches(known), DeepWalk(min_count=1, half_life_days=1))
    assert graph.ids.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("starts", "neighbours", "weights", "words"),
    [
        ([0, 1, 1], [1], None, "no node without an edge"),
        ([0, 1], [1], None, "A graph of 2 nodes needs one start a node"),
        ([0, 1, 2], [1], None, "starts tell of 2 entries; got 1"),
        ([0, 1, 2], [1, 0], [1.0, 0.0], "one weight above 0"),
    ],
)
def test_graphs_that_cannot_be_walked_are_refused(
    starts: list[int], neighbours: list[int], weights: list[float] | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ItemGraph(
            np.array([4, 5]),
            np.array(starts),
            np.array(neighbours, dtype=np.int32),
            None if weights is None else np.array(weights, dtype=np.float32),
        )
