"""Each model of `BUILDERS`, trained on the checkerboard in memory."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparrow.config import NeuralCF, Samples
from sparrow.models import BUILDERS
from sparrow.schema import LIKED_RATING, Columns
from sparrow.training.fit import Curve, Schedule, fit
from sparrow.training.id_samples import IdEpochs, Rows
from tests.worlds import checkerboard

SETTINGS = {"neural_cf": NeuralCF(dim=8, hidden=(16, 8), dropout=0.1, embedding_dropout=0.1)}
"""Small settings by model; a new model needs a line here."""

SCHEDULE = Schedule(epochs=12, batch=256, learning_rate=0.01, weight_decay=1e-6, patience=3, seed=1)

Ids = NDArray[np.int64]


def board_rows(with_ratings_below: float = 6.0) -> Rows:
    """The checkerboard's rows, labelled by liking."""
    ratings = [rating for rating in checkerboard().ratings if rating.score < with_ratings_below]
    users, movies = (np.array([getattr(r, name) for r in ratings], dtype=np.int64) for name in ("user_id", "movie_id"))
    return Rows(users, movies, np.array([r.score >= LIKED_RATING for r in ratings], np.float32))


def liked_rows() -> Rows:
    """Only what people liked: the positives of choosing, a noiseless checkerboard."""
    rows = board_rows()
    liked = rows.labels == 1
    return Rows(rows.users[liked], rows.movies[liked], rows.labels[liked])


def make_source() -> IdEpochs:
    return IdEpochs(liked_rows(), board_rows(), Samples(negatives=4))


@dataclass(frozen=True)
class Trained:
    """A network with what it learned from."""

    name: str
    network: Any
    source: IdEpochs
    curve: Curve

    def score(self, users: Ids, movies: Ids, head: str) -> NDArray[np.float64]:
        """(n,) chances of one head for raw ids."""
        rows = self.source.spec.encode_ids({Columns.USER: users, Columns.MOVIE: movies})
        logits = np.asarray(self.network.predict_on_batch(rows)[head], dtype=np.float64).reshape(-1)
        return 1 / (1 + np.exp(-logits))


def train(name: str, **changes: Any) -> Trained:
    source = make_source()
    network, curve = fit(
        lambda: BUILDERS[name](source.spec, SETTINGS[name]), source, replace(SCHEDULE, **changes)
    )  # fmt: skip
    return Trained(name, network, source, curve)
