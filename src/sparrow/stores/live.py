"""What people did since the release was built: a durable, idempotent log in SQLite (WAL), shared by all workers of a home.

An event is there once `append` has returned (`synchronous=FULL`: the file system was told to write it), and counts once per
`eventId`; one that came without gets one, so that an export can be imported again. `online.later_events` sums a person's events
into what the request path needs; `event_history` reads the whole log, `clearing` removes from it.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sparrow.errors import StoreUnavailable

FILE: Final = "live.sqlite"

MAX_EVENTS: Final = 1000
"""A person's newest events that a request reads, of those that tell their taste: what a thousand later ones followed, a dislike
too, counts for the next build alone."""

MAX_EXPOSURES: Final = 500
"""A person's newest impressions and clicks that a request reads where fatigue is on: some twenty lists of 24, 3 ms to read."""

TELLING_TYPES: Final = ("rating", "watch", "dislike", "undo")
TELLING: Final = f"type IN {TELLING_TYPES!r}"
"""Impressions and clicks come by the hundred; among them a dislike would soon be out of a request's sight."""

BUSY_S: Final = 5.0
"""How long one process waits for another's write."""

TABLES: Final = f"""
    CREATE TABLE IF NOT EXISTS events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT UNIQUE, type TEXT NOT NULL, user_id INTEGER NOT NULL,
        movie_id INTEGER NOT NULL, value REAL, position INTEGER, recommendation_id TEXT, timestamp INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS telling_events ON events (user_id, seq) WHERE {TELLING};
    CREATE INDEX IF NOT EXISTS other_events ON events (user_id) WHERE NOT ({TELLING});
    CREATE INDEX IF NOT EXISTS events_at ON events (timestamp);
    CREATE TABLE IF NOT EXISTS outside_people (user_id INTEGER PRIMARY KEY, outside_id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS forgotten (user_id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL);
"""
STAYS_OUT: Final = "EXISTS (SELECT 1 FROM forgotten WHERE user_id = ?3 AND timestamp > ?{time})"
"""Whether person ?3 has asked to be forgotten since. Asked while the row is written: a moment earlier it may not be so yet."""

_ADD_EVENT: Final = (
    "INSERT INTO events (event_id, type, user_id, movie_id, value, position, recommendation_id, timestamp) "
    f"SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT {STAYS_OUT.format(time=8)} ON CONFLICT (event_id) DO NOTHING"
)
_REMEMBER_PERSON: Final = "INSERT INTO outside_people VALUES (?, ?) ON CONFLICT DO NOTHING"
FIELDS: Final = ("eventId", "type", "userId", "movieId", "value", "position", "recommendationId", "timestamp")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event: `value` is stars for a rating, seconds for a watch; `timestamp` is seconds, UTC."""

    seq: int
    type: str
    movie_id: int
    value: float | None
    timestamp: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """An impression or a click; the list is None where the event named none."""

    type: str
    movie_id: int
    recommendation_id: str | None


LAST_GIVEN: Final = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'"
"""The newest number that a log has given, 0 for none; that of an event which was forgotten since is not given again."""


class LiveStore:
    """The events of one home, `{home}/live.sqlite`. Safe to share between threads and processes.

    Reading has a connection of its own: a request must not wait while an `append` waits for another process or the disk.
    """

    waits = False

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / FILE
        self._lock, self._read_lock = threading.Lock(), threading.Lock()
        try:
            self._connection, self._reader = connect(self._path, TABLES), connect(self._path, TABLES)
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"The event log {self._path} cannot be opened ({error}); check the disk and its rights."
            ) from None

    def append(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Make events durable, all or none.

        Args:
            events: maps with the fields of `POST /api/v1/events`, `timestamp` included; `outsideUserId` is what the person
                is called, if not by the number `userId`, and is remembered with their first event.

        Returns:
            How many were new; the others had an `eventId` that is known, or are older than their person's wish to be forgotten.

        Raises:
            StoreUnavailable: they could not be written; none is kept.
        """
        rows = [tuple(event.get(name) for name in FIELDS) for event in events]
        rows = [(name or str(uuid.uuid4()), *rest) for name, *rest in rows]
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    added = [event for event, row in zip(events, rows, strict=True) if self._add(row)]
                    people = {event["userId"]: event["outsideUserId"] for event in added if "outsideUserId" in event}
                    self._connection.executemany(_REMEMBER_PERSON, people.items())
                    self._connection.execute("COMMIT")
                finally:
                    # Whatever went wrong: a transaction left open would refuse every later event.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
                raise StoreUnavailable(
                    f"The event log {self._path} cannot be written ({error}); check the events, and {cure(error)}."
                ) from None
        return len(added)

    def _add(self, row: Sequence[Any]) -> bool:
        return self._connection.execute(_ADD_EVENT, row).rowcount > 0

    def events_of(self, user_id: int, after: int = 0) -> list[StoredEvent]:
        """A person's newest `MAX_EVENTS` watches, dislikes, undos, and ratings with a number above `after`, oldest first.

        A release holds ratings and nothing else, so the others count whatever it was built from.
        """
        query = (
            "SELECT seq, type, movie_id, value, timestamp FROM events WHERE user_id = ? AND (seq > ? OR type <> 'rating') "
            f"AND {TELLING} ORDER BY seq DESC LIMIT {MAX_EVENTS}"
        )
        rows = self._rows(query, (user_id, after))
        return [StoredEvent(*row) for row in reversed(rows)]

    def exposures_of(self, user_id: int, since: int) -> list[Exposure]:
        """What a person was shown and clicked since then (seconds, UTC), of their newest `MAX_EXPOSURES`; newest first."""
        newest = (
            "SELECT type, movie_id, recommendation_id, timestamp FROM events "
            f"WHERE user_id = ? AND NOT ({TELLING}) ORDER BY seq DESC LIMIT {MAX_EXPOSURES}"
        )
        rows = self._rows(
            f"SELECT type, movie_id, recommendation_id FROM ({newest}) WHERE timestamp >= ?", (user_id, since)
        )
        return [Exposure(*row) for row in rows]

    def forgotten(self) -> dict[int, int]:
        """userId → when they asked to be forgotten (seconds, UTC)."""
        return dict(self._rows("SELECT user_id, timestamp FROM forgotten"))

    def outside_people(self) -> dict[int, str]:
        """userId → what the person is called, of everyone who left an event under another name than that number."""
        return dict(self._rows("SELECT user_id, outside_id FROM outside_people"))

    def last_seq(self) -> int:
        """The newest sequence number, 0 when there is none."""
        [[seq]] = self._rows("SELECT coalesce(max(seq), 0) FROM events")
        return int(seq)

    def last_given(self) -> int:
        """The newest number that was ever given, were its event forgotten since."""
        [[seq]] = self._rows(LAST_GIVEN)
        return int(seq)

    def close(self) -> None:
        for lock, connection in ((self._lock, self._connection), (self._read_lock, self._reader)):
            with lock:
                connection.close()

    def _rows(self, query: str, values: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock:
            try:
                return self._reader.execute(query, values).fetchall()
            except (sqlite3.Error, OverflowError) as error:
                raise StoreUnavailable(f"The event log {self._path} cannot be read ({error}).") from None


def connect(path: Path, tables: str) -> sqlite3.Connection:
    """Open a file of tables; workers that start together wait their turn, which SQLite does not do for the change to WAL."""
    deadline = time.monotonic() + BUSY_S
    while True:
        connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # Whoever moves rows to other pages leaves nothing behind: `clearing` could not find it.
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(tables)
        except sqlite3.Error as error:
            connection.close()
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return connection


def is_busy(error: Exception) -> bool:
    """Whether another process held the file's lock for too long."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def cure(error: Exception) -> str:
    """What helps against an error of writing: a lock that another process holds is no full disk."""
    return "another process is writing: try again" if is_busy(error) else "check the disk's free space and try again"
