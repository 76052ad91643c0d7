"""What people said when they looked at lists: "this neighbour is not alike". Kept beside the events, in `{home}/live.sqlite`.

A mark names its movies by raw id and outlives the release it was made on. It is there once `add` has returned, and there is
one per movie, neighbour and embedding.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sparrow.errors import InvalidInput, StoreUnavailable
from sparrow.stores.live import FILE, connect

Verdict = Literal["not_alike"]
NOT_ALIKE: Final[Verdict] = "not_alike"

MAX_MARKS: Final = 10_000
"""More than people make by hand; every list of marks is all of them."""

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS marks (
        movie_id INTEGER NOT NULL, neighbour_id INTEGER NOT NULL, embedding TEXT NOT NULL, verdict TEXT NOT NULL,
        release TEXT NOT NULL, timestamp INTEGER NOT NULL, PRIMARY KEY (movie_id, neighbour_id, embedding));
"""
_ADD: Final = """
    INSERT INTO marks SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM marks) < ? ON CONFLICT DO NOTHING
"""
_HAS: Final = "SELECT 1 FROM marks WHERE movie_id = ? AND neighbour_id = ? AND embedding = ?"
_REMOVE: Final = "DELETE FROM marks WHERE movie_id = ? AND neighbour_id = ? AND embedding = ?"
_ALL: Final = """
    SELECT movie_id, neighbour_id, embedding, verdict, release, timestamp FROM marks ORDER BY timestamp DESC, rowid DESC
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """One bad case: `neighbour_id` stood in the list of `movie_id`; `timestamp` is seconds, UTC."""

    movie_id: int
    neighbour_id: int
    embedding: str
    verdict: Verdict
    release: str
    timestamp: int

    def as_json(self, named: Callable[[int], tuple[int | str, str]]) -> dict[str, int | str]:
        """The mark as the API and the command tell it; `named` gives a movie's outside id and title."""
        (movie, title), (neighbour, neighbour_title) = named(self.movie_id), named(self.neighbour_id)
        return {
            "movieId": movie,
            "title": title,
            "neighbourId": neighbour,
            "neighbourTitle": neighbour_title,
            "embedding": self.embedding,
            "verdict": self.verdict,
            "release": self.release,
            "timestamp": self.timestamp,
        }


class MarkStore:
    """The marks of one home. Safe to share between threads and processes."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path, self._clock, self._lock = home / FILE, clock, threading.Lock()
        try:
            self._connection = connect(self._path, _TABLES)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The marks in {self._path} cannot be opened ({error}); check the disk.") from None

    def add(self, movie_id: int, neighbour_id: int, embedding: str, release: str) -> bool:
        """Make a mark durable; False if it was there already, which then stays as it was.

        Raises:
            InvalidInput: there are `MAX_MARKS`.
            StoreUnavailable: it could not be written.
        """
        key = (movie_id, neighbour_id, embedding)
        added = self._run(_ADD, (*key, NOT_ALIKE, release, int(self._clock()), MAX_MARKS))[1] > 0
        if not added and not self._run(_HAS, key)[0]:
            raise InvalidInput(f"There are {MAX_MARKS} marks already; make rules of them and take some back first.")
        return added

    def remove(self, movie_id: int, neighbour_id: int, embedding: str) -> bool:
        """Take a mark back; False if there was none."""
        return self._run(_REMOVE, (movie_id, neighbour_id, embedding))[1] > 0

    def all(self) -> list[Mark]:
        """Every mark, newest first."""
        return [Mark(*row) for row in self._run(_ALL)[0]]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, values: tuple[int | str, ...] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """(rows read, rows written) of one statement, which is a transaction of its own."""
        with self._lock:
            try:
                cursor = self._connection.execute(statement, values)
                return cursor.fetchall(), cursor.rowcount
            except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
                raise StoreUnavailable(f"The marks in {self._path} cannot be read or written ({error}).") from None
