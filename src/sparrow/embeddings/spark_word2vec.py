"""Item2vec by Spark MLlib: the trainer of the Spark engine.

`pyspark.ml.feature.Word2Vec` is skip-gram with hierarchical softmax, so of the settings it takes dim, window, epochs, min_count,
seed and workers (as partitions, whose vectors are summed after each epoch: more is faster and a little less exact); negative,
exponent and subsample belong to negative sampling and mean nothing to it. Sentences are grouped and stay in Spark; the driver
holds the vectors (MLlib needs movies * dim below 2**28) and reads them back partition by partition.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sparrow.config import Item2vec, Word2vec
from sparrow.embeddings.word2vec import LONGEST, centred
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)

WORDS: Final = "words"
"""The column of sentences: arrays of raw movie ids as strings."""

SEQUENCES: Final = """
    SELECT transform(array_sort(collect_list(struct(timestamp, movieId))), like -> CAST(like.movieId AS STRING)) AS words
    FROM {known} WHERE liked GROUP BY userId
"""
"""Each person's likes, oldest first, simultaneous ones by movie id, as in `sequences`."""


def train_item2vec_on_spark(session: "SparkSession", known: Path, settings: Item2vec) -> EmbeddingTable:
    """Train movie vectors on what people liked, grouped and trained by Spark.

    Args:
        session: as `features.spark_session.open_session` gives it.
        known: Parquet file or folder with userId, movieId, timestamp, liked, where driver and workers can read it.
        settings: see above for those that MLlib knows.

    Returns:
        Vectors of every movie liked at least `settings.min_count` times, centred, cosine.

    Raises:
        BuildError: no movie is liked often enough, or CBOW is asked for.
    """
    rows = session.read.parquet(str(known.resolve()))
    if rows.where("liked").groupBy("movieId").count().where(f"count >= {settings.min_count}").isEmpty():
        raise BuildError(
            f"No movie is liked {settings.min_count} times; lower item2vec.min_count or bring more ratings."
        )
    return train_on_spark("item2vec", session.sql(SEQUENCES, known=rows), settings, settings.min_count)


def train_on_spark(name: str, sentences: "DataFrame", settings: Word2vec, min_count: int) -> EmbeddingTable:
    """Train vectors of movies that stand in sentences.

    Args:
        name: of the embedding, which is its settings section too.
        sentences: column `words`.
        settings: see above for those that MLlib knows.
        min_count: places that a movie needs to get a vector.

    Raises:
        BuildError: CBOW is asked for.
    """
    from pyspark.ml.feature import Word2Vec

    if settings.mode != "skip_gram":
        raise BuildError(
            f"{name}.mode is {settings.mode!r}, and Spark MLlib trains skip-gram only; "
            "set it to 'skip_gram' or use --engine duckdb."
        )
    log.info("%s: Spark MLlib trains by hierarchical softmax; negative, exponent and subsample are not used", name)
    trainer = Word2Vec(
        vectorSize=settings.dim, windowSize=settings.window, maxIter=settings.epochs, minCount=min_count,
        numPartitions=settings.workers, seed=settings.seed, maxSentenceLength=LONGEST, inputCol=WORDS, outputCol="unused",
    )  # fmt: skip
    return _read_back(name, trainer.fit(sentences).getVectors(), settings.dim)


def _read_back(name: str, rows: "DataFrame", dim: int) -> EmbeddingTable:
    """The trained vectors, one partition of them in flight at a time."""
    ids, vectors = [], []
    for row in rows.toLocalIterator():
        ids.append(int(row.word))
        vectors.append(row.vector.toArray().astype(np.float32))
    return centred(name, np.array(ids, dtype=np.int64), np.array(vectors, dtype=np.float32).reshape(len(ids), dim))
