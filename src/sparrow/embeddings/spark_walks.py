"""Random walks as Spark jobs: the same compiled loops as `walks`, in the Python workers of a cluster.

A job is a range of (walk number, start node) that the workers cut among themselves; each worker process prepares a `Walker`
once and keeps it. Walks are those of one machine, since their chance hangs on (seed, start node, walk number) alone.

The graph is broadcast, so it must fit each worker process, and so must its walking tables: 64 bytes per edge, 16 where all
weights are alike, and 64 MB; 100 million weighted edges take 6.4 GB. Beyond that lower `reach` or raise `min_count`.
Spark Connect has no broadcasts: there the graph travels with the job, and Spark's limit for one message (128 MB) is the graph's.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pyarrow as pa

from sparrow.config import DeepWalk, Node2vec, Walks
from sparrow.embeddings.graph import ItemGraph
from sparrow.embeddings.spark_word2vec import WORDS, train_on_spark
from sparrow.embeddings.walk_embeddings import check_graph
from sparrow.embeddings.walks import Walker
from sparrow.features.spark_session import pandas_3_is_fine
from sparrow.stores.embedding_table import EmbeddingTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA: Final = "number BIGINT, start INT, walk ARRAY<INT>"
"""Which of its start's walks, the start, and the nodes walked, the start first."""

_WALKERS: dict[str, Walker] = {}
"""The one walker that this worker process keeps, by job."""


class _Broadcast(Protocol):
    """What a worker finds its graph in."""

    @property
    def value(self) -> ItemGraph: ...


@dataclass(frozen=True)
class _Carried:
    """A graph that travels with the job."""

    value: ItemGraph


def walk_on_spark(
    session: "SparkSession", graph: ItemGraph, settings: Walks, p: float, q: float, numbers: range
) -> "DataFrame":
    """Walks `numbers` of every node.

    Args:
        session: as `features.spark_session.open_session` gives it.
        graph: of this process; sent once to each machine.
        settings: length and seed.
        p: return parameter.
        q: in-out parameter.
        numbers: walk numbers, in steps of 1.

    Returns:
        Columns of `SCHEMA`, one row a walk, in no order; walked when asked for, so asking twice walks twice.
    """
    nodes = len(graph.ids)
    walks = session.range(nodes * numbers.start, nodes * numbers.stop)
    walk = _walk_batches(uuid.uuid4().hex, _send(session, graph), settings.length, p, q, settings.seed)
    with pandas_3_is_fine():
        return walks.mapInArrow(walk, SCHEMA)


def train_deepwalk_on_spark(session: "SparkSession", graph: ItemGraph, settings: DeepWalk) -> EmbeddingTable:
    """Walks and vectors made by Spark; of the settings as `spark_word2vec` says."""
    return _train("deepwalk", session, graph, settings, p=1.0, q=1.0)


def train_node2vec_on_spark(session: "SparkSession", graph: ItemGraph, settings: Node2vec) -> EmbeddingTable:
    """Walks and vectors made by Spark; of the settings as `spark_word2vec` says."""
    return _train("node2vec", session, graph, settings, settings.p, settings.q)


def _train(name: str, session: "SparkSession", graph: ItemGraph, settings: Walks, p: float, q: float) -> EmbeddingTable:
    check_graph(graph, name, settings)
    walks = walk_on_spark(session, graph, settings, p, q, range(settings.walks))
    words = _send(session, graph)

    def name_nodes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        names = pa.array(words.value.ids).cast(pa.string())
        for batch in batches:
            walked = batch.column("walk")
            named = pa.ListArray.from_arrays(walked.offsets, names.take(walked.values))
            yield pa.RecordBatch.from_arrays([named], [WORDS])

    with pandas_3_is_fine():
        sentences = walks.mapInArrow(name_nodes, f"{WORDS} ARRAY<STRING>")
    return train_on_spark(name, sentences, settings, min_count=1)


def _walk_batches(
    job: str, graph: _Broadcast, length: int, p: float, q: float, seed: int
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a worker does with its part of the range."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        walker = _walker(job, graph, p, q, seed)
        for batch in batches:
            numbers, starts = np.divmod(batch.column("id").to_numpy(), len(walker.graph.ids))
            walked = walker.walk(starts.astype(np.int32), numbers, length, threads=1)
            rows = pa.FixedSizeListArray.from_arrays(pa.array(walked.ravel()), length).cast(pa.list_(pa.int32()))
            columns = [pa.array(numbers), pa.array(walked[:, 0]), rows]
            yield pa.RecordBatch.from_arrays(columns, ["number", "start", "walk"])

    return run


def _walker(job: str, graph: _Broadcast, p: float, q: float, seed: int) -> Walker:
    if job not in _WALKERS:
        _WALKERS.clear()
        _WALKERS[job] = Walker(graph.value, p, q, seed)
    return _WALKERS[job]


def _send(session: "SparkSession", graph: ItemGraph) -> _Broadcast:
    from pyspark.errors import PySparkAttributeError

    try:
        sent: _Broadcast = session.sparkContext.broadcast(graph)
    except PySparkAttributeError:  # Spark Connect has no contexts
        sent = _Carried(graph)
    return sent
