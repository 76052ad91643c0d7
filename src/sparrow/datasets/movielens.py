"""An official MovieLens folder: ratings.csv and movies.csv, with links.csv and tags.csv when they are there.

The layout of ml-latest-small, ml-latest, 20m, 25m and 32m (https://grouplens.org/datasets/movielens/).
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sparrow.datasets.about import About, movielens
from sparrow.datasets.faults import BrokenField
from sparrow.datasets.fields import identity, outside_id, seconds, split_genres, split_year
from sparrow.datasets.ratings_csv import read_ratings
from sparrow.datasets.records import FIRST_LINE, Record, open_csv, read_records
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.errors import DataError
from sparrow.schema import Columns, Movie, MovieId

REQUIRED: Final = {"ratings": "ratings.csv", "movies": "movies.csv"}
OPTIONAL: Final = {"links": "links.csv", "tags": "tags.csv"}
FOREIGN_FILES: Final = (
    "This holds for GroupLens' own files; files of another origin in this layout have their owner's terms."
)


class MovieLensFolder:
    """A `Source` over the files of one folder.

    Raises:
        DataError: the folder, or a file it must hold, is missing.
    """

    first_line = FIRST_LINE

    def __init__(self, folder: Path) -> None:
        _check_files(folder)
        self.folder = folder
        present = {part: file for part, file in OPTIONAL.items() if (folder / file).is_file()}
        self.files = {**REQUIRED, **present}

    @property
    def about(self) -> About:
        """The licence of the official releases; a folder of another origin has its owner's own."""
        name = self.folder.resolve().name
        return movielens(name, f"MovieLens files in {name}", note=FOREIGN_FILES)

    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of the files that are read."""
        total = hashlib.sha256()
        for name in sorted(self.files.values()):
            with (self.folder / name).open("rb") as file:
                total.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    def ratings(self, tally: Tally) -> Iterator[Ratings]:
        """Blocks of readable rows, in file order."""
        return read_ratings(open_csv(self.folder / self.files["ratings"]), tally)

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """Movies with the year taken off the title."""
        for record in self._records("movies", (Columns.MOVIE, Columns.TITLE, Columns.GENRES), tally):
            try:
                title, year = split_year(record.fields[1])
                movie = Movie(MovieId(identity(record, 0)), title, year, split_genres(record.fields[2]))
                yield MovieRow(record.row, movie, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def links(self, tally: Tally) -> Iterator[LinkRow]:
        """Ids in IMDb (leading zeros kept) and TMDB."""
        for record in self._records("links", (Columns.MOVIE, Columns.IMDB, Columns.TMDB), tally):
            try:
                imdb, tmdb = outside_id(record, 1, prefix="tt"), outside_id(record, 2)
                yield LinkRow(record.row, identity(record, 0), imdb, tmdb, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def tags(self, tally: Tally) -> Iterator[TagRow]:
        """Tags as people wrote them, without blanks around."""
        for record in self._records("tags", (Columns.USER, Columns.MOVIE, Columns.TAG, Columns.TIMESTAMP), tally):
            try:
                user, movie, time = identity(record, 0), identity(record, 1), seconds(record, 3)
                yield TagRow(record.row, user, movie, record.fields[2].strip(), time, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def _records(self, part: str, columns: tuple[str, ...], tally: Tally) -> Iterator[Record]:
        file = open_csv(self.folder / self.files[part])
        if places := file.places(columns, tally):
            yield from read_records(file.blocks(), len(file.header), places, tally)


def _check_files(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; name an unpacked MovieLens folder or a dataset of `sparrow data list`."
        )
    for name in REQUIRED.values():
        if not (folder / name).is_file():
            raise DataError(f"{folder} has no {name}; a MovieLens folder needs {' and '.join(REQUIRED.values())}.")
