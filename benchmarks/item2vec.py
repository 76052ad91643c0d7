"""Item2vec against bare gensim at the same settings, and against Spark MLlib's Word2Vec on the same rows and machine.

Bare gensim gets its sentences as ready lists of strings, made before the clock starts; ours starts from arrays of ids and ends
with a checked table. Spark's session is up before its clock starts; MLlib trains by hierarchical softmax, so dimension, window,
passes, partitions and least count are alike and the work per pair is not. Memory is this process's at the most.
"""

import logging
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gensim
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from gensim.models import Word2Vec
from numpy.typing import NDArray

from benchmarks.table import Row, Table
from sparrow.config import Item2vec
from sparrow.embeddings.sequences import liked_sequences
from sparrow.embeddings.word2vec import train_item2vec
from sparrow.errors import BuildError

RUNS: Final = 5
PEOPLE: Final = 2000
LIKES: Final = 100
MOVIES: Final = 5000

SETTINGS: Final = Item2vec(epochs=3)


def run() -> Table:
    """Measure; takes about five minutes."""
    with tempfile.TemporaryDirectory() as name:
        known = _world(Path(name) / "known.parquet")
        _, sequences = liked_sequences(known)
        ours, gensims = _in_turns(lambda: train_item2vec(sequences, SETTINGS), _bare_gensim(sequences))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows = [Row("Item2vec", "s", ours, f"bare gensim {gensim.__version__}", gensims, memory)]
        rows += _spark_row(known, Path(name), ours)
    size = f"{PEOPLE * LIKES} likes of {MOVIES} movies by {PEOPLE} people"
    return Table("item2vec", {"data": size, "settings": SETTINGS.model_dump_json()}, rows)


def _world(path: Path) -> Path:
    """Liked rows with a long tail of popularity and two tastes, in the order of people and time."""
    chance = np.random.default_rng(1)
    share = 1 / np.arange(10, MOVIES // 2 + 10)
    movies = 2 * chance.choice(MOVIES // 2, size=(PEOPLE, LIKES), p=share / share.sum())
    movies += np.arange(PEOPLE)[:, None] % 2
    columns = {
        "userId": np.repeat(np.arange(PEOPLE), LIKES),
        "movieId": movies.ravel(),
        "timestamp": np.tile(np.arange(LIKES), PEOPLE),
        "liked": np.ones(PEOPLE * LIKES, dtype=bool),
    }
    pq.write_table(pa.table(columns), path)
    return path


def _bare_gensim(sequences: list[NDArray[np.int64]]) -> Callable[[], object]:
    sentences = [[str(movie) for movie in sequence.tolist()] for sequence in sequences]
    return lambda: Word2Vec(
        sentences, vector_size=SETTINGS.dim, window=SETTINGS.window, min_count=SETTINGS.min_count, sg=1, hs=0,
        negative=SETTINGS.negative, ns_exponent=SETTINGS.exponent, sample=SETTINGS.subsample,
        workers=SETTINGS.workers, seed=SETTINGS.seed, epochs=SETTINGS.epochs,
    )  # fmt: skip


def _in_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Seconds of each run; they take turns, so that a noisy neighbour disturbs both."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        for place, work in enumerate((one, other)):
            took[place].append(_seconds(work))
    return took


def _spark_row(known: Path, scratch: Path, ours: list[float]) -> list[Row]:
    """Nothing where there is no Spark; it says why."""
    from sparrow.embeddings.spark_word2vec import train_item2vec_on_spark
    from sparrow.features.spark_session import open_session

    try:
        session = open_session("local[*]", scratch)
    except BuildError as error:
        logging.getLogger(__name__).warning("not compared with Spark: %s", error)
        return []
    import pyspark

    session.read.parquet(str(known)).count()
    theirs = [_seconds(lambda: train_item2vec_on_spark(session, known, SETTINGS)) for _ in range(2)]
    session.stop()
    return [Row("Item2vec", "s", ours, f"Spark MLlib {pyspark.__version__}, local[*]", theirs)]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
