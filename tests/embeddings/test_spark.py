"""Spark against the embedded engine on equal rows: the same walks to the last node, vectors that know the same."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sparrow.config import DeepWalk, Item2vec, Node2vec
from sparrow.embeddings.graph import ItemGraph, build_graph
from sparrow.embeddings.neighbours import nearest
from sparrow.embeddings.sequences import liked_batches, liked_sequences
from sparrow.embeddings.walks import Walker
from sparrow.errors import BuildError
from sparrow.features.spark_session import open_session
from sparrow.stores.embedding_table import EmbeddingTable
from tests.embeddings.likes import known_of, write_known
from tests.worlds import checkerboard, random_world

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.needs("java"), pytest.mark.slow]

ITEM2VEC = Item2vec(dim=8, window=20, epochs=20, min_count=3, workers=1, seed=1)
DEEPWALK = DeepWalk(dim=8, window=5, epochs=5, walks=10, length=12, min_count=1, workers=1)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> "SparkSession":
    """The process's one session: it takes seconds to start, and other rooms' tests go on with it."""
    return open_session("local[2]", tmp_path_factory.mktemp("spark"), memory="1GB")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known_of(checkerboard(), tmp_path_factory.mktemp("known") / "known.parquet")


def parity_is_shared(table: EmbeddingTable) -> float:
    near = nearest(table, k=10)
    return float(np.mean(near.nearest % 2 == near.ids[:, None] % 2))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.5, 2.0)])
def test_walks_are_those_of_one_machine(
    session: "SparkSession", tmp_path: Path, weighted: bool, p: float, q: float
) -> None:
    from sparrow.embeddings.spark_walks import walk_on_spark

    settings = Node2vec(length=9, seed=5, min_count=1, weighted=weighted)
    graph = build_graph(liked_batches(known_of(random_world(), tmp_path / "known.parquet")), settings)
    rows = walk_on_spark(session, graph, settings, p, q, range(3, 6)).collect()
    assert len(rows) == 3 * len(graph.ids)
    walker = Walker(graph, p, q, settings.seed)
    expected = np.stack([walker.walk_from_all(number, settings.length) for number in range(6)])
    for row in rows:
        assert row.walk == expected[row.number, row.start].tolist()
    assert len({(row.number, row.start) for row in rows}) == len(rows)


def test_sequences_grouped_by_spark_are_those_read_here(session: "SparkSession", tmp_path: Path) -> None:
    from sparrow.embeddings.spark_word2vec import SEQUENCES

    known = known_of(random_world(), tmp_path / "known.parquet")
    rows = session.sql(SEQUENCES, known=session.read.parquet(str(known))).collect()
    here = [sequence.tolist() for sequence in liked_sequences(known)[1]]
    assert sorted([int(word) for word in row.words] for row in rows) == sorted(here)


def test_mllib_finds_the_parity(session: "SparkSession", known: Path) -> None:
    from sparrow.embeddings.spark_word2vec import train_item2vec_on_spark

    table = train_item2vec_on_spark(session, known, ITEM2VEC)
    assert (table.name, table.dim, table.similarity) == ("item2vec", 8, "cosine")
    assert table.ids.tolist() == list(range(1, 41))
    np.testing.assert_allclose(table.vectors.mean(axis=0), 0, atol=1e-5)
    assert parity_is_shared(table) >= 0.9


def test_walks_and_training_on_spark_find_the_parity(session: "SparkSession", known: Path) -> None:
    from sparrow.embeddings.spark_walks import train_deepwalk_on_spark, train_node2vec_on_spark

    graph = build_graph(liked_batches(known), DEEPWALK)
    table = train_deepwalk_on_spark(session, graph, DEEPWALK)
    assert (table.name, table.ids.tolist()) == ("deepwalk", graph.ids.tolist())
    assert parity_is_shared(table) >= 0.9
    settings = Node2vec(**DEEPWALK.model_dump(), p=2, q=0.5)
    other = train_node2vec_on_spark(session, graph, settings)
    assert other.name == "node2vec"
    assert parity_is_shared(other) >= 0.9


def test_what_mllib_cannot_do_is_told(session: "SparkSession", known: Path, tmp_path: Path) -> None:
    from sparrow.embeddings.spark_walks import train_deepwalk_on_spark
    from sparrow.embeddings.spark_word2vec import train_item2vec_on_spark

    with pytest.raises(BuildError, match=r"item2vec\.mode is 'cbow', and Spark MLlib trains skip-gram only"):
        train_item2vec_on_spark(session, known, ITEM2VEC.model_copy(update={"mode": "cbow"}))
    few = write_known(tmp_path / "few.parquet", [(1, 2, 3, True), (2, 2, 4, False)])
    with pytest.raises(BuildError, match=r"No movie is liked 3 times; lower item2vec\.min_count"):
        train_item2vec_on_spark(session, few, ITEM2VEC)
    empty = ItemGraph(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), None)
    with pytest.raises(BuildError, match=r"nothing to walk on; lower deepwalk\.min_count"):
        train_deepwalk_on_spark(session, empty, DEEPWALK)
