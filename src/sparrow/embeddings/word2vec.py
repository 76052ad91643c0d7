"""Item2vec: skip-gram with negative sampling over liked sequences.

Barkan & Koenigstein, "Item2Vec: Neural Item Embedding for Collaborative Filtering" (2016, arXiv:1603.04259); Mikolov et al.,
"Distributed Representations of Words and Phrases" (2013). For a movie i and a movie j within `window` places in a person's
sequence it maximises  log s(u_i . v_j) + sum_k log s(-u_i . v_k),  v_k drawn ~ count**exponent.

Departures: the window is wide rather than the whole set, since the order of liking carries taste; vectors are compared by
cosine, as skip-gram norms grow with popularity. Trainer: gensim. More than one worker is faster and not reproducible.
"""

from collections.abc import Callable, Sequence

import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray

from sparrow.config import Item2vec
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable

LONGEST = 10_000
"""gensim drops what a sentence has beyond this many words; a longer history goes in parts."""

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


class _EpochProgress(CallbackAny2Vec):  # type: ignore[misc]
    def __init__(self, epochs: int, progress: Progress) -> None:
        self._done, self._epochs, self._progress = 0, epochs, progress

    def on_epoch_end(self, model: Word2Vec) -> None:  # noqa: ARG002 - gensim's signature
        self._done += 1
        self._progress(self._done, self._epochs)


def train_item2vec(
    sequences: Sequence[NDArray[np.int64]], settings: Item2vec, progress: Progress = lambda _done, _total: None
) -> EmbeddingTable:
    """Train movie vectors.

    Args:
        sequences: per person, (n,) movie ids in time order.
        settings: dimension, window, negatives, epochs, …
        progress: told after each epoch.

    Returns:
        Vectors of every movie liked at least `settings.min_count` times, centred (the mean vector taken out, which is what
        all movies share: popularity and frequency), cosine.

    Raises:
        BuildError: no movie is liked often enough.
    """
    sentences = [
        [str(movie) for movie in sequence[start : start + LONGEST].tolist()]
        for sequence in sequences
        for start in range(0, len(sequence), LONGEST)
    ]
    model = Word2Vec(
        vector_size=settings.dim, window=settings.window, min_count=settings.min_count, sg=1, hs=0,
        negative=settings.negative, ns_exponent=settings.exponent, sample=settings.subsample,
        workers=settings.workers, seed=settings.seed, epochs=settings.epochs,
    )  # fmt: skip
    model.build_vocab(sentences)
    if not len(model.wv):
        raise BuildError(
            f"No movie is liked {settings.min_count} times; lower item2vec.min_count or bring more ratings."
        )
    model.train(
        sentences,
        total_examples=model.corpus_count,
        epochs=settings.epochs,
        callbacks=[_EpochProgress(settings.epochs, progress)],
    )
    ids = np.array([int(word) for word in model.wv.index_to_key], dtype=np.int64)
    order = np.argsort(ids)
    vectors = model.wv.vectors[order].astype(np.float32)
    return EmbeddingTable("item2vec", ids[order], vectors - vectors.mean(axis=0), "cosine")
