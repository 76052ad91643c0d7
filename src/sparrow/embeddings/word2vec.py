"""Skip-gram and CBOW with negative sampling: the one trainer behind Item2vec, DeepWalk and Node2vec.

Mikolov et al., "Distributed Representations of Words and Phrases" (2013). For a movie i and a movie j within `window` places in a
sentence skip-gram maximises  log s(u_i . v_j) + sum_k log s(-u_i . v_k),  v_k drawn ~ count**exponent; CBOW puts the mean of
all u near j in the place of u_i.

Item2vec (Barkan & Koenigstein, "Item2Vec: Neural Item Embedding for Collaborative Filtering", 2016, arXiv:1603.04259) takes each
person's liked movies as a sentence. Departures: the window is wide rather than the whole set, since the order of liking carries
taste; vectors are compared by cosine, as skip-gram norms grow with popularity.

Trainer: gensim. More than one worker is faster and not reproducible. Sentences are made of one string per movie, shared by all
its places, while they are read: what is held is the sequences (8 bytes a like) and the model (8 * dim bytes a movie).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray

from sparrow.config import Item2vec
from sparrow.config import Word2vec as Word2vecSettings
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable

LONGEST: Final = 10_000
"""gensim drops what a sentence has beyond this many words; a longer history goes in parts."""

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


def silent(_done: int, _total: int) -> None:
    """A `Progress` that tells nobody."""


class _EpochProgress(CallbackAny2Vec):  # type: ignore[misc]
    def __init__(self, epochs: int, progress: Progress) -> None:
        self._done, self._epochs, self._progress = 0, epochs, progress

    def on_epoch_end(self, model: Word2Vec) -> None:  # noqa: ARG002 - gensim's signature
        self._done += 1
        self._progress(self._done, self._epochs)


class Sentences:
    """Sequences of raw movie ids as gensim reads them, made anew in each pass."""

    def __init__(self, sequences: Sequence[NDArray[np.int64]]) -> None:
        self._sequences = sequences
        self._words: dict[int, str] = {}

    def __iter__(self) -> Iterator[list[str]]:
        words = self._words
        for sequence in self._sequences:
            for start in range(0, len(sequence), LONGEST):
                yield [words.get(movie) or self._word(movie) for movie in sequence[start : start + LONGEST].tolist()]

    def _word(self, movie: int) -> str:
        return self._words.setdefault(movie, str(movie))


def train_item2vec(
    sequences: Sequence[NDArray[np.int64]], settings: Item2vec, progress: Progress = silent
) -> EmbeddingTable:
    """Train movie vectors on what people liked.

    Args:
        sequences: per person, (n,) movie ids in time order.
        settings: dimension, window, negatives, epochs, …
        progress: told after each epoch.

    Returns:
        Vectors of every movie liked at least `settings.min_count` times, as of `train_word2vec`.

    Raises:
        BuildError: no movie is liked often enough.
    """
    movies, counts = count_movies(sequences)
    enough = counts >= settings.min_count
    if not np.any(enough):
        raise BuildError(
            f"No movie is liked {settings.min_count} times; lower item2vec.min_count or bring more ratings."
        )
    frequencies = dict(zip(movies[enough].tolist(), counts[enough].tolist(), strict=True))
    parts = sum(-(-len(sequence) // LONGEST) for sequence in sequences)
    return train_word2vec("item2vec", Sentences(sequences), parts, frequencies, settings, progress)


def train_word2vec(
    name: str,
    sentences: Iterable[list[str]],
    count: int,
    frequencies: dict[int, int],
    settings: Word2vecSettings,
    progress: Progress = silent,
) -> EmbeddingTable:
    """Train vectors of movies that stand in sentences.

    Args:
        name: of the embedding.
        sentences: words are raw movie ids; read once per epoch, so it must be iterable again and again.
        count: sentences in one pass.
        frequencies: movie id → places in one pass; only these get a vector.
        settings: dimension, window, negatives, epochs, …
        progress: told after each epoch.

    Returns:
        One vector per movie of `frequencies`, centred (the mean vector taken out, which is what all movies share: popularity and
        frequency), cosine.
    """
    model = Word2Vec(
        vector_size=settings.dim, window=settings.window, min_count=1, sg=int(settings.mode == "skip_gram"), hs=0,
        negative=settings.negative, ns_exponent=settings.exponent, sample=settings.subsample,
        workers=settings.workers, seed=settings.seed, epochs=settings.epochs,
    )  # fmt: skip
    model.build_vocab_from_freq({str(movie): times for movie, times in frequencies.items()}, corpus_count=count)
    model.train(
        sentences,
        total_examples=count,
        epochs=settings.epochs,
        callbacks=[_EpochProgress(settings.epochs, progress)],
    )
    ids = np.array([int(word) for word in model.wv.index_to_key], dtype=np.int64)
    return centred(name, ids, model.wv.vectors)


def centred(name: str, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> EmbeddingTable:
    """The table of trained vectors less their mean, by id."""
    order = np.argsort(ids)
    vectors = vectors[order].astype(np.float32)
    return EmbeddingTable(name, ids[order], vectors - vectors.mean(axis=0), "cosine")


def count_movies(sequences: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(movies,) raw ids ascending, and in how many places each stands."""
    flat = np.concatenate([np.empty(0, dtype=np.int64), *sequences])
    movies, counts = np.unique(flat, return_counts=True)
    return movies, counts
