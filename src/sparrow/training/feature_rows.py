"""Sample rows as network inputs, every feature as of just before its row.

What a row tells itself are its person's and its movie's exact sums and the favourite genres; the rest is looked up: lists of
movies in `features.histories`, genres and year in the catalogue. All of it is encoded by the one `EncodingSpec`.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.config import Features
from sparrow.features.definitions import MOVIE_SUMS, USER_SUMS
from sparrow.features.encoding import PAD_ROW, Buckets, EncodingSpec, Field, Names, Rows, Vocabulary
from sparrow.features.histories import Histories
from sparrow.features.inputs import INPUTS, LISTS, MOVIE_GENRES, first_names, movie_inputs, numbers
from sparrow.features.people import favourite_columns
from sparrow.schema import Columns

Ids = NDArray[np.int64]

FAVOURITES: Final = "favourite_genres"


def row_columns(favourites: int) -> list[str]:
    """What must be read of a sample row."""
    ids = (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP, "label")
    return [*ids, *MOVIE_SUMS, *USER_SUMS, *favourite_columns(favourites)]


def make_spec(
    names: Sequence[str],
    known: Mapping[str, Ids],
    seen: pa.Table,
    catalogue: pa.Table,
    genres: tuple[str, ...],
    features: Features,
    buckets: int,
) -> EncodingSpec:
    """How a model's inputs are encoded.

    Args:
        names: its inputs.
        known: "userId" and "movieId" → ascending ids of those it is trained on.
        seen: sample rows whose quantiles become the boundaries of numbers, with the columns of `row_columns`.
        catalogue: `releaseYear` of every movie.
        genres: names that count.
        features: lengths of lists.
        buckets: quantiles of a number at most.
    """
    told = numbers({name: _column(seen, name) for name in (*MOVIE_SUMS, *USER_SUMS)})
    told |= numbers({Columns.YEAR: _column(catalogue, Columns.YEAR)})
    movies = Vocabulary(known[Columns.MOVIE], features.history_length)
    of_list = {FAVOURITES: features.favourite_genres, Columns.GENRES: MOVIE_GENRES}
    fields: dict[str, Field] = {}
    for name in names:
        kind = INPUTS[name].kind
        if kind == "id":
            fields[name] = Vocabulary(known[name])
        elif kind == "ids":
            fields[name] = movies
        elif kind == "names":
            fields[name] = Names(genres, of_list[name])
        else:
            fields[name] = Buckets(_quantiles(told[name], buckets))
    return EncodingSpec(fields)


def _quantiles(values: NDArray[np.float32], buckets: int) -> NDArray[np.float32]:
    """(<= buckets - 1,) boundaries that part the values evenly, as far as they differ."""
    there = values[~np.isnan(values)]
    if not len(there):
        return np.empty(0, np.float32)
    return np.unique(np.quantile(there, np.linspace(0, 1, buckets + 1)[1:-1], method="higher").astype(np.float32))


class FeatureRows:
    """Encodes sample rows."""

    def __init__(
        self, spec: EncodingSpec, events: Iterable[pa.Table], catalogue: pa.Table, genres: tuple[str, ...]
    ) -> None:
        """
        Args:
            spec: of the model.
            events: every rating in order, as `Histories.of` takes them.
            catalogue: `movieId`, `releaseYear` and `genres` of every movie.
            genres: what the codes of favourite genres mean: k is the k-th name.
        """
        self.spec = spec
        vocabulary = spec.fields.get(Columns.MOVIE)
        self._histories = Histories.of(events, vocabulary if isinstance(vocabulary, Vocabulary) else None)
        self._movies = MovieColumns(spec, catalogue)
        field = spec.fields.get(FAVOURITES)
        self._genre_rows = np.append(PAD_ROW, field.encode(np.array(genres, np.str_))) if field is not None else None

    def only(self, names: Sequence[str], length: int | None = None) -> "FeatureRows":
        """The same for some of the inputs, perhaps with lists of movies of another length."""
        fewer = copy(self)
        fewer.spec = self.spec.only(tuple(names))
        if length is not None:
            lists = {n: replace(f, length=length) for n, f in fewer.spec.vocabularies.items() if n in LISTS}
            fewer.spec = EncodingSpec({**fewer.spec.fields, **lists})
        return fewer

    def __call__(self, rows: pa.Table) -> dict[str, Rows]:
        """Inputs by name, (n,) or (n, length) each.

        Args:
            rows: with the columns of `row_columns`.
        """
        ids = {name: _column(rows, name) for name in (Columns.USER, Columns.MOVIE)}
        sums = {name: _column(rows, name) for name in (*MOVIE_SUMS, *USER_SUMS)}
        told = numbers(sums)
        at = self._movies.places(ids[Columns.MOVIE])
        return {name: self._input(name, rows, ids | sums, told, at) for name in self.spec.fields}

    def _input(self, name: str, rows: pa.Table, exact: Mapping[str, Ids], told: Mapping[str, Any], at: Ids) -> Rows:
        field = self.spec.fields[name]
        if name in self._movies.encoded:
            return np.asarray(self._movies.encoded[name][at], np.int32)
        if name in LISTS:
            return np.asarray(self._histories.before(name, exact, field.length), np.int32)
        if name == FAVOURITES:
            codes = np.stack([rows[column].to_numpy() for column in favourite_columns(field.length)], axis=1)
            return np.asarray(np.asarray(self._genre_rows)[codes], np.int32)
        return field.encode(told[name] if name in told else exact[name])


class MovieColumns:
    """What stays the same of a movie, encoded once for the whole catalogue.

    Attributes:
        encoded: input name → (movies, …) rows, in order of the movies' ids.
    """

    FIXED: Final = (Columns.GENRES, Columns.YEAR)

    def __init__(self, spec: EncodingSpec, catalogue: pa.Table) -> None:
        ids = _column(catalogue, Columns.MOVIE)
        order = np.argsort(ids)
        self._ids = ids[order]
        raw: dict[str, NDArray[Any]] = numbers({Columns.YEAR: _column(catalogue, Columns.YEAR)})
        raw[Columns.GENRES] = first_names(
            [names or () for names in catalogue[Columns.GENRES].to_pylist()], MOVIE_GENRES
        )
        fixed = [name for name in self.FIXED if name in spec.fields]
        self.encoded = {name: spec.fields[name].encode(raw[name])[order] for name in fixed}

    def places(self, movies: Ids) -> Ids:
        """(n,) where each movie stands; every one is in the catalogue."""
        return np.searchsorted(self._ids, movies)


def encode_catalogue(spec: EncodingSpec, movies: pa.Table) -> dict[str, Rows]:
    """The movie inputs of a whole catalogue as it stands, in the table's order: what candidates are ranked from.

    Args:
        spec: of the model.
        movies: `movieId`, `releaseYear`, `genres` and `MOVIE_SUMS`.
    """
    sums = {name: _column(movies, name) for name in (*MOVIE_SUMS, Columns.YEAR)}
    raw: dict[str, NDArray[Any]] = {Columns.MOVIE: _column(movies, Columns.MOVIE), **numbers(sums)}
    raw[Columns.GENRES] = first_names([names or () for names in movies[Columns.GENRES].to_pylist()], MOVIE_GENRES)
    return {name: spec.fields[name].encode(raw[name]) for name in movie_inputs(tuple(spec.fields))}


def _column(table: pa.Table, name: str) -> Ids:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)
