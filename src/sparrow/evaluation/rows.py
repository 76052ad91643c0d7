"""Interaction rows as protocols see them: parallel arrays in file order, read from anyone's CSV."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.schema import Columns

Ids = NDArray[np.int64]

CSV_COLUMNS: Final = (Columns.USER, Columns.MOVIE, Columns.RATING, Columns.TIMESTAMP)
"""`userId,movieId[,rating[,timestamp]]`, in any order under a header, in this order without one."""


@dataclass(frozen=True)
class Rows:
    """Who met what, in file order.

    Attributes:
        users, movies: (n,) raw ids.
        stars: (n,) ratings, or None when the file has none.
        timestamps: (n,) seconds, UTC, or None when the file has none; then file order is time.
    """

    users: Ids
    movies: Ids
    stars: NDArray[np.float64] | None = None
    timestamps: Ids | None = None

    def __post_init__(self) -> None:
        columns = (self.movies, self.stars, self.timestamps)
        lengths = {len(self.users), *(len(column) for column in columns if column is not None)}
        if len(lengths) > 1:
            raise ValueError(f"Rows need columns of one length; got {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.users)

    def take(self, chosen: NDArray[Any]) -> "Rows":
        """The rows of a mask, or of positions in the order given."""
        stars = None if self.stars is None else self.stars[chosen]
        timestamps = None if self.timestamps is None else self.timestamps[chosen]
        return Rows(self.users[chosen], self.movies[chosen], stars, timestamps)

    def joined(self, other: "Rows") -> "Rows":
        """These rows, then the other's; a column that one of them lacks is lost."""
        stars = None if self.stars is None or other.stars is None else np.concatenate((self.stars, other.stars))
        lacks_time = self.timestamps is None or other.timestamps is None
        timestamps = None if lacks_time else np.concatenate((self.times(), other.times()))
        users, movies = (np.concatenate(pair) for pair in ((self.users, other.users), (self.movies, other.movies)))
        return Rows(users, movies, stars, timestamps)

    def times(self) -> Ids:
        """(n,) timestamps, zeros where there are none, so that a stable sort keeps file order."""
        return np.zeros(len(self), dtype=np.int64) if self.timestamps is None else self.timestamps

    def in_time(self) -> Ids:
        """(n,) positions by person, then timestamp, then file order."""
        order: Ids = np.lexsort((np.arange(len(self)), self.times(), self.users))
        return order


def read_rows(path: Path) -> Rows:
    """Read `userId,movieId[,rating[,timestamp]]`, with or without a header; further columns are ignored.

    Raises:
        DataError: the file is missing, empty, lacks a column, or a field is no number (naming the line).
    """
    names, has_header = _columns_of(path)
    found = [name for name in CSV_COLUMNS if name in names]
    types: Any = [(name, np.int64 if name in CSV_COLUMNS[:2] else np.float64) for name in found]
    places = [names.index(name) for name in found]
    try:
        table = np.loadtxt(
            path, types, delimiter=",", skiprows=int(has_header), usecols=places, encoding="utf-8-sig", ndmin=1
        )
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error} (the first row of data is row 0). Mend that field.") from None
    stars = table[Columns.RATING] if Columns.RATING in found else None
    timestamps = table[Columns.TIMESTAMP].astype(np.int64) if Columns.TIMESTAMP in found else None
    return Rows(table[Columns.USER].copy(), table[Columns.MOVIE].copy(), stars, timestamps)


def read_movies(path: Path) -> Ids:
    """Read movie ids: the column `movieId` of a CSV, or its first column without a header.

    Raises:
        DataError: the file is missing, empty, or a field is no id.
    """
    first = _first_line(path)
    names = [name.strip() for name in first.split(",")]
    place = names.index(Columns.MOVIE) if Columns.MOVIE in names else 0
    header = not _is_number(names[place])
    lines = path.read_text(encoding="utf-8-sig").splitlines()[int(header) :]
    fields = [line.split(",")[place].strip() for line in lines if line.strip()]
    try:
        return np.unique(np.array([int(field) for field in fields], dtype=np.int64))
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path} holds something that is no movie id: {error}. Mend that line.") from None


def _columns_of(path: Path) -> tuple[list[str], bool]:
    """Column names, and whether the file itself names them."""
    fields = [field.strip() for field in _first_line(path).split(",")]
    if all(_is_number(field) for field in fields):
        fields, header = list(CSV_COLUMNS[: len(fields)]), False
    else:
        header = True
    missing = [name for name in CSV_COLUMNS[:2] if name not in fields]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r} (its first line: {fields}); name the columns "
                        "userId,movieId[,rating[,timestamp]].")  # fmt: skip
    return fields, header


def _first_line(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"There is no file {path}; name a CSV file of userId,movieId[,rating[,timestamp]].")
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    if not first.strip():
        raise DataError(f"{path} is empty; give it rows of userId,movieId[,rating[,timestamp]].")
    return first.strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def keep_newest(rows: Rows) -> tuple[Rows, int]:
    """One row of each (person, movie), the newest by (timestamp, file order); the others are counted.

    Example:
        >>> rows, dropped = keep_newest(Rows(np.array([1, 1, 2]), np.array([5, 5, 5]), np.array([1.0, 4.0, 3.0])))
        >>> rows.stars.tolist(), dropped
        ([4.0, 3.0], 1)
    """
    order = np.lexsort((np.arange(len(rows)), rows.times(), rows.movies, rows.users))
    users, movies = rows.users[order], rows.movies[order]
    last = np.ones(len(rows), dtype=np.bool_)
    last[:-1] = (users[1:] != users[:-1]) | (movies[1:] != movies[:-1])
    return rows.take(np.sort(order[last])), int((~last).sum())


def is_in(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """(n,) whether each (person, movie) of `rows` stands in `others` too."""
    both = rows.joined(others)
    _, people = np.unique(both.users, return_inverse=True)
    _, movies = np.unique(both.movies, return_inverse=True)
    pairs = people.astype(np.int64) * (int(movies.max(initial=0)) + 1) + movies
    bounds = (0, len(rows), len(both))
    own, other = (pairs[start:end] for start, end in pairwise(bounds))
    return np.isin(own, other)
