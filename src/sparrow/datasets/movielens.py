"""An official MovieLens folder, in the layouts that need no more than a table of their files.

- `LATEST`  ml-latest, ml-latest-small, ml-20m, ml-25m, ml-32m: CSV with a header
- `ML_10M`  `::` between the fields and no header
- `ML_1M`   the same in Latin-1, with people (`users.dat`)

ml-100k, which writes its movies in another way, is in `movielens_100k`. https://grouplens.org/datasets/movielens/
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sparrow.datasets.about import About, movielens
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.faults import BrokenField
from sparrow.datasets.fields import identity, number, outside_id, seconds, split_genres, split_year
from sparrow.datasets.genome import write_genome
from sparrow.datasets.layouts import Layout, Part
from sparrow.datasets.number_columns import Parse, read_numbers
from sparrow.datasets.people import AGE, GENDER, OCCUPATION, ZIP_CODE, write_people
from sparrow.datasets.records import Form, Record, TextFile, open_text, read_records
from sparrow.datasets.releases_table import NOT_PASSED_ON
from sparrow.datasets.report import FileReport, Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.schema import Columns, Movie, MovieId

FOREIGN_FILES: Final = (
    "This holds for GroupLens' own files; files of another origin in this layout have their owner's terms."
)

RATINGS: Final[dict[str, Parse]] = {
    Columns.USER: identity,
    Columns.MOVIE: identity,
    Columns.RATING: number,
    Columns.TIMESTAMP: seconds,
}
MOVIES: Final = (Columns.MOVIE, Columns.TITLE, Columns.GENRES)
TAGS: Final = (Columns.USER, Columns.MOVIE, Columns.TAG, Columns.TIMESTAMP)
LINKS: Final = (Columns.MOVIE, Columns.IMDB, Columns.TMDB)

OCCUPATIONS: Final = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer",
    "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman",
    "unemployed", "writer",
)  # fmt: skip
"""What the numbers 0-20 of `users.dat` mean, by the README of ml-1m (0: "other" or not specified)."""


class MovieLensFolder:
    """A `Source` over the files of one folder of a known layout."""

    occupations: Sequence[str] | None = None
    """The words that the people's file writes as their place in this list; None where it writes words."""

    terms = ""
    """What the releases of this layout demand beyond the common licence."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder = folder
        present = {part: file for part, file in layout.optional.items() if (folder / file.name).is_file()}
        self._parts = {**layout.required, **present}

    @property
    def files(self) -> dict[str, str]:
        """Part → the name of its file."""
        return {part: file.name for part, file in self._parts.items()}

    @property
    def first_line(self) -> int:
        """The line of row 0: with a header 2, without one 1; a layout has it in all of its files or in none."""
        return self._parts["ratings"].form.first_line

    @property
    def about(self) -> About:
        """The licence of the official releases; a folder of another origin has its owner's own."""
        name = self.folder.resolve().name
        return movielens(name, f"MovieLens files in {name}", note=f"{FOREIGN_FILES} {self.terms}".strip())

    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of the files that are read."""
        total = hashlib.sha256()
        for name in sorted(self.files.values()):
            with (self.folder / name).open("rb") as file:
                total.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    def ratings(self, tally: Tally) -> Iterator[Ratings]:
        """Blocks of readable rows, in file order."""
        for block in read_numbers(self._open("ratings"), RATINGS, tally):
            user, movie, stars, time = block.columns
            yield Ratings(block.row, user, movie, stars, time, block.repaired)

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """Movies with the year taken off the title."""
        for record in self._records("movies", MOVIES, tally):
            try:
                title, year = split_year(record.fields[1])
                movie = Movie(MovieId(identity(record, 0)), title, year, split_genres(record.fields[2]))
                yield MovieRow(record.row, movie, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def links(self, tally: Tally) -> Iterator[LinkRow]:
        """Ids in IMDb (leading zeros kept) and TMDB."""
        for record in self._records("links", LINKS, tally):
            try:
                imdb, tmdb = outside_id(record, 1, prefix="tt"), outside_id(record, 2)
                yield LinkRow(record.row, identity(record, 0), imdb, tmdb, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def tags(self, tally: Tally) -> Iterator[TagRow]:
        """Tags as people wrote them, without blanks around."""
        for record in self._records("tags", TAGS, tally):
            try:
                user, movie, time = identity(record, 0), identity(record, 1), seconds(record, 3)
                yield TagRow(record.row, user, movie, record.fields[2].strip(), time, record.repaired)
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)

    def write_attributes(self, catalogue: Catalogue, folder: Path) -> tuple[FileReport, ...]:
        """People of `users.dat` or `u.user`; the tag genome as a vector of each movie."""
        people = (write_people(self._open("people"), self.occupations, folder),) if "people" in self._parts else ()
        if "genome" not in self._parts:
            return people
        tags = self._open("genome_tags") if "genome_tags" in self._parts else None
        return (*people, *write_genome(self._open("genome"), tags, catalogue.ids, folder))

    def _open(self, part: str) -> TextFile:
        return open_text(self.folder / self._parts[part].name, self._parts[part].form)

    def _records(self, part: str, columns: Sequence[str], tally: Tally) -> Iterator[Record]:
        return read_records(self._open(part), columns, tally)


class MovieLens10M(MovieLensFolder):
    """Its data may not be passed on."""

    terms = NOT_PASSED_ON


class MovieLens1M(MovieLens10M):
    """People's occupations are numbers there."""

    occupations = OCCUPATIONS


def _colons(columns: Sequence[str], text: str = "", latin: bool = False) -> Form:
    return Form("::", tuple(columns), text, latin)


LATEST: Final = Layout(
    "ml-latest, ml-latest-small, ml-20m, ml-25m, ml-32m",
    MovieLensFolder,
    {"ratings": Part("ratings.csv"), "movies": Part("movies.csv")},
    {
        "links": Part("links.csv"),
        "tags": Part("tags.csv"),
        "genome": Part("genome-scores.csv"),
        "genome_tags": Part("genome-tags.csv"),
    },
)
ML_10M: Final = Layout(
    "ml-10m",
    MovieLens10M,
    {
        "ratings": Part("ratings.dat", _colons(tuple(RATINGS))),
        "movies": Part("movies.dat", _colons(MOVIES, Columns.TITLE)),
    },
    {"tags": Part("tags.dat", _colons(TAGS, Columns.TAG))},
)
ML_1M: Final = Layout(
    "ml-1m",
    MovieLens1M,
    {
        "ratings": Part("ratings.dat", _colons(tuple(RATINGS))),
        "movies": Part("movies.dat", _colons(MOVIES, Columns.TITLE, latin=True)),
        "people": Part("users.dat", _colons((Columns.USER, GENDER, AGE, OCCUPATION, ZIP_CODE), latin=True)),
    },
)
