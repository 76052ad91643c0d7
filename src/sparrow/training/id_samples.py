"""The epochs an id model such as NeuralCF learns from, out of the `choice` and `liking` sample sets.

Positives keep, negatives are drawn anew each epoch, as He et al. (2017) publish it; liked and disliked ratings train the
second head in the same pass. A small share of ids becomes "unknown" in each epoch, so that the unknown rows learn what a
typical stranger chooses instead of staying noise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import Samples
from sparrow.features.encoding import UNKNOWN_ROW, EncodingSpec, Vocabulary
from sparrow.features.samples import NegativeSampler
from sparrow.models.neural_cf import CHOICE, LIKING
from sparrow.schema import Columns
from sparrow.training.fit import Epoch

UNKNOWN_SHARE: Final = 0.02
"""Ids per epoch and input that are shown to the network as unknown."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Some sample rows: (n,) user ids, movie ids and 0/1 labels, in step."""

    users: Ids
    movies: Ids
    labels: NDArray[np.float32]

    @classmethod
    def read(cls, samples: Path, filters: list[tuple[str, str, object]] | None = None) -> "Rows":
        """The rows of one sample set that pass pyarrow `filters`, in one fixed order (engines promise none)."""
        table = pq.read_table(samples, columns=[Columns.USER, Columns.MOVIE, "label"], filters=filters)
        users, movies = (table[name].to_numpy().astype(np.int64) for name in (Columns.USER, Columns.MOVIE))
        labels = table["label"].to_numpy().astype(np.float32)
        order = np.lexsort((labels, movies, users))
        return cls(users[order], movies[order], labels[order])


class IdEpochs:
    """An `EpochSource` over fixed positives and liking rows with fresh negatives."""

    def __init__(self, positives: Rows, liking: Rows, settings: Samples) -> None:
        self.positives, self._liking, self._settings = positives, liking, settings
        self._sampler = NegativeSampler(positives.users, positives.movies, settings.exponent)
        self.spec = EncodingSpec(
            {
                Columns.USER: Vocabulary(np.unique(positives.users)),
                Columns.MOVIE: Vocabulary(np.unique(positives.movies)),
            }
        )

    def __call__(self, number: int) -> Epoch:
        """Epoch `number`: positives, their negatives, and the liking rows; each block trains its own head."""
        rng = np.random.default_rng((self._settings.seed, number))
        users, movies, labels = self._choice(rng)
        chosen, liked = len(users), len(self._liking.users)
        inputs = {
            Columns.USER: np.concatenate([users, self._liking.users]),
            Columns.MOVIE: np.concatenate([movies, self._liking.movies]),
        }
        rows = {name: _forget(rows, rng) for name, rows in self.spec.encode_ids(inputs).items()}
        return Epoch(
            inputs=rows,
            labels={CHOICE: _pad(labels, 0, liked), LIKING: _pad(self._liking.labels, chosen, 0)},
            weights={CHOICE: _block(1, 0, chosen, liked), LIKING: _block(0, 1, chosen, liked)},
        )

    def _choice(self, rng: np.random.Generator) -> tuple[Ids, Ids, NDArray[np.float32]]:
        users = np.repeat(self.positives.users, self._settings.negatives)
        drawn, unseen = self._sampler.draw(users, rng)
        labels = np.repeat(np.array([1, 0], np.float32), [len(self.positives.users), int(unseen.sum())])
        return (
            np.concatenate([self.positives.users, users[unseen]]),
            np.concatenate([self.positives.movies, drawn[unseen]]),
            labels,
        )


def _forget(rows: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    return np.where(rng.random(len(rows)) < UNKNOWN_SHARE, np.int32(UNKNOWN_ROW), rows)


def _pad(values: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    return np.pad(values, (before, after)).reshape(-1, 1)


def _block(first: float, second: float, chosen: int, liked: int) -> NDArray[np.float32]:
    return np.repeat(np.array([first, second], np.float32), [chosen, liked])
