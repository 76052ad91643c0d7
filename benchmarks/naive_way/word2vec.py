"""Item2vec three ways over the same liked sequences: `python -m benchmarks.naive_way.word2vec WHO KNOWN SETTINGS`.

WHO is `ours`, `gensim` (the same trainer called bare) or `spark` (MLlib's Word2Vec on local[2], as a Spark pipeline runs it);
KNOWN is the Parquet of a fit's rows; SETTINGS is JSON. Prints the seconds from sequences in memory to vectors in memory.
MLlib knows skip-gram with hierarchical softmax only: window, width, epochs and least count are the same, negatives are not.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Sequences = list[NDArray[np.int64]]

LONGEST: Final = 10_000


def main(who: str, known: Path, settings: dict[str, Any]) -> None:
    """Train once and print {"seconds", "movies"}."""
    from sparrow.embeddings.sequences import liked_sequences

    _, sequences = liked_sequences(known)
    seconds, movies = TRAINERS[who](sequences, settings)
    print(json.dumps({"seconds": seconds, "movies": movies}))


def _words(sequences: Sequences) -> list[list[str]]:
    return [[str(movie) for movie in sequence.tolist()] for sequence in sequences]


def train_ours(sequences: Sequences, settings: dict[str, Any]) -> tuple[float, int]:
    """Sparrow's `train_item2vec`."""
    from sparrow.config import Item2vec
    from sparrow.embeddings.word2vec import train_item2vec

    began = time.perf_counter()
    table = train_item2vec(sequences, Item2vec(**settings))
    return time.perf_counter() - began, len(table.ids)


def train_gensim(sequences: Sequences, settings: dict[str, Any]) -> tuple[float, int]:
    """gensim, fed lists of words."""
    from gensim.models import Word2Vec

    began = time.perf_counter()
    model = Word2Vec(
        _words(sequences), vector_size=settings["dim"], window=settings["window"], min_count=settings["min_count"], sg=1, hs=0,
        negative=settings["negative"], ns_exponent=settings["exponent"], sample=settings["subsample"],
        workers=settings["workers"], seed=settings["seed"], epochs=settings["epochs"],
    )  # fmt: skip
    return time.perf_counter() - began, len(model.wv)


def train_spark(sequences: Sequences, settings: dict[str, Any]) -> tuple[float, int]:
    """Spark MLlib; the session is up and the rows are cached before the clock starts."""
    from pyspark.ml.feature import Word2Vec
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]").config("spark.driver.memory", "8g").config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR").getOrCreate()
    )  # fmt: skip
    rows = (
        session.createDataFrame([(words,) for words in _words(sequences)], "words array<string>").repartition(2).cache()
    )
    rows.count()
    trainer = Word2Vec(
        vectorSize=settings["dim"], windowSize=settings["window"], minCount=settings["min_count"], maxIter=settings["epochs"],
        numPartitions=2, maxSentenceLength=LONGEST, seed=settings["seed"], inputCol="words", outputCol="vector",
    )  # fmt: skip
    began = time.perf_counter()
    movies = trainer.fit(rows).getVectors().count()
    seconds = time.perf_counter() - began
    session.stop()
    return seconds, movies


TRAINERS: Final[dict[str, Callable[[Sequences, dict[str, Any]], tuple[float, int]]]] = {
    "ours": train_ours,
    "gensim": train_gensim,
    "spark": train_spark,
}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
