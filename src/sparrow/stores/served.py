"""Lists as they were shown: what stood where, who made it, and how likely it was. Kept beside the events in `live.sqlite`.

Events name a list by its `recommendationId`; a report joins the two. Unlike an event a list is not promised to anybody, so a
commit does not wait for the disk (`synchronous=NORMAL`) and holds up no event that does.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sparrow.errors import StoreUnavailable
from sparrow.stores.live import FILE, STAYS_OUT, TABLES, connect, cure

SERVED_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS served (
        recommendation_id TEXT PRIMARY KEY, timestamp INTEGER NOT NULL, user_id INTEGER, release TEXT NOT NULL,
        pipeline TEXT NOT NULL, arm TEXT NOT NULL, movies TEXT NOT NULL, propensities TEXT, teams TEXT);
    CREATE INDEX IF NOT EXISTS served_at ON served (timestamp);
    CREATE INDEX IF NOT EXISTS served_to ON served (user_id);
"""
_COLUMNS: Final = "recommendation_id, timestamp, user_id, release, pipeline, arm, movies, propensities, teams"
_ADD_LIST: Final = (
    f"INSERT INTO served ({_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "
    f"WHERE NOT {STAYS_OUT.format(time=2)} ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class ServedList:
    """One list that was sent.

    Attributes:
        recommendation_id: names it in events.
        timestamp: seconds, UTC.
        user_id: whose list; None for guests, and for similar movies that nobody in particular asked for.
        release: made it, with `pipeline`.
        arm: of the experiment; "" outside of any.
        movies: raw ids in the order shown; a place in it is the event's `position`.
        propensities: the chance of each place given those before it and that the order was drawn; None: it was not. An arm that
            draws a share of its lists has both kinds, and that share is no factor of these.
        teams: of an interleaved list, the arm that added each movie, 0 or 1; None: one arm made it.
    """

    recommendation_id: str
    timestamp: int
    user_id: int | None
    release: str
    pipeline: str
    arm: str
    movies: tuple[int, ...]
    propensities: tuple[float, ...] | None
    teams: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.propensities is not None and len(self.propensities) != len(self.movies):
            raise ValueError(
                f"The list {self.recommendation_id} has {len(self.movies)} movies and {len(self.propensities)} propensities; "
                "give one for each movie, or None."
            )


class ServedLog:
    """The served lists of one home. Safe to share between threads and processes; `append` waits for the file's lock."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / FILE
        self._lock = threading.Lock()
        try:
            self._connection = connect(self._path, TABLES + SERVED_TABLES)
            self._connection.execute("PRAGMA synchronous=NORMAL")
            _add_column(self._connection, "teams")
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"The log of served lists in {self._path} cannot be opened ({error}); check the disk and its rights."
            ) from None

    def append(self, lists: Sequence[ServedList]) -> None:
        """Keep these lists, all or none; a list that is there already stays as it is.

        Lists of whoever asked to be forgotten after they were sent stay out: some wait in a queue meanwhile.

        Raises:
            StoreUnavailable: they could not be written; none is kept.
        """
        rows = [_row(one) for one in lists]
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    self._connection.executemany(_ADD_LIST, rows)
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except (sqlite3.Error, OverflowError) as error:
                raise StoreUnavailable(
                    f"The log of served lists in {self._path} cannot be written ({error}); {cure(error)}."
                ) from None

    def since(self, timestamp: int = 0) -> Iterator[ServedList]:
        """Lists served at `timestamp` (seconds, UTC) or later, oldest first."""
        yield from self._read(
            f"SELECT {_COLUMNS} FROM served WHERE timestamp >= ? ORDER BY timestamp, rowid", timestamp
        )

    def newest(self, timestamp: int, most: int) -> Iterator[ServedList]:
        """Like `since`, newest first and so many at most."""
        query = f"SELECT {_COLUMNS} FROM served WHERE timestamp >= ? ORDER BY timestamp DESC, rowid DESC LIMIT ?"
        yield from self._read(query, timestamp, most)

    def _read(self, query: str, *values: int) -> Iterator[ServedList]:
        # A connection of its own: a long read must not keep the writer waiting.
        try:
            reader = connect(self._path, SERVED_TABLES)
            try:
                for row in reader.execute(query, values):
                    yield _served(*row)
            finally:
                reader.close()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The log of served lists in {self._path} cannot be read ({error}).") from None

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _add_column(connection: sqlite3.Connection, name: str) -> None:
    """Homes of before there was one get it; another worker may be faster."""
    if name not in {row[1] for row in connection.execute("PRAGMA table_info(served)")}:
        with suppress(sqlite3.OperationalError):
            connection.execute(f"ALTER TABLE served ADD COLUMN {name} TEXT")


def _row(one: ServedList) -> tuple[object, ...]:
    propensities = None if one.propensities is None else json.dumps(one.propensities)
    about = (one.recommendation_id, one.timestamp, one.user_id, one.release, one.pipeline, one.arm)
    teams = None if one.teams is None else json.dumps(one.teams, separators=(",", ":"))
    return *about, json.dumps(one.movies, separators=(",", ":")), propensities, teams


def _served(
    name: str,
    timestamp: int,
    user: int | None,
    release: str,
    pipeline: str,
    arm: str,
    movies: str,
    chances: str | None,
    drafted: str | None,
) -> ServedList:
    propensities = None if chances is None else tuple(json.loads(chances))
    teams = None if drafted is None else tuple(json.loads(drafted))
    return ServedList(name, timestamp, user, release, pipeline, arm, tuple(json.loads(movies)), propensities, teams)
