"""Each model of `BUILDERS`, trained on the checkerboard, its sample sets streamed from disk as in a build."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import NeuralCF, Samples
from sparrow.models import BUILDERS
from sparrow.schema import LIKED_RATING, Columns
from sparrow.training.fit import Curve, Schedule, fit
from sparrow.training.id_samples import COLUMNS, IdSamples
from sparrow.training.sample_files import SampleFiles
from tests.worlds import checkerboard

SETTINGS = {"neural_cf": NeuralCF(dim=8, hidden=(16, 8), dropout=0.1, embedding_dropout=0.1)}
"""Small settings by model; a new model needs a line here."""

SCHEDULE = Schedule(epochs=12, batch=256, learning_rate=0.01, weight_decay=1e-6, patience=3, seed=1)

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Some sample rows: (n,) raw ids, seconds and 0/1 labels, in step."""

    users: Ids
    movies: Ids
    times: Ids
    labels: NDArray[np.int8]

    def take(self, rows: NDArray[Any]) -> "Rows":
        return Rows(self.users[rows], self.movies[rows], self.times[rows], self.labels[rows])

    def pairs(self) -> set[tuple[int, int]]:
        return set(zip(self.users.tolist(), self.movies.tolist(), strict=True))


def board_rows() -> Rows:
    """The checkerboard's rows, labelled by liking."""
    ratings = checkerboard().ratings
    users, movies, times = (
        np.array([getattr(r, name) for r in ratings], dtype=np.int64) for name in ("user_id", "movie_id", "timestamp")
    )
    return Rows(users, movies, times, np.array([r.score >= LIKED_RATING for r in ratings], np.int8))


def liked_rows() -> Rows:
    """Only what people liked: the positives of choosing, a noiseless checkerboard."""
    rows = board_rows()
    return rows.take(rows.labels == 1)


def write_rows(path: Path, parts: Sequence[Rows]) -> SampleFiles:
    """A sample set of these parts (a folder), or a single file if there is one part only."""
    if len(parts) > 1:
        path.mkdir()
    for place, rows in enumerate(parts):
        columns = (rows.users, rows.movies, rows.times, rows.labels)
        table = pa.table(dict(zip(COLUMNS, columns, strict=True)))
        pq.write_table(table, path / f"part-{place:03}.parquet" if len(parts) > 1 else path)
    return SampleFiles(path, COLUMNS)


def read_samples(choice: Rows, liking: Rows, settings: Samples, max_rows: int | None = None) -> IdSamples:
    """These rows, by way of a folder that is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="sparrow-samples-", dir=_FOLDER.name))
    thirds = [liking.take(np.arange(start, len(liking.users), 3)) for start in range(3)]
    return IdSamples(
        write_rows(folder / "choice.parquet", [choice]),
        write_rows(folder / "liking.parquet", thirds),
        settings,
        max_rows,
    )


_FOLDER = tempfile.TemporaryDirectory(prefix="sparrow-samples-", ignore_cleanup_errors=True)


def make_source() -> IdSamples:
    return read_samples(liked_rows(), board_rows(), Samples(negatives=4))


@dataclass(frozen=True)
class Trained:
    """A network with what it learned from."""

    name: str
    network: Any
    source: IdSamples
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
