"""The rules as a versioned document: every version that was ever put, up to `KEPT`, in `{home}/live.sqlite` or in Redis.

Version 0 is what `sparrow.toml` says, and is stored nowhere; a stored version without a document says the same again. A change
names the version it was made from, so that nobody undoes another's without having seen it.

    version 1 2 3   put A, put B, put C
    undo            version 4 is B again, and remembers that it is version 2
    undo            version 5 is A again, which is version 1
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sparrow.errors import Busy, StoreUnavailable
from sparrow.stores.live import FILE, connect

KEPT: Final = 1000
"""Versions that stay."""

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS rules (
        version INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, author TEXT NOT NULL, comment TEXT NOT NULL,
        restores INTEGER, document TEXT);
"""
_COLUMNS: Final = "version, timestamp, author, comment, restores, document"
_NEWEST: Final = f"SELECT {_COLUMNS} FROM rules ORDER BY version DESC LIMIT ?"
_NUMBER: Final = "SELECT coalesce(max(version), 0) FROM rules"
_FIND: Final = f"SELECT {_COLUMNS} FROM rules WHERE version = ?"
_ADD: Final = f"INSERT INTO rules ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ? WHERE ({_NUMBER}) = ?"
_TRIM: Final = "DELETE FROM rules WHERE version <= ?"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the rules.

    Attributes:
        version: 1, 2, 3 …; 0: nothing was ever put.
        timestamp: seconds, UTC.
        author: who put it, in their own words.
        comment: why.
        restores: the version that an undo brought back; None: it was put.
        document: JSON; None: what `sparrow.toml` says.
    """

    version: int = 0
    timestamp: int = 0
    author: str = ""
    comment: str = ""
    restores: int | None = None
    document: str | None = None

    @property
    def stands_for(self) -> int:
        """The version that was put with this document."""
        return self.version if self.restores is None else self.restores


FIRST: Final = Version()


class Stale(Busy):
    """A change was made from a version that is not the newest one any more."""


class RuleStore(Protocol):
    """Where the rules are kept. Safe to share between threads. A document may be megabytes: who needs a number asks for that."""

    def number(self) -> int:
        """The newest version's number, 0 when there is none.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def find(self, number: int) -> Version | None:
        """One version; None if it is not kept.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def newest(self, count: int) -> list[Version]:
        """At most `count` versions, newest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """

    def add(self, version: Version) -> bool:
        """Make it durable if its number follows the newest one; False if it does not.

        Raises:
            StoreUnavailable: it cannot be written.
        """

    def close(self) -> None: ...


class HomeRules:
    """The rules of one home, in `{home}/live.sqlite`."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path, self._lock = home / FILE, threading.Lock()
        try:
            self._connection = connect(self._path, _TABLES)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The rules in {self._path} cannot be opened ({error}); check the disk.") from None

    def number(self) -> int:
        [[number]], _ = self._run(_NUMBER, ())
        return int(number)

    def find(self, number: int) -> Version | None:
        return next((Version(*row) for row in self._run(_FIND, (number,))[0]), None)

    def newest(self, count: int) -> list[Version]:
        return [Version(*row) for row in self._run(_NEWEST, (count,))[0]]

    def add(self, version: Version) -> bool:
        added = self._run(_ADD, (*asdict(version).values(), version.version - 1))[1] > 0
        if added:
            self._run(_TRIM, (version.version - KEPT,))
        return added

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, values: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int]:
        """(rows read, rows written) of one statement, which is a transaction of its own."""
        with self._lock:
            try:
                cursor = self._connection.execute(statement, values)
                return cursor.fetchall(), cursor.rowcount
            except (sqlite3.Error, UnicodeEncodeError) as error:
                raise StoreUnavailable(f"The rules in {self._path} cannot be read or written ({error}).") from None


class RuleBook:
    """What is done with the versions of a store, whichever it is."""

    def __init__(self, store: RuleStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def number(self) -> int:
        """The newest version's number, 0 when nothing was ever put; costs the same however long its document is."""
        return self._store.number()

    def current(self) -> Version:
        """The newest version, `FIRST` when nothing was ever put."""
        return next(iter(self._store.newest(1)), FIRST)

    def history(self, size: int) -> list[Version]:
        """At most `size` versions, newest first; the last of all is `FIRST`, if nothing was trimmed."""
        found = self._store.newest(size)
        whole = not found or found[-1].version == 1
        return [*found, FIRST][:size] if whole else found

    def put(self, document: str, expected: int, author: str, comment: str) -> Version:
        """Make a document the next version after `expected`.

        Raises:
            Stale: there is a newer one.
            StoreUnavailable: it cannot be written.
        """
        return self._add(Version(expected + 1, int(self._clock()), author, comment, None, document))

    def undo(self, expected: int | None, author: str, comment: str) -> Version:
        """Bring back what stood before the newest change that is not undone; `expected` is the newest version, if named.

        Raises:
            Stale: the newest version is not `expected`.
            Busy: there is nothing to undo, or nothing left of it.
            StoreUnavailable: it cannot be read or written.
        """
        newest = self.current()
        if expected is not None and newest.version != expected:
            raise _stale(expected, newest.version)
        if newest.stands_for == 0:
            raise Busy("There is no change of the rules to undo; they are what sparrow.toml says.")
        before = FIRST if newest.stands_for == 1 else self._store.find(newest.stands_for - 1)
        if before is None:
            raise Busy(f"What stood before version {newest.stands_for} is not kept any more; put the rules you want.")
        back = Version(newest.version + 1, int(self._clock()), author, comment, before.stands_for, before.document)
        return self._add(back)

    def close(self) -> None:
        self._store.close()

    def _add(self, version: Version) -> Version:
        if not self._store.add(version):
            raise _stale(version.version - 1, self.current().version)
        return version


def open_rules(home: Path, url: str, timeout_s: float) -> RuleBook:
    """The rules behind `--store`: Redis by its URL, "" for the home itself.

    Raises:
        InvalidInput: the URL cannot be read.
        StoreUnavailable: the home's file cannot be opened.
    """
    if not url:
        return RuleBook(HomeRules(home))
    from sparrow.stores.redis_rules import RedisRules

    return RuleBook(RedisRules(url, timeout_s))


def as_text(version: Version) -> str:
    """A version as one JSON text, for stores that keep texts."""
    return json.dumps(asdict(version))


def _stale(expected: int, newest: int) -> Stale:
    return Stale(
        f"The rules are at version {newest}, the change was made from version {expected}; read them again first."
    )
