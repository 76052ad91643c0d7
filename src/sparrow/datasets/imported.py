"""The folder that `sparrow data import` wrote, as a `Source`: it is canonical already, and passes the same checks again."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.datasets.about import About
from sparrow.datasets.attributes import ATTRIBUTES, FILES
from sparrow.datasets.canonical import MOVIES, MOVIES_SCHEMA, RATINGS, RATINGS_SCHEMA
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.identities import ID_TABLES
from sparrow.datasets.layouts import Layout, Part
from sparrow.datasets.report import FileReport, Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.datasets.tabular_source import DATASET
from sparrow.errors import DataError
from sparrow.schema import Columns, Movie, MovieId

BATCH_ROWS: Final = 1 << 17
ABOUT: Final = "about.json"

CARRIED: Final = (DATASET, ATTRIBUTES, *FILES.values(), *ID_TABLES.values())
"""What goes along with the ratings and the movies, where it is there."""


class ImportedFolder:
    """A `Source` over the canonical files of one folder."""

    first_line = 1

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder = folder
        self.files: Mapping[str, str] = {part: file.name for part, file in layout.required.items() if part != "dataset"}

    @property
    def about(self) -> About:
        """As the import wrote it."""
        try:
            return About(**orjson.loads((self.folder / ABOUT).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.folder / ABOUT} cannot be read ({error}); import the data again.") from None

    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of the files that are read."""
        total = hashlib.sha256()
        for name in sorted((*self.files.values(), *CARRIED)):
            if (self.folder / name).is_file():
                with (self.folder / name).open("rb") as file:
                    total.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    def ratings(self, tally: Tally) -> Iterator[Ratings]:
        """Blocks of rows; their places are those in the file that was imported."""
        for batch in self._batches(RATINGS, RATINGS_SCHEMA):
            tally.rows += len(batch)
            user, movie, stars, time, row = (batch.column(name).to_numpy() for name in RATINGS_SCHEMA.names)
            yield Ratings(row, user, movie, stars, time, np.zeros(len(row), dtype=bool))

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """The catalogue, ids elsewhere included."""
        for batch in self._batches(MOVIES, MOVIES_SCHEMA):
            for row in batch.to_pylist():
                tally.rows += 1
                yield MovieRow(tally.rows - 1, _movie(row))

    def links(self, _tally: Tally) -> Iterator[LinkRow]:
        """None: they stand with the movies."""
        yield from ()

    def tags(self, _tally: Tally) -> Iterator[TagRow]:
        """None."""
        yield from ()

    def write_attributes(self, _catalogue: Catalogue, folder: Path) -> tuple[FileReport, ...]:
        """Attributes, tables of ids and `dataset.json` go along as they are."""
        for name in CARRIED:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)
        return ()

    def _batches(self, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        path = self.folder / name
        try:
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.equals(schema):
                    raise DataError(f"{path} has other columns than an import writes; import the data again.")
                yield from file.iter_batches(BATCH_ROWS)
        except pa.ArrowException as error:
            raise DataError(f"{path} cannot be read ({error}); import the data again.") from None


def _movie(row: Mapping[str, Any]) -> Movie:
    return Movie(
        MovieId(row[Columns.MOVIE]),
        row[Columns.TITLE],
        row[Columns.YEAR],
        tuple(row[Columns.GENRES]),
        row[Columns.IMDB],
        row[Columns.TMDB],
    )


IMPORTED: Final = Layout(
    "what `sparrow data import` wrote",
    ImportedFolder,
    {"dataset": Part(DATASET), "ratings": Part(RATINGS), "movies": Part(MOVIES)},
)
