"""What stops training early: how well the network ranks what people did next, for a sample of people that stays the same; and,
of a network whose liking is no afterthought, how well it tells what they liked of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sparrow.features.encoding import Rows

Ids = NDArray[np.int64]

Merit = Callable[[Sequence[Ids], Sequence[Ids]], float]
"""A ranked list of movie ids per person, and the movie ids that count as hits → a figure, higher is better."""

FEWEST_PEOPLE: Final = 300
MOST_PEOPLE: Final = 2_000
"""People asked, as far as there are so many."""

SCORES_PER_TRAINED_ROW: Final = 0.5
"""Between those bounds a validation scores half as many rows as an epoch trains; a score costs a fifth of a trained row."""

ROWS_AT_ONCE: Final = 2**16
"""Scored in one step; bounds the memory of a validation whatever the catalogue."""

SCORES_AT_ONCE: Final = 2**22
"""Of how many people a call of the graph tells the scores: as many as need 16 MiB."""


@dataclass(frozen=True)
class Asked:
    """One person of a validation.

    Attributes:
        inputs: what describes them, (1,) or (1, length) rows each.
        seen: places of movies among the candidates that are not to be listed.
        relevant: raw ids of what they did next.
    """

    inputs: Mapping[str, Rows]
    seen: NDArray[np.integer]
    relevant: Ids


Scorer = Callable[[Sequence[Asked]], NDArray[np.float32]]
"""n people → (n, m) logits of the candidates."""


@dataclass(frozen=True)
class Candidates:
    """What is ranked: (m,) raw ids, and their inputs, (m,) or (m, length) rows each."""

    ids: Ids
    inputs: Mapping[str, Rows]


def sample_people(people: Ids, trained_rows: int, candidates: int, seed: int = 1) -> Ids:
    """Those of some people whom a validation can afford to ask.

    Args:
        people: (n,) unique.
        trained_rows: of an epoch.
        candidates: movies ranked for each.
        seed: of the choice.
    """
    affordable = int(SCORES_PER_TRAINED_ROW * trained_rows) // max(candidates, 1)
    chosen = np.random.default_rng(seed).permutation(people)
    return chosen[: min(MOST_PEOPLE, max(FEWEST_PEOPLE, affordable))]


class RankingValidation:
    """Full ranking of all candidates a person has not seen, by one head of a network; a `Validate` for `fit`."""

    def __init__(
        self, people: Sequence[Asked], candidates: Candidates, head: str, merit: Merit, length: int = 10
    ) -> None:
        """
        Args:
            people: whom to ask.
            candidates: what is ranked.
            head: the output that ranks.
            merit: what a set of lists is worth.
            length: places of a list.
        """
        self._people, self._candidates = people, candidates
        self._head, self._merit, self._length = head, merit, length
        self._compiled: tuple[keras.Model, Scorer] | None = None

    def __call__(self, network: keras.Model) -> float:
        # Compiled once, not once an epoch: that took a third of the time of a small fit.
        if self._compiled is None or self._compiled[0] is not network:
            self._compiled = network, self._scorer(network)
        score, at_once = self._compiled[1], max(1, SCORES_AT_ONCE // len(self._candidates.ids))
        lists: list[Ids] = []
        for start in range(0, len(self._people), at_once):
            people = self._people[start : start + at_once]
            lists += [self._list(one, scores) for one, scores in zip(people, score(people), strict=True)]
        return self._merit(lists, [one.relevant for one in self._people])

    def _scorer(self, network: keras.Model) -> Scorer:
        """The people one after another inside one graph: a call from Python for each took ten times as long as its sums."""
        taken = [one.name for one in network.inputs]
        movies, first = self._candidates.inputs, self._people[0].inputs
        specs = {name: tf.TensorSpec([None, *first[name].shape], tf.int32) for name in taken if name in first}
        blocks = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(self._candidates.ids), ROWS_AT_ONCE)]
        held = [{name: tf.constant(movies[name][block]) for name in taken if name in movies} for block in blocks]

        @tf.function(input_signature=[specs])  # type: ignore[untyped-decorator]
        def infer(people: Any) -> Any:
            def one(person: Any) -> Any:
                told = [network(person | block, training=False)[self._head][:, 0] for block in held]
                return tf.cast(tf.concat(told, 0), tf.float32)

            return tf.map_fn(one, people, fn_output_signature=tf.TensorSpec([None], tf.float32))

        def score(people: Sequence[Asked]) -> NDArray[np.float32]:
            asked = {name: tf.constant(np.stack([one.inputs[name] for one in people])) for name in specs}
            return np.array(infer(asked))

        return score

    def _list(self, one: Asked, scores: NDArray[np.float32]) -> Ids:
        """(<= length,) raw ids of the best candidates they have not seen, ties to the smaller id."""
        scores[one.seen] = -np.inf
        best = np.argsort(-scores, kind="stable")[: self._length]
        return self._candidates.ids[best[scores[best] > -np.inf]]


class BothHeads:
    """A `Validate` for `fit`: the ranking's figure and the liking's.

    nDCG@10 and AUC move by the same few hundredths from epoch to epoch, so neither drowns the other. Choice alone is at its
    best while the liking head has hardly begun: DIN stopped after one epoch, at an AUC of .70 in place of .76.
    """

    def __init__(
        self,
        ranking: Callable[[keras.Model], float],
        head: str,
        inputs: Mapping[str, Rows],
        labels: NDArray[np.integer],
        merit: Callable[[NDArray[np.floating], NDArray[np.integer]], float],
    ) -> None:
        """
        Args:
            ranking: figure of the head that ranks.
            head: the other one.
            inputs: of (n,) rated rows.
            labels: (n,) 0 or 1, both present.
            merit: scores and labels → a figure, higher is better.
        """
        self._ranking, self._head = ranking, head
        self._inputs, self._labels, self._merit = inputs, labels, merit

    def __call__(self, network: keras.Model) -> tuple[float, float]:
        taken = {one.name: self._inputs[one.name] for one in network.inputs}
        told = network.predict(taken, batch_size=ROWS_AT_ONCE, verbose=0)[self._head].reshape(-1)
        return self._ranking(network), self._merit(told.astype(np.float64), self._labels)
