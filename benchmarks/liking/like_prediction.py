"""ML-100K, "will they rate it 4 or more": the protocols of the literature, over the same rows and features as everywhere here.

    random  80/10/10 by chance. There is no "before", so time is made up: training rows get a random order, and all rows of
            validation and test one and the same last second. A training row then knows the training rows ahead of it in
            that order (the ordered statistics of CatBoost, Prokhorenkova et al., 2018), validation and test rows know all
            training rows, and none of the other's or their own.
    time    80/10/10 by time. Every row knows all rows before it, movies' statistics included; no row trains after the cut.

Settings and epochs are chosen on the validation tenth; the test tenth is asked once.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import keras
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.liking.material import Prepared
from benchmarks.liking.references import Task
from sparrow.build.liking import AT_ONCE
from sparrow.build.train import section_of
from sparrow.config import Settings
from sparrow.evaluation import metrics
from sparrow.features.genres import Genres
from sparrow.features.histories import COLUMNS as EVENT_COLUMNS
from sparrow.features.inputs import INPUTS
from sparrow.models import Architecture
from sparrow.models.network import LIKING
from sparrow.schema import Columns
from sparrow.training.batches import Batch, for_head, forget
from sparrow.training.feature_rows import FeatureRows, make_spec
from sparrow.training.fit import Schedule, fit
from sparrow.training.sample_files import SampleFiles

Protocol = Literal["random", "time"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("random", "time")

SHARES: Final = (0.8, 0.9)
"""Where training ends, and where validation ends."""

ALMOST_NOTHING: Final = 1e-5
"""Of rows after the cuts of the build, so that movies' statistics run on; `tag` cuts by time instead."""


EPOCHS: Final = 12
PATIENCE: Final = 2
BATCH: Final = 1024
"""Small beside the defaults: there are 80,000 rows. Chosen on validation rows, as is the least learning rate and decay."""


@dataclass(frozen=True)
class Likes:
    """The rows of one protocol, told apart.

    Attributes:
        prepared: features and samples.
        rows: every rating, in order.
        part: (n,) 0 trains, 1 validates, 2 tests.
    """

    prepared: Prepared
    rows: pa.Table
    part: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.rows["label"].to_numpy().astype(np.int64)

    @property
    def grades(self) -> NDArray[np.float64]:
        """(n,) stars from 1 to 5 as 0 to 1."""
        return (self.rows["half"].to_numpy() - 2) / 8

    def task(self) -> Task:
        """For the references."""
        return Task(self.prepared.plain(self.rows), self.labels, self.part == 0, self.part == 1)


def open_likes(home: Path, dataset: Path, protocol: Protocol, seed: int) -> Likes:
    """The rows of a protocol.

    Args:
        home: where features and samples are made.
        dataset: the folder ml-100k; whole stars, so that 3.5 or more is 4 or more.
        protocol: which.
        seed: of the random cut.
    """
    if protocol == "time":
        even = {"valid": ALMOST_NOTHING, "test": ALMOST_NOTHING}
        prepared = Prepared(home / "time", str(dataset), _settings(even))
        rows = prepared.rated()
        first, second = np.quantile(rows[Columns.TIMESTAMP].to_numpy(), SHARES, method="lower")
        time = rows[Columns.TIMESTAMP].to_numpy()
        return Likes(prepared, rows, (time >= first).astype(np.int64) + (time >= second))
    folder, tested = _in_random_time(home / f"random-{seed}", dataset, seed)
    prepared = Prepared(home / f"random-{seed}", str(folder), _settings({"valid": 0.1, "test": 0.1}))
    rows = prepared.rated()
    keys = zip(rows[Columns.USER].to_pylist(), rows[Columns.MOVIE].to_pylist(), strict=True)
    tests = np.array([key in tested for key in keys])
    return Likes(prepared, rows, np.where(rows["split"].to_numpy() == "train", 0, np.where(tests, 2, 1)))


def _settings(split: dict[str, float]) -> Settings:
    return Settings.model_validate({"split": split, "features": {"history_length": 50}})


def _in_random_time(home: Path, dataset: Path, seed: int) -> tuple[Path, set[tuple[int, int]]]:
    """A copy whose times are the random order; and the (person, movie) pairs of its test rows."""
    with (dataset / "u.data").open(encoding="utf-8") as file:
        rows = [tuple(map(int, row[:3])) for row in csv.reader(file, delimiter="\t")]
    order = np.random.default_rng(seed).permutation(len(rows))
    first, second = (int(share * len(rows)) for share in SHARES)
    folder = home / "ml-100k"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "u.item").write_bytes((dataset / "u.item").read_bytes())
    # One row less trains, so that the quantile where the build cuts is the last second and not the one before.
    lines = [(*rows[row], 1 + min(at, first - 1)) for at, row in enumerate(order)]
    (folder / "u.data").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
    return folder, {rows[row][:2] for row in order[second:]}


class LikeSamples:
    """A `Source` of rated rows alone."""

    def __init__(self, likes: Likes, architecture: Architecture, seed: int, by_stars: bool) -> None:
        takes = architecture.takes
        trained = pa.array(likes.part == 0)
        self._rows = likes.rows.filter(trained)
        self._labels = (likes.grades if by_stars else likes.labels)[likes.part == 0].astype(np.float32)
        self.encode = _encoding(likes.prepared, takes, self._rows)
        self._ids = [name for name in takes if INPUTS[name].kind in ("id", "ids")]
        self._share, self._seed = likes.prepared.settings.ranking.unknown_share, seed

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`."""
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(len(self._rows))
        for start in range(0, len(order), AT_ONCE):
            chosen = order[start : start + AT_ONCE]
            block = for_head(self.encode(self._rows.take(chosen)), self._labels[chosen], LIKING)
            yield forget(block, self._ids, self._share, rng)


def _encoding(prepared: Prepared, takes: tuple[str, ...], rows: pa.Table) -> FeatureRows:
    """Vocabularies and quantiles of the training rows alone; whoever is not among them is unknown."""
    movies, settings = prepared.material.movies, prepared.settings
    genres = Genres.load(prepared.features / "genres.json").names
    known = {name: np.unique(rows[name].to_numpy()) for name in (Columns.USER, Columns.MOVIE)}
    # A list of movies has the movie's vocabulary, whichever of the two a model takes.
    every = tuple(dict.fromkeys((*takes, Columns.MOVIE)))
    spec = make_spec(every, known, rows, movies, genres, settings.features, settings.ranking.buckets)
    events = SampleFiles(prepared.features / "events.parquet", EVENT_COLUMNS)
    return FeatureRows(spec, events.tables(), movies, genres).only(takes)


def train_on_likes(
    likes: Likes, name: str, architecture: Architecture, seed: int, by_stars: bool
) -> NDArray[np.float64]:
    """(n,) chances of every row by one model's `liking` head, taught by rated rows alone, stopped on validation rows.

    Args:
        name: of its section of the settings.
        by_stars: teach how much, (stars - 1) / 4, instead of whether; what comes out is a chance again by a line through the
            logits fitted on validation rows (Platt, 1999).
    """
    section = section_of(likes.prepared.settings, name)
    schedule = Schedule(
        EPOCHS, BATCH, max(section.learning_rate, 3e-3), max(section.weight_decay, 0.1), PATIENCE, seed, name
    )
    source = LikeSamples(likes, architecture, seed, by_stars)
    valid = likes.part == 1
    rows, labels = likes.rows.filter(pa.array(valid)), likes.labels[valid]
    network, _ = fit(
        lambda: architecture.build(source.encode.spec, section),
        source,
        schedule,
        lambda now: metrics.auc(predict(now, source.encode, rows), labels),
    )
    told = predict(network.serving, source.encode, likes.rows)
    if by_stars:
        line = LogisticRegression(C=1e6).fit(told[valid, None], labels)
        told = line.decision_function(told[:, None])
    return np.asarray(1 / (1 + np.exp(-told)))


def predict(network: keras.Model, encode: FeatureRows, rows: pa.Table) -> NDArray[np.float64]:
    """(n,) logits that each row is liked."""
    parts = [rows.slice(start, AT_ONCE) for start in range(0, len(rows), AT_ONCE)]
    return np.concatenate([network.predict_on_batch(encode(part))[LIKING].reshape(-1) for part in parts]).astype(float)
