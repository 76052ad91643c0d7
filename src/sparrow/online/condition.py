"""`[candidates] where`: an SQL condition over the catalogue, evaluated by SQLite once per release and change of the rules.

The condition sees one table with a row a movie and nothing else: an authorizer refuses every other table, write, pragma and
recursion, and a limit on steps ends what would run for minutes.

    columns      movie_id, title, year (0 unknown), genres, rating_count, rating_mean (stars, 0.0 without ratings)
    functions    has(genres, 'Horror'), and those of SQL: lower, length, abs, round, coalesce …
"""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import InvalidInput
from sparrow.online.catalog import Catalog

MOST_STEPS: Final = 100
"""Millions of SQLite's instructions; a comparison of 60,000 movies takes less than one."""

LONGEST_VALUE: Final = 1 << 20
"""Bytes of any text that a condition may make."""

_COLUMNS: Final = "movie_id, title, year, genres, rating_count, rating_mean"
_SEPARATOR: Final = "|"
_FORBIDDEN: Final = frozenset(
    {
        *("random", "randomblob", "zeroblob", "load_extension", "changes", "total_changes", "last_insert_rowid"),
        *("current_date", "current_time", "current_timestamp", "date", "time", "datetime", "julianday", "strftime"),
        *("unixepoch", "timediff"),
    }
)
"""What gives another answer each time, or only once: the condition is evaluated when a rule changes, not for each request."""


def meets(catalog: Catalog, condition: str) -> NDArray[np.bool_]:
    """(n,) which movies of the catalogue meet an SQL condition; all of them meet an empty one.

    Raises:
        InvalidInput: it is no condition over these columns, or takes too long.
    """
    if not condition.strip():
        return np.ones(len(catalog), np.bool_)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute(f"CREATE TABLE movies (place INTEGER PRIMARY KEY, {_COLUMNS})")
        connection.executemany("INSERT INTO movies VALUES (?, ?, ?, ?, ?, ?, ?)", _rows(catalog))
        _confine(connection)
        return _truths(connection, condition, len(catalog))
    except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError, OverflowError, ValueError) as error:
        raise InvalidInput(
            f"candidates.where is {condition!r:.200}, which cannot be used ({error}); write an SQL condition over "
            f"{_COLUMNS}, e.g. year >= 1950 AND NOT has(genres, 'Horror')."
        ) from None
    finally:
        connection.close()


def _truths(connection: sqlite3.Connection, condition: str, movies: int) -> NDArray[np.bool_]:
    """(movies,) the condition's truth for each place.

    A condition that closes the parenthesis becomes a query of its own making; whatever that gives, it is believed only if it
    is one truth for each movie. One row more than that is read, not all that a join can make.
    """
    # The line break ends a comment at the end of the condition.
    told = connection.execute(f"SELECT place, ({condition}\n) IS TRUE FROM movies")
    truths = {row[0]: row[1:] for row in islice(told, movies + 1)}
    if len(told.description) != 2 or truths.keys() != set(range(movies)) or told.fetchone():
        raise ValueError("it is not one truth for each movie")
    return np.array([truths[place][0] for place in range(movies)], np.bool_)


def _rows(catalog: Catalog) -> Iterator[tuple[int | float | str, ...]]:
    for place, movie in enumerate(catalog.facts):
        genres = _SEPARATOR.join(movie.genres)
        title = movie.title.encode("utf-8", "replace").decode()
        yield place, movie.movie_id, title, movie.release_year, genres, movie.rating_count, movie.rating_mean


def _confine(connection: sqlite3.Connection) -> None:
    connection.create_function("has", 2, _has, deterministic=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.set_authorizer(_allow)
    steps = iter(range(MOST_STEPS))
    connection.set_progress_handler(lambda: next(steps, None) is None, 1_000_000)


def _allow(action: int, first: str | None, second: str | None, *_: Any) -> int:
    reads = action == sqlite3.SQLITE_READ and first == "movies"
    computes = action == sqlite3.SQLITE_FUNCTION and second not in _FORBIDDEN
    allowed = action == sqlite3.SQLITE_SELECT or reads or computes
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _has(genres: str, genre: str) -> bool:
    return genre in genres.split(_SEPARATOR)
