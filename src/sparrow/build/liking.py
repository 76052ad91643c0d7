"""What the models of the judging fit say about liking, on every row none of them was trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.build.material import Material, Samples
from sparrow.features.definitions import MOVIE_SUMS, USER_SUMS, finish
from sparrow.features.encoding import UNKNOWN_ROW
from sparrow.models.network import LIKING
from sparrow.schema import Columns
from sparrow.training.id_samples import IdSamples, read_ids
from sparrow.training.sample_files import SampleFiles

JUDGED_ROWS: Final = (pc.field("split") != "train") | (pc.field("fold") == "last")

TOLD: Final = (Columns.USER, Columns.MOVIE, "label", "split", "fold")
MEANS: Final = ("movie_mean", "user_mean")
"""Plain references beside the models."""

AT_ONCE: Final = 2**14
"""Rows in one step of prediction."""


@dataclass(frozen=True)
class Trainee:
    """A trained network, and what it learned from."""

    network: keras.Model
    source: Samples

    def liking(self, rows: pa.Table) -> NDArray[np.float64]:
        """(n,) chances that each row is liked."""
        source = self.source
        told: Mapping[str, Any] = (
            source.spec.encode(read_ids(rows)) if isinstance(source, IdSamples) else source.encode(rows)
        )
        logits = self.network.predict_on_batch(told)[LIKING].reshape(-1).astype(np.float64)
        return np.asarray(1 / (1 + np.exp(-logits)))


def write_liking(trainees: Mapping[str, Trainee], material: Material, liking: Path, out: Path) -> None:
    """Write one row a judged rating: what it was, whether the person was trained, a column for each model, and the means.

    Args:
        trainees: model name → network of the judging fit.
        material: of the judging fit.
        liking: its rated rows.
        out: the file to write.
    """
    files = SampleFiles(liking, [*material.row_columns, "split", "fold"], JUDGED_ROWS)
    tables = _predicted(trainees, material, files)
    first = next(tables)
    with pq.ParquetWriter(out, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _predicted(trainees: Mapping[str, Trainee], material: Material, files: SampleFiles) -> Iterator[pa.Table]:
    people = material.encode.spec.vocabularies[Columns.USER]
    for table in files.tables():
        for start in range(0, max(len(table), 1), AT_ONCE):
            rows = table.slice(start, AT_ONCE)
            means = finish({name: rows[name].to_numpy() for name in (*MOVIE_SUMS, *USER_SUMS)})
            told = {name: rows[name] for name in TOLD}
            told["is_known"] = people.encode(rows[Columns.USER].to_numpy()) != UNKNOWN_ROW
            told |= {name: one.liking(rows) if len(rows) else np.empty(0) for name, one in trainees.items()}
            yield pa.table(told | {name: means[name] for name in MEANS})
