"""The checkerboard as sample sets on disk, for tests of what models of ids learn from."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import Samples
from sparrow.schema import LIKED_RATING
from sparrow.training.id_samples import COLUMNS, IdSamples
from sparrow.training.sample_files import SampleFiles
from tests.worlds import checkerboard

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
