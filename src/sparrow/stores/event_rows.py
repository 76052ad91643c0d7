"""Events as plain rows for reports: what of which kind happened when, from the log of one home. Never on the request path."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sparrow.errors import StoreUnavailable
from sparrow.stores.live import FILE, connect

Row = tuple[int, str, float, str | None, int]
"""(person, type, value or 0, recommendationId, timestamp)."""


def event_rows(home: Path, types: Sequence[str], since: int = 0) -> Iterator[Row]:
    """Events of these types at `since` (seconds, UTC) or later, in the order of arrival; none where there is no log.

    Raises:
        StoreUnavailable: the log is there and cannot be read.
    """
    marks = ", ".join("?" * len(types))
    query = (
        "SELECT user_id, type, coalesce(value, 0.0), recommendation_id, timestamp FROM events "
        f"WHERE timestamp >= ? AND type IN ({marks}) ORDER BY seq"
    )
    yield from _rows(home, query, since, *types)


def clicked_movies(home: Path, since: int = 0) -> Iterator[tuple[int, str, int]]:
    """(person, recommendationId, movie) of clicks on a list at `since` (seconds, UTC) or later.

    Raises:
        StoreUnavailable: as for `event_rows`.
    """
    query = (
        "SELECT user_id, recommendation_id, movie_id FROM events "
        "WHERE timestamp >= ? AND type = 'click' AND recommendation_id IS NOT NULL ORDER BY seq"
    )
    yield from _rows(home, query, since)


def count_events(home: Path, after: int = 0) -> dict[str, int]:
    """Event type → how many have a number above `after`.

    Raises:
        StoreUnavailable: as for `event_rows`.
    """
    return dict(_rows(home, "SELECT type, count(*) FROM events WHERE seq > ? GROUP BY type", after))


def _rows(home: Path, query: str, *values: int | str) -> Iterator[Any]:
    path = home / FILE
    if not path.is_file():
        return
    try:
        with closing(connect(path, "")) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone():
                yield from connection.execute(query, values)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The event log {path} cannot be read ({error}).") from None
