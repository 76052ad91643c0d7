"""Anyone's items and interactions (and people) as a `Source`; the importer writes them as it writes MovieLens.

What only such data have is written at the end, beside the canonical files: the tables of ids, the declared attributes,
and `dataset.json`, which says how the files were read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.datasets import tabular_attributes as attributes
from sparrow.datasets import tabular_values as values
from sparrow.datasets.about import About
from sparrow.datasets.attributes import Kind, write_attributes
from sparrow.datasets.canonical import MOVIES, RATINGS
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.fields import split_year
from sparrow.datasets.identities import IdTable
from sparrow.datasets.report import FileReport, Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.datasets.tabular import Batch, Table
from sparrow.datasets.tabular_columns import Choice, File, Role
from sparrow.datasets.tabular_faults import DUPLICATE_PERSON
from sparrow.datasets.tabular_finish import constant_ratings, name_untitled, set_ratings
from sparrow.schema import MAX_RATING, Columns, Movie, MovieId

DATASET: Final = "dataset.json"

LIKED: Final = MAX_RATING
"""What an interaction without a rating counts as, like a guest's movie without stars."""


@dataclass(frozen=True)
class Reading:
    """How the files are read.

    Attributes:
        tables: the files.
        choices: their columns.
        genre_separator: between genres, and between the words of a category.
        scale: lowest and highest rating; None: stars from 0.5 to 5.0.
        name: what the dataset is called.
    """

    tables: Mapping[File, Table]
    choices: Mapping[File, Choice]
    genre_separator: str
    scale: tuple[float, float] | None
    name: str


@dataclass
class TabularSource:
    """A `Source` over the files of one `Reading`; ids get their numbers from `movie_ids` and `user_ids` as they are met."""

    reading: Reading
    movie_ids: IdTable
    user_ids: IdTable
    feedback: str = "explicit"
    _listed: set[int] = field(default_factory=set)
    _lengths: dict[File, dict[str, int]] = field(default_factory=dict)
    _items: list[tuple[Batch, NDArray[np.int64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "rating" not in self._roles("interactions"):
            self.feedback = "implicit"

    @property
    def about(self) -> About:
        """Nothing is known of whose data it is but that it is not ours."""
        name = self.reading.name
        owner = "Whoever gathered these data."
        return About(name, name, owner, "As its owner lends it.", "", "", note="Brought in with sparrow data import.")

    @property
    def files(self) -> Mapping[str, str]:
        """Names of the files."""
        tables = self.reading.tables
        return {"ratings": tables["interactions"].path.name, "movies": tables["items"].path.name}

    @cached_property
    def first_line(self) -> int:
        """Of the interactions; rows of the items are shifted to fit."""
        return self.reading.tables["interactions"].first_line

    def fingerprint(self) -> str:
        """SHA-256 over the files' bytes."""
        total = hashlib.sha256()
        for table in self.reading.tables.values():
            with table.path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        return total.hexdigest()

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """The items; the first row of an id counts, for its attributes too."""
        shift = self.reading.tables["items"].first_line - self.first_line
        for batch in self._batches("items", tally):
            read = self._read_items(batch, tally)
            numbers = self.movie_ids.encode(read.columns["item"])
            self._keep_first(read, numbers)
            for row, movie, repaired in zip(read.rows, self._movies(read, numbers), read.repaired, strict=True):
                yield MovieRow(int(row) + shift, movie, bool(repaired))

    def ratings(self, tally: Tally) -> Iterator[Ratings]:
        """The interactions. Without ratings each counts as liked, without times each comes a second after the one above."""
        roles = self._roles("interactions")
        for batch in self._batches("interactions", tally):
            read = values.identify(values.identify(batch, "user", tally), "item", tally)
            if "rating" in roles:
                read = values.rate(read, "rating", self.reading.scale, tally)
            if "timestamp" in roles:
                read = values.tell_time(read, "timestamp", tally)
            yield Ratings(
                row=read.rows,
                user=self.user_ids.encode(read.columns["user"]),
                movie=self.movie_ids.encode(read.columns["item"]),
                stars=_array(read, "rating", np.full(len(read), LIKED)),
                timestamp=_array(read, "timestamp", read.rows),
                repaired=read.repaired,
            )

    def links(self, _tally: Tally) -> Iterator[LinkRow]:
        """None: ids of other catalogues stand with the items."""
        yield from ()

    def tags(self, _tally: Tally) -> Iterator[TagRow]:
        """None."""
        yield from ()

    def write_attributes(self, _catalogue: Catalogue, folder: Path) -> tuple[FileReport, ...]:
        """Attributes, tables of ids and `dataset.json`; movies without a title are called by their outside id."""
        reports = self._write_people(folder) if "users" in self.reading.tables else ()
        self._write_item_attributes(folder)
        name_untitled(folder / MOVIES, self.movie_ids)
        if self.feedback == "explicit" and constant_ratings(folder / RATINGS) is not None:
            # One value for all tells no more than that something happened.
            set_ratings(folder / RATINGS, LIKED)
            self.feedback = "implicit"
        self.movie_ids.save(folder)
        self.user_ids.save(folder)
        (folder / DATASET).write_bytes(orjson.dumps(self._describe(), option=orjson.OPT_INDENT_2))
        return reports

    def _describe(self) -> dict[str, Any]:
        has_times = "timestamp" in self._roles("interactions")
        files = {
            file: {"columns": dict(choice.roles), "attributes": dict(choice.attributes), "ignored": choice.ignored}
            for file, choice in self.reading.choices.items()
        }
        return {
            "name": self.reading.name,
            "feedback": self.feedback,
            "order": "time" if has_times else "file",
            "ratingScale": self.reading.scale if "rating" in self._roles("interactions") else None,
            "files": files,
        }

    def _roles(self, file: File) -> Mapping[Role, str]:
        return self.reading.choices[file].roles

    def _batches(self, file: File, tally: Tally) -> Iterator[Batch]:
        choice = self.reading.choices[file]
        declared = {attributes.PREFIX + name: name for name in choice.attributes}
        roles = {str(role): column for role, column in choice.roles.items()}
        return self.reading.tables[file].batches({**roles, **declared}, tally)

    def _read_items(self, batch: Batch, tally: Tally) -> Batch:
        batch = values.identify(batch, "item", tally)
        if "year" in batch.columns:
            batch = values.date_of_release(batch, "year", tally)
        return self._convert(batch, "items", tally)

    def _convert(self, batch: Batch, file: File, tally: Tally) -> Batch:
        kinds = self.reading.choices[file].attributes
        batch = attributes.convert(batch, kinds, self.reading.genre_separator, tally)
        return attributes.odd_lengths(batch, kinds, self._lengths.setdefault(file, {}), tally)

    def _movies(self, batch: Batch, numbers: NDArray[np.int64]) -> Iterator[Movie]:
        count, columns = len(batch), batch.columns
        unknown = [""] * count
        # A catalogue without titles calls its items by their ids.
        titles = values.texts(columns.get("title", columns["item"])).to_pylist()
        years = columns["year"].to_pylist() if "year" in columns else [None] * count
        separator = self.reading.genre_separator
        genres = values.word_lists(columns["genres"], separator) if "genres" in columns else [[]] * count
        imdb, tmdb = (values.texts(columns[key]).to_pylist() if key in columns else unknown for key in ("imdb", "tmdb"))
        for number, title, year, words, *links in zip(numbers, titles, years, genres, imdb, tmdb, strict=True):
            plain, found = split_year(title) if year is None and "title" in columns else (title, year or 0)
            yield Movie(MovieId(int(number)), plain, found, tuple(words), *links)

    def _keep_first(self, batch: Batch, numbers: NDArray[np.int64]) -> None:
        """Remember the attributes of items that no earlier row has."""
        if not self.reading.choices["items"].attributes:
            return
        self._items.append(_first_rows(batch, numbers, self._listed))

    def _write_item_attributes(self, folder: Path) -> None:
        kinds = self.reading.choices["items"].attributes
        if kinds and any(len(batch) for batch, _ in self._items):
            write_attributes(folder, "movies", [_table(self._items, Columns.MOVIE, kinds)], kinds)

    def _write_people(self, folder: Path) -> tuple[FileReport, ...]:
        tally = Tally(self.reading.tables["users"].path.name, required=False)
        kept, known = [], set[int]()
        for batch in self._batches("users", tally):
            read = self._convert(values.identify(batch, "user", tally), "users", tally)
            numbers = self.user_ids.encode(read.columns["user"])
            first = _first_rows(read, numbers, known)
            again = ~np.isin(read.rows, first[0].rows)
            read.without(again, DUPLICATE_PERSON, read.columns["user"], tally)
            tally.repaired += int(first[0].repaired.sum())
            kept.append(first)
        kinds = self.reading.choices["users"].attributes
        if kinds and known:
            write_attributes(folder, "users", [_table(kept, Columns.USER, kinds)], kinds)
        return (tally.report(kept=len(known)),)


def _array(batch: Batch, key: str, missing: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(batch.columns[key].to_numpy()) if key in batch.columns else missing


def _first_rows(batch: Batch, numbers: NDArray[np.int64], known: set[int]) -> tuple[Batch, NDArray[np.int64]]:
    """The rows whose number is met for the first time; `known` grows by them."""
    new = np.zeros(len(numbers), dtype=bool)
    for place, number in enumerate(numbers.tolist()):
        if number not in known:
            known.add(number)
            new[place] = True
    columns = {key: column.filter(pa.array(new)) for key, column in batch.columns.items()}
    kept = replace(batch, rows=batch.rows[new], columns=columns, repaired=batch.repaired[new])
    return kept, numbers[new]


def _table(kept: list[tuple[Batch, NDArray[np.int64]]], id_column: str, kinds: Mapping[str, Kind]) -> pa.Table:
    return attributes.gather(
        [batch for batch, _ in kept], id_column, np.concatenate([numbers for _, numbers in kept]), kinds
    )
