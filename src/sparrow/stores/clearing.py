"""What leaves `live.sqlite`: people who ask to be forgotten, and what is older than it may be.

Removed rows are overwritten in the file (`secure_delete`), and the write-ahead log, which still holds them, is emptied:
at once, or by the next clearing where somebody reads it just then.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sparrow.errors import StoreUnavailable
from sparrow.stores.bad_cases import CASE_TABLES
from sparrow.stores.live import FILE, TABLES, TELLING, connect, cure
from sparrow.stores.served import SERVED_TABLES

log = logging.getLogger(__name__)

DAY: Final = 86_400

CHUNK: Final = 5_000
"""Rows that a clearing removes at a time."""

TRIES: Final = 20
BETWEEN_TRIES_S: Final = 0.01
"""How long a read in the way is waited for, with no lock held: those of requests are over sooner."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """Rows that went."""

    events: int
    served_lists: int


def forget_person(home: Path, user_id: int, now: int) -> Cleared:
    """Remove all that a person did here and was shown, and remember durably that no build may use their ratings.

    What they do after `now` (seconds, UTC) counts as somebody new's.

    Raises:
        StoreUnavailable: it could not be written; nothing is removed.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _clearing(home / FILE) as connection:
        connection.execute("BEGIN IMMEDIATE")
        # Each kind by an index of its own: what scanned the log would hold everybody's events up.
        events = sum(
            connection.execute(f"DELETE FROM events WHERE user_id = ? AND {kind}", (user_id,)).rowcount
            for kind in (TELLING, f"NOT ({TELLING})")
        )
        lists = connection.execute("DELETE FROM served WHERE user_id = ?", (user_id,)).rowcount
        connection.execute("DELETE FROM bad_cases WHERE user_id = ?", (user_id,))
        connection.execute("DELETE FROM outside_people WHERE user_id = ?", (user_id,))
        connection.execute(
            "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET timestamp = excluded.timestamp",
            (user_id, now),
        )
        connection.execute("COMMIT")
    return Cleared(events, lists)


def clear_old(home: Path, now: int, *, taste_days: int, traffic_days: int, served_days: int) -> Cleared:
    """Remove what is older than it may be.

    Args:
        home: the state folder.
        now: seconds, UTC.
        taste_days: how long ratings, watches, dislikes and undos stay; 0: for ever.
        traffic_days: the same for impressions and clicks.
        served_days: the same for served lists.

    Raises:
        StoreUnavailable: it could not be written; what is not removed yet stays for the next time.
    """
    wanted = (
        ("bad_cases", "user_id IS NOT NULL", taste_days), ("events", TELLING, taste_days),
        ("events", f"NOT ({TELLING})", traffic_days), ("served", "TRUE", served_days),
    )  # fmt: skip
    with _clearing(home / FILE) as connection:
        gone = [_remove(connection, table, kind, now - days * DAY) if days else 0 for table, kind, days in wanted]
    return Cleared(gone[1] + gone[2], gone[3])


def _remove(connection: sqlite3.Connection, table: str, kind: str, before: int) -> int:
    """Remove what is older, some rows in each transaction: in between whoever waits may write."""
    rows = f"SELECT rowid FROM {table} WHERE {kind} AND timestamp < ? LIMIT {CHUNK}"
    removed = 0
    while gone := connection.execute(f"DELETE FROM {table} WHERE rowid IN ({rows})", (before,)).rowcount:
        removed += gone
    return removed


@contextmanager
def _clearing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that leaves nothing of what it removes."""
    try:
        with closing(connect(path, TABLES + SERVED_TABLES + CASE_TABLES)) as connection:
            yield connection
            _empty_write_ahead_log(connection, path)
    except (sqlite3.Error, OverflowError) as error:
        raise StoreUnavailable(f"{path} cannot be cleared ({error}); {cure(error)}.") from None


def _empty_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Overwrite the log of old pages, unless somebody reads it all the while: then the next clearing does.

    Nothing is waited for inside of SQLite: it would hold the write lock meanwhile, and events would be refused.
    """
    try:
        connection.execute("PRAGMA busy_timeout=0")
        for _ in range(TRIES):
            [[is_busy, *_]] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not is_busy:
                return
            time.sleep(BETWEEN_TRIES_S)
    except sqlite3.Error as error:
        log.warning("What was removed from %s is still in its write-ahead log (%s); %s.", path, error, cure(error))
