"""The whole event log, read from its beginning: for the next build, for export, for a check. Never on the request path."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sparrow.errors import StoreUnavailable
from sparrow.stores.live import FIELDS, FILE, TABLES, TELLING, StoredEvent, connect

_COLUMNS: Final = "event_id, type, user_id, movie_id, value, position, recommendation_id, timestamp"
"""In the order of `FIELDS`."""


class EventHistory:
    """The log of one home as it stood when this was made, or up to event number `until`: up to the event number `through`."""

    def __init__(self, home: Path, until: int | None = None) -> None:
        self._path = home / FILE
        newest = self._rows("SELECT coalesce(max(seq), 0) FROM events") if self._path.is_file() else iter([(0,)])
        found: int = next(newest)[0]
        self.through = found if until is None else min(found, until)

    def by_person(self) -> Iterator[tuple[int, list[StoredEvent]]]:
        """(person, all their ratings, watches, dislikes and undos), by ascending id, each oldest first."""
        columns = "user_id, seq, type, movie_id, value, timestamp"
        rows = self._all(f"SELECT {columns} FROM events WHERE {TELLING} AND seq <= ? ORDER BY user_id, seq")
        for user, own in groupby(rows, key=lambda row: row[0]):
            yield user, [StoredEvent(*row[1:]) for row in own]

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event as `LiveStore.append` took it, in the order of arrival; what it does not tell is left out."""
        for row in self._all(f"SELECT {_COLUMNS} FROM events WHERE seq <= ? ORDER BY seq"):
            yield {name: value for name, value in zip(FIELDS, row, strict=True) if value is not None}

    def faults(self) -> list[str]:
        """What SQLite itself finds wrong with the file; [] when it is sound."""
        if not self._path.is_file():
            return []
        told = [str(row[0]) for row in self._rows("PRAGMA integrity_check")]
        return [] if told == ["ok"] else told

    def _all(self, query: str) -> Iterator[tuple[Any, ...]]:
        return self._rows(query, self.through) if self.through else iter(())

    def _rows(self, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
        """Rows one by one, over a connection that lasts as long as they are read."""
        try:
            with closing(connect(self._path, TABLES)) as connection:
                yield from connection.execute(query, values)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The event log {self._path} cannot be read ({error}).") from None
