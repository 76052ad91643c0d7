"""A recommender from interactions alone: one of the models whose choice is an inner product, trained on sequences.

Of at most a third of the people, and at most `MOST_PEOPLE`, the newest movie is held back: how well it is ranked stops the
training. The others' newest movies are learnt from, and nothing is fitted twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from sparrow.config import Trained
from sparrow.errors import BuildError
from sparrow.features.encoding import FIRST_ROW, PAD_ROW, EncodingSpec, Vocabulary
from sparrow.features.histories import Ordered
from sparrow.features.inputs import RATED
from sparrow.models import Architecture
from sparrow.models.network import Network, Towers
from sparrow.schema import Columns
from sparrow.training.fit import Curve, Progress, Schedule, fit
from sparrow.training.in_batch_samples import PrefixSamples
from sparrow.training.quiet import native_chatter_hidden
from sparrow.training.sequence_samples import Sequences, SequenceSamples

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]

MOST_PEOPLE: Final = 2_000
UNKNOWN_SHARE: Final = 0.02
"""Known movies that are shown as unknown in training."""

AT_ONCE: Final = 512
"""People whose vectors are computed in one step."""


@dataclass(frozen=True)
class VectorRecommender:
    """A trained network, asked with sequences.

    Attributes:
        towers: its two sides.
        length: newest movies that are read.
        movies: how many there are; dense rows start at `FIRST_ROW`.
        curve: of its training.
    """

    towers: Towers
    length: int
    movies: int
    curve: Curve

    def scores(self, histories: Ordered) -> Floats:
        """(people, movies) logits of choice, for people of any number of movies.

        Args:
            histories: dense rows, oldest first.
        """
        return _scores(self.towers, histories, self.length, self.movies)


def fit_recommender(
    architecture: Architecture,
    settings: Trained,
    name: str,
    sequences: Sequences,
    ids: Ids,
    length: int,
    progress: Progress = lambda _done, _total: None,
) -> VectorRecommender:
    """Train on everyone's sequence.

    Args:
        architecture: one with towers.
        settings: its section.
        name: of the section.
        sequences: over rows of `ids`.
        ids: (movies,) raw ids, ascending.
        length: newest movies that are read.
        progress: told (epochs done, epochs at most).

    Raises:
        BuildError: nobody has three movies.
    """
    people = _held_back(sequences.counts, settings.seed)
    if not len(people):
        raise BuildError(f"{name} needs people with three movies in a row; nobody has more than two.")
    spec = EncodingSpec({RATED: Vocabulary(ids, length), Columns.MOVIE: Vocabulary(ids)})
    made: list[Network] = []

    def build() -> Network:
        made.append(architecture.build(spec, settings))
        return made[-1]

    samples = SequenceSamples if architecture.learns == "sequences" else PrefixSamples
    source = samples(spec, _without_newest(sequences, people), UNKNOWN_SHARE, settings.seed)
    figure = _figure(sequences.movies, people, length, len(ids))
    with native_chatter_hidden():
        _, curve = fit(build, source, Schedule.of(settings, name), lambda _: figure(made[-1]), progress)
    towers = made[-1].towers
    assert towers is not None
    return VectorRecommender(towers, length, len(ids), curve)


def _held_back(counts: Ids, seed: int) -> Ids:
    able = np.flatnonzero(counts >= 3)
    chosen = np.random.default_rng(seed).permutation(able)[: min(MOST_PEOPLE, -(-len(able) // 3))]
    return np.sort(chosen)


def _without_newest(sequences: Sequences, people: Ids) -> Sequences:
    """What is left when the newest movie of these people is taken away."""
    starts = sequences.movies.starts
    stays = np.ones(len(sequences.movies.values), np.bool_)
    stays[starts[people + 1] - 1] = False
    shorter = starts - np.searchsorted(people, np.arange(len(starts)))
    liked = None if sequences.liked is None else sequences.liked.values[stays].astype(np.bool_)
    return Sequences.of(shorter, sequences.movies.values[stays], liked)


def _figure(movies: Ordered, people: Ids, length: int, size: int) -> Callable[[Network], float]:
    """A network → nDCG of these people's newest movie in the list of all movies they had not met."""
    ends = movies.starts[people + 1] - 1
    wanted = movies.values[ends].astype(np.int64) - FIRST_ROW
    parts = [movies.values[start:end] for start, end in zip(movies.starts[people], ends, strict=True)]
    histories = Ordered(np.concatenate(([0], np.cumsum([len(part) for part in parts]))), np.concatenate(parts))

    def figure(network: Network) -> float:
        assert network.towers is not None
        scores = _scores(network.towers, histories, length, size)
        own = np.take_along_axis(scores, wanted[:, None], axis=1)
        met = np.repeat(np.arange(len(people)), np.diff(histories.starts))
        scores[met, histories.values.astype(np.int64) - FIRST_ROW] = -np.inf
        return float(np.mean(1 / np.log2((scores > own).sum(axis=1) + 2)))

    return figure


def _scores(towers: Towers, histories: Ordered, length: int, size: int) -> Floats:
    people = np.arange(len(histories.starts) - 1)
    rows = histories.before(people, np.diff(histories.starts), length, PAD_ROW).astype(np.int32)
    movies = _vectors(towers.movie, Columns.MOVIE, np.arange(FIRST_ROW, FIRST_ROW + size, dtype=np.int32))
    return np.asarray(_vectors(towers.person, RATED, rows) @ movies.T, dtype=np.float32)


def _vectors(tower: keras.Model, name: str, rows: NDArray[np.int32]) -> Floats:
    return np.asarray(tower.predict({name: rows}, batch_size=AT_ONCE, verbose=0), dtype=np.float32)
