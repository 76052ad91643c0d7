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
from typing import Any, Final, Literal

import keras
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.liking.material import Prepared
from benchmarks.liking.references import Task
from sparrow.build.liking import AT_ONCE
from sparrow.build.train import section_of
from sparrow.config import Settings
from sparrow.evaluation import metrics
from sparrow.features.inputs import INPUTS
from sparrow.models import Architecture
from sparrow.models.network import LIKING
from sparrow.schema import Columns
from sparrow.training.batches import Batch, for_head, forget
from sparrow.training.feature_rows import FeatureRows
from sparrow.training.fit import Schedule, fit

Protocol = Literal["random", "time"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("random", "time")

SHARES: Final = (0.8, 0.9)
"""Where training ends, and where validation ends."""

ALMOST_NOTHING: Final = 1e-5
"""Of rows after the cuts of the build, so that movies' statistics run on; `tag` cuts by time instead."""


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
    return Settings.model_validate({"split": split, "features": {"history_length": 100}})


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

    def __init__(self, likes: Likes, architecture: Architecture, seed: int) -> None:
        takes = architecture.takes
        self.encode: FeatureRows = likes.prepared.material.encode.only(takes)
        self._rows = likes.rows.filter(pa.array(likes.part == 0))
        self._ids = [name for name in takes if INPUTS[name].kind in ("id", "ids")]
        self._share, self._seed = likes.prepared.settings.ranking.unknown_share, seed

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`."""
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(len(self._rows))
        for start in range(0, len(order), AT_ONCE):
            rows = self._rows.take(order[start : start + AT_ONCE])
            block = for_head(self.encode(rows), rows["label"].to_numpy().astype(np.float32), LIKING)
            yield forget(block, self._ids, self._share, rng)


def train_on_likes(likes: Likes, name: str, architecture: Architecture, seed: int, **settings: Any) -> NDArray[Any]:
    """(n,) chances of every row by one model's `liking` head, taught by rated rows alone, stopped on validation rows.

    Args:
        name: of its section of the settings.
        settings: values in that section that differ.
    """
    section = section_of(likes.prepared.settings, name).model_copy(update={"epochs": 30, "patience": 3, **settings})
    source = LikeSamples(likes, architecture, seed)
    valid = likes.part == 1
    rows, labels = likes.rows.filter(pa.array(valid)), likes.labels[valid]
    schedule = Schedule(
        section.epochs, section.batch, section.learning_rate, section.weight_decay, section.patience, seed, name
    )
    network, _ = fit(
        lambda: architecture.build(source.encode.spec, section),
        source,
        schedule,
        lambda now: -metrics.log_loss(predict(now, source.encode, rows), labels),
    )
    return predict(network.serving, source.encode, likes.rows)


def predict(network: keras.Model, encode: FeatureRows, rows: pa.Table) -> NDArray[np.float64]:
    """(n,) chances that each row is liked."""
    parts = [rows.slice(start, AT_ONCE) for start in range(0, len(rows), AT_ONCE)]
    logits = [network.predict_on_batch(encode(part))[LIKING].reshape(-1) for part in parts]
    return np.asarray(1 / (1 + np.exp(-np.concatenate(logits).astype(np.float64))))
