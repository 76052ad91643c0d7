"""What stops training early: how well the network ranks what people did next, for a sample of people that stays the same."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sparrow.features.encoding import FIRST_ROW
from sparrow.schema import Columns
from sparrow.training.id_samples import Ids, IdSamples

Merit = Callable[[Sequence[Ids], Sequence[Ids]], float]
"""A ranked list of movie ids per person, and the movie ids that count as hits → a figure, higher is better."""

FEWEST_PEOPLE: Final = 300
MOST_PEOPLE: Final = 2_000
"""People asked, as far as there are so many."""

SCORES_PER_TRAINED_ROW: Final = 0.5
"""Between those bounds a validation scores half as many rows as an epoch trains; a score costs a fifth of a trained row."""

ROWS_AT_ONCE: Final = 2**16
"""Scored in one step; bounds the memory of a validation whatever the catalogue."""


class RankingValidation:
    """Full ranking of all movies a person has not chosen, by one head of an id model; a `Validate` for `fit`."""

    def __init__(
        self, samples: IdSamples, held_out: tuple[Ids, Ids], head: str, merit: Merit, length: int = 10, seed: int = 1
    ) -> None:
        """Prepare the sample of people.

        Args:
            samples: what the network learns from; its people and movies are ranked.
            held_out: (rows,) raw user and movie ids of what people did next.
            head: the output that ranks.
            merit: what a set of lists is worth.
            length: places of a list.
            seed: of the choice of people.
        """
        self._samples, self._head, self._merit, self._length = samples, head, merit, length
        self._movies = samples.spec.vocabularies[Columns.MOVIE].ids
        self._relevant = self._sample(*held_out, np.random.default_rng(seed))

    def __bool__(self) -> bool:
        """Whether anyone has held-out rows."""
        return bool(self._relevant)

    def __call__(self, network: keras.Model) -> float:
        score = self._scorer(network)
        lists = [self._list(user, score) for user in self._relevant]
        return self._merit(lists, list(self._relevant.values()))

    def _sample(self, users: Ids, movies: Ids, rng: np.random.Generator) -> dict[int, Ids]:
        """Dense user → raw ids of their held-out movies, for a sample of the known people."""
        vocabulary = self._samples.spec.vocabularies[Columns.USER]
        known = np.intersect1d(vocabulary.ids, users)
        affordable = int(SCORES_PER_TRAINED_ROW * self._samples.rows) // len(self._movies)
        people = rng.permutation(known)[: min(MOST_PEOPLE, max(FEWEST_PEOPLE, affordable))]
        order = np.argsort(users, kind="stable")
        users, movies = users[order], movies[order]
        starts, ends = np.searchsorted(users, people), np.searchsorted(users, people, side="right")
        rows = vocabulary.encode(people).tolist()
        return {row: movies[start:end] for row, start, end in zip(rows, starts, ends, strict=True)}

    def _scorer(self, network: keras.Model) -> Callable[[int], NDArray[np.float32]]:
        """A dense user → (movies,) logits."""
        shape = tf.TensorSpec([None], tf.int32)

        @tf.function(input_signature=[shape, shape])  # type: ignore[untyped-decorator]
        def infer(users: Any, movies: Any) -> Any:
            return network({Columns.USER: users, Columns.MOVIE: movies}, training=False)[self._head][:, 0]

        rows = np.arange(FIRST_ROW, FIRST_ROW + len(self._movies), dtype=np.int32)
        blocks = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]
        return lambda user: np.concatenate([infer(np.full(len(block), user, np.int32), block) for block in blocks])

    def _list(self, user: int, score: Callable[[int], NDArray[np.float32]]) -> Ids:
        """(<= length,) raw ids of the best movies the person has not chosen, ties to the smaller id."""
        scores = score(user)
        scores[self._samples.sampler.seen.movies_of(user) - FIRST_ROW] = -np.inf
        best = np.argsort(-scores, kind="stable")[: self._length]
        return self._movies[best[scores[best] > -np.inf]]
