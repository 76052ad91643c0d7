"""From a shared Redis into a home's own log: what reports, builds and exports read there, and what outlives the Redis.

Each home archives for itself. How far it has come stands in the same file and the same transaction as the events, so each is
there once, whoever is killed; numbers are those of Redis, so that `events_through` means the same in both.
"""

import logging
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sparrow.errors import StoreUnavailable
from sparrow.stores.clearing import forget_person
from sparrow.stores.event_history import EventHistory
from sparrow.stores.live import FIELDS, FILE, LAST_GIVEN, STAYS_OUT, TABLES, connect, cure

if TYPE_CHECKING:
    from sparrow.stores.redis_events import RedisEvents

log = logging.getLogger(__name__)

BATCH: Final = 2_000
EVERY_S: Final = 2.0

_ARCHIVE_TABLES: Final = "CREATE TABLE IF NOT EXISTS archived (reader TEXT NOT NULL, seq INTEGER NOT NULL);"
_COLUMNS: Final = "seq, event_id, type, user_id, movie_id, value, position, recommendation_id, timestamp"
_ADD: Final = (
    f"INSERT INTO events ({_COLUMNS}) SELECT ?9, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 "
    f"WHERE NOT {STAYS_OUT.format(time=8)} ON CONFLICT (event_id) DO NOTHING"
)
_CALLED: Final = "INSERT INTO outside_people VALUES (?, ?) ON CONFLICT DO NOTHING"


def catch_up(home: Path, source: "RedisEvents") -> int:
    """Archive what has come since the last time; gives how many events.

    Raises:
        StoreUnavailable: Redis cannot be read, the home cannot be written, or its numbers are those of another log.
    """
    path, taken = home / FILE, 0
    home.mkdir(parents=True, exist_ok=True)
    try:
        with closing(connect(path, TABLES + _ARCHIVE_TABLES)) as connection:
            _check_same_log(connection, path, source)
            # Before any event that came after their wish: forgetting removes all there is of a person.
            _forget(connection, home, source.forgotten())
            entries = source.entries(_cursor(connection)[1])
            while batch := list(islice(entries, BATCH)):
                taken += _archive(connection, batch)
            # Read last: a name that somebody has taken back meanwhile does not return.
            connection.executemany(_CALLED, source.outside_people().items())
            reader, seq = _cursor(connection)
    except (sqlite3.Error, OverflowError) as error:
        raise StoreUnavailable(f"{path} cannot be written ({error}); {cure(error)}.") from None
    # At 0 too: from then on nothing is let go of that this home has not read.
    source.trim(reader, seq)
    return taken


def bring_home(home: Path, url: str) -> None:
    """Archive what `[feedback] events` names, before a command reads the home's log; "" is the home itself."""
    if url:
        from sparrow.stores.redis_events import RedisEvents

        with closing(RedisEvents(url, home)) as source:
            catch_up(home, source)


def forget_in_redis(home: Path, url: str, user_id: int, now: int) -> int:
    """Forget a person where `[feedback] events` names a Redis; gives how many events went, archived ones too.

    Raises:
        StoreUnavailable: Redis cannot be written.
    """
    if not url:
        return 0
    from sparrow.stores.redis_events import RedisEvents

    with closing(RedisEvents(url, home)) as shared:
        return shared.forget(user_id, now)


def _forget(connection: sqlite3.Connection, home: Path, forgotten: dict[int, int]) -> None:
    known = dict(connection.execute("SELECT user_id, timestamp FROM forgotten"))
    for user, at in forgotten.items():
        if known.get(user, -1) < at:
            forget_person(home, user, at)


def _check_same_log(connection: sqlite3.Connection, path: Path, source: "RedisEvents") -> None:
    """Raises StoreUnavailable where a home would take events of Redis for its own, or own ones for those of Redis."""
    is_new = connection.execute("SELECT NOT EXISTS (SELECT 1 FROM archived)").fetchone()[0]
    own = connection.execute(LAST_GIVEN).fetchone()[0]
    if is_new and (began := source.begin(own)) != own and own:
        raise StoreUnavailable(
            f"{path} has {own} events of its own, and the Redis began at number {began}: these are two logs. Archive into a "
            "fresh home, and bring this one's events over: sparrow events export without [feedback] events, then import"
        )
    if not is_new and 0 < (last := source.last_seq()) < (done := _cursor(connection)[1]):
        raise StoreUnavailable(
            f"{path} has archived {done} events, and the Redis counts {last}: it has lost some. Restore its append-only file, "
            f"or let it go on behind them: redis-cli SET sparrow:live:seq {done}"
        )


def _archive(connection: sqlite3.Connection, batch: list[tuple[int, dict[str, Any]]]) -> int:
    """One transaction: the events, and how far they go; another worker may have been faster."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _cursor(connection)[1]
        rows = [(*(event.get(name) for name in FIELDS), seq) for seq, event in batch if seq > done]
        added = sum(connection.execute(_ADD, row).rowcount for row in rows)
        connection.execute("UPDATE archived SET seq = max(seq, ?)", (batch[-1][0],))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return added


def _cursor(connection: sqlite3.Connection) -> tuple[str, int]:
    """This home's name among those who read, made at the first call, and the number up to which it has read."""
    connection.execute(
        f"INSERT INTO archived SELECT ?, ({LAST_GIVEN}) WHERE NOT EXISTS (SELECT 1 FROM archived)",
        (uuid.uuid4().hex,),
    )
    reader, seq = connection.execute("SELECT reader, seq FROM archived").fetchone()
    return reader, seq


def rebuild_in_redis(home: Path, url: str) -> bool:
    """`rebuild` where `[feedback] events` names a Redis; whether it does."""
    if not url:
        return False
    from sparrow.stores.redis_events import RedisEvents

    with closing(RedisEvents(url, home)) as shared:
        rebuild(home, shared)
    return True


def rebuild(home: Path, target: "RedisEvents") -> int:
    """Put the live state of everybody in the archive anew (`sparrow events replay`); gives how many people.

    Raises:
        StoreUnavailable: either cannot be read or written.
    """
    history, people = EventHistory(home), 0
    for user, own in history.by_person():
        target.rebuild(user, own, history.through)
        people += 1
    return people


class Archiving:
    """A thread that archives while a server runs: reports and dashboards of this home go by its own log."""

    def __init__(self, home: Path, source: "RedisEvents", every_s: float = EVERY_S) -> None:
        self._home, self._source, self._every_s = home, source, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-archive", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        problem = ""
        for _ in self._turns():
            try:
                catch_up(self._home, self._source)
                problem = ""
            except StoreUnavailable as error:
                if str(error) != problem:
                    log.error("Events are not archived for now: %s", error)
                problem = str(error)

    def _turns(self) -> Iterator[None]:
        while not self._stopping.is_set():
            yield
            self._stopping.wait(self._every_s)
