"""What is known of a person: just before each of their rows, and after all of them.

Rows of one second are simultaneous: none sees another. Sums are exact integers; `definitions.finish` makes means of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.features.definitions import USER_SUMS, favourites
from sparrow.features.genres import Genres
from sparrow.features.grouped import Ints, column, run_starts, sums_before
from sparrow.schema import MAX_ID, Columns

FOLDS: Final = pa.array(["fit", "stop", "last"])

COUNT: Final = pa.int32()
"""Of sums in files: half the bytes of int64; `_narrow` refuses what does not fit."""

_KEY: Final = [(Columns.USER, pa.int64()), (Columns.MOVIE, pa.int64()), (Columns.TIMESTAMP, pa.int64())]


def favourite_columns(favourites: int) -> list[str]:
    """Names of the favourite-genre columns: 0 is none, k the k-th name of `genres.json`, most liked first."""
    return [f"favourite_genre_{place}" for place in range(1, favourites + 1)]


def person_fields(favourites: int) -> list[tuple[str, pa.DataType]]:
    """The columns that describe a person at a moment."""
    return [(name, COUNT) for name in USER_SUMS] + [(name, pa.int8()) for name in favourite_columns(favourites)]


@dataclass(frozen=True)
class DescribePeople:
    """Kernel over rating rows by (userId, timestamp, movieId): each row with its person as of just before, and its fold.

    Within the training period, before `valid_from`, a person's rows are told apart at 80 % and 90 %: `stop` rows stop training
    early, `last` rows judge; a second is never torn in two, and the first rows are always `fit`.

    A person's history at a row is what they liked before: places `user_liked_count - n` to `user_liked_count` of their liked
    movies in order. It is not written with every row, being a slice of one list per person (`features.histories`).
    """

    genres: Genres
    favourites: int
    valid_from: int

    @property
    def schema(self) -> pa.Schema:
        """Events: the rating in exact units, its fold, and the person."""
        own = [("half", pa.int8()), ("liked", pa.bool_()), ("fold", pa.string())]
        return pa.schema([*_KEY, *own, *person_fields(self.favourites)])

    def __call__(self, rows: pa.Table) -> pa.Table:
        user, movie, time, half = (column(rows, name) for name in (*_names(_KEY), "half"))
        liked, year, mask = (column(rows, name) for name in ("liked", Columns.YEAR, "genre_mask"))
        person, second = run_starts(user), run_starts(user, time)
        before = sums_before(_user_terms(half, liked, year), second, person)
        liked_genres = sums_before(self.genres.bits(mask * liked), second, person)
        told = [*before, *favourites(liked_genres, self.favourites)]
        fold = FOLDS.take(pa.array(self._fold(time, person, before[0])))
        arrays = [user, movie, time, half, liked.astype(np.bool_), fold, *told]
        return pa.Table.from_arrays(
            [_narrow(values, field) for values, field in zip(arrays, self.schema, strict=True)], schema=self.schema
        )

    def _fold(self, time: Ints, person: Ints, earlier: Ints) -> Ints:
        training = (time < self.valid_from).astype(np.int64)
        total = np.bincount(person, weights=training, minlength=len(person)).astype(np.int64)[person]
        fold = np.where(10 * earlier >= 9 * total, 2, np.where(10 * earlier >= 8 * total, 1, 0))
        return np.asarray(np.where(training > 0, fold, 0))


@dataclass(frozen=True)
class SumPeople:
    """Kernel over known rows by (userId, timestamp, movieId): one row a person, with all their ratings.

    `rated` (int64), `half_stars` (uint8) and `timestamps` (int64) are parallel little-endian arrays, oldest first: the bytes
    that the feature store keeps.
    """

    genres: Genres
    favourites: int

    @property
    def schema(self) -> pa.Schema:
        """A person's sums, favourite genres by name, and ratings."""
        lists = [("favourite_genres", pa.list_(pa.string()))]
        ratings = [(name, pa.large_binary()) for name in ("rated", "half_stars", "timestamps")]
        return pa.schema([(Columns.USER, pa.int64()), *((name, pa.int64()) for name in USER_SUMS), *lists, *ratings])

    def __call__(self, rows: pa.Table) -> pa.Table:
        user, movie, time, half = (column(rows, name) for name in (*_names(_KEY), "half"))
        liked, year, mask = (column(rows, name) for name in ("liked", Columns.YEAR, "genre_mask"))
        starts = np.flatnonzero(run_starts(user) == np.arange(len(user)))
        sums = np.add.reduceat(_user_terms(half, liked, year), starts, axis=1)
        best = favourites(np.add.reduceat(self.genres.bits(mask * liked), starts, axis=1), self.favourites)
        packed = (movie.astype("<i8"), half.astype(np.uint8), time.astype("<i8"))
        arrays = [user[starts], *sums, self._named(best.T), *(_cut(values, starts) for values in packed)]
        return pa.Table.from_arrays(
            [values if isinstance(values, pa.Array) else pa.array(values) for values in arrays], schema=self.schema
        )

    def _named(self, codes: NDArray[np.int8]) -> pa.Array:
        """(people, favourites) codes → list<string>, the zeros left out."""
        offsets = np.concatenate([[0], np.cumsum((codes > 0).sum(axis=1))]).astype(np.int32)
        names = pa.array(self.genres.names, type=pa.string()).take(pa.array(codes[codes > 0].astype(np.int64) - 1))
        return pa.ListArray.from_arrays(pa.array(offsets), names)


def _user_terms(half: Ints, liked: Ints, year: Ints) -> Ints:
    """(len(USER_SUMS), n) what each row adds to its person's sums."""
    dated = liked * (year > 0)
    return np.stack([np.ones_like(half), half, half * half, liked, dated, dated * year])


def _narrow(values: object, field: pa.Field) -> pa.Array:
    """To the field's type; a sum beyond it is an error, never a wrong number."""
    return values if isinstance(values, pa.Array) else pa.array(values).cast(field.type)


def _cut(values: NDArray[np.generic], starts: Ints) -> pa.Array:
    """The bytes of a contiguous array, cut at `starts` into one binary each, without copying."""
    offsets = np.concatenate([starts, [len(values)]]).astype(np.int64) * values.itemsize
    data = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.large_binary(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _names(fields: list[tuple[str, pa.DataType]]) -> list[str]:
    return [name for name, _ in fields]


FOREVER: Final = MAX_ID
"""A cut that no timestamp reaches."""
