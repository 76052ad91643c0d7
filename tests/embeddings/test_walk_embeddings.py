"""DeepWalk and Node2vec in the checkerboard world: movies of one parity are liked together, so they must lie together."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.config import DeepWalk, Node2vec
from sparrow.embeddings.graph import ItemGraph, build_graph
from sparrow.embeddings.neighbours import nearest
from sparrow.embeddings.sequences import liked_batches
from sparrow.embeddings.walk_embeddings import train_deepwalk, train_node2vec
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable
from tests.embeddings.likes import known_of
from tests.worlds import checkerboard

DEEPWALK = DeepWalk(dim=16, window=5, epochs=3, walks=10, length=15, min_count=1, workers=1)
NODE2VEC = Node2vec(**DEEPWALK.model_dump(), p=2, q=0.5)


@pytest.fixture
def graph(tmp_path: Path) -> ItemGraph:
    return build_graph(liked_batches(known_of(checkerboard(), tmp_path / "known.parquet")), DEEPWALK)


def check_parity(table: EmbeddingTable, name: str) -> None:
    assert (table.name, table.dim, table.similarity) == (name, 16, "cosine")
    assert table.ids.tolist() == list(range(1, 41))
    near = nearest(table, k=10)
    assert np.mean(near.nearest % 2 == near.ids[:, None] % 2) >= 0.98
    np.testing.assert_allclose(table.vectors.mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("mode", ["skip_gram", "cbow"])
def test_neighbours_share_the_parity(graph: ItemGraph, mode: str) -> None:
    check_parity(train_deepwalk(graph, DEEPWALK.model_copy(update={"mode": mode})), "deepwalk")
    check_parity(train_node2vec(graph, NODE2VEC.model_copy(update={"mode": mode})), "node2vec")


def test_one_worker_and_one_seed_give_the_same_vectors_again(graph: ItemGraph) -> None:
    quick = NODE2VEC.model_copy(update={"epochs": 1, "walks": 2})
    first, again = train_node2vec(graph, quick), train_node2vec(graph, quick)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    for changed in ({"seed": 2}, {"p": 0.1}, {"walks": 3}):
        other = train_node2vec(graph, quick.model_copy(update=changed))
        assert not np.array_equal(first.vectors, other.vectors), changed


def test_progress_is_told_after_every_epoch(graph: ItemGraph) -> None:
    told: list[tuple[int, int]] = []
    train_deepwalk(graph, DEEPWALK, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_an_empty_graph_is_told_with_its_cure() -> None:
    empty = ItemGraph(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), None)
    with pytest.raises(BuildError, match=r"liked 1 times .* lower deepwalk\.min_count, raise deepwalk\.reach"):
        train_deepwalk(empty, DEEPWALK)
    with pytest.raises(BuildError, match=r"node2vec\.reach"):
        train_node2vec(empty, NODE2VEC)
