"""Bad cases: a movie that somebody waved away, a neighbour that is not alike; each with the trace of the list it stood in, and
what became of it. Kept beside the events, in `{home}/live.sqlite`.

A case is there once for each person and movie, or movie, neighbour and embedding. It begins `open`; whoever sees to it says
what was done, and every change stays in its history.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from sparrow.errors import NotFound, StoreUnavailable
from sparrow.stores.live import FILE, STAYS_OUT, TABLES, connect, cure

Status = Literal["open", "rule", "fixed", "wont_fix"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
"""open → a rule keeps it out; fixed in data, settings or code; or it stays as it is."""

Kind = Literal["not_for_me", "not_alike"]

CASE_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS bad_cases (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, user_id INTEGER, movie_id INTEGER NOT NULL,
        about_id INTEGER, embedding TEXT NOT NULL, release TEXT NOT NULL, pipeline TEXT NOT NULL, recommendation_id TEXT,
        timestamp INTEGER NOT NULL, trace TEXT, status TEXT NOT NULL DEFAULT 'open', history TEXT NOT NULL DEFAULT '[]');
    CREATE UNIQUE INDEX IF NOT EXISTS one_case ON bad_cases (
        kind, movie_id, coalesce(user_id, -1), coalesce(about_id, -1), embedding);
    CREATE INDEX IF NOT EXISTS case_status ON bad_cases (status, id);
    CREATE INDEX IF NOT EXISTS case_of ON bad_cases (user_id);
"""
_COLUMNS: Final = (
    "id, kind, user_id, movie_id, about_id, embedding, release, pipeline, recommendation_id, timestamp, trace, status, "
    "history"
)
_ADD: Final = (
    "INSERT INTO bad_cases "
    "(kind, movie_id, user_id, about_id, embedding, release, pipeline, recommendation_id, timestamp, trace) "
    f"SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT {STAYS_OUT.format(time=9)} ON CONFLICT DO NOTHING"
)
_SAME: Final = "kind = ? AND movie_id = ? AND user_id IS ? AND about_id IS ? AND embedding = ?"


@dataclass(frozen=True, slots=True)
class BadCase:
    """What stood where it should not.

    Attributes:
        kind: "not_for_me": a movie in a person's list; "not_alike": a neighbour of another movie.
        movie_id: the movie that should not stand there.
        user_id: whose list, of "not_for_me".
        about_id: whose neighbour, of "not_alike".
        embedding: whose list of neighbours; "" otherwise.
        release, pipeline: made the list.
        recommendation_id: of the list, where it is known.
        timestamp: seconds, UTC.
        trace: why it stood there, as `explain=true` tells; None where nobody could be asked.
        id: its number, 0 until it is kept.
        status: what became of it.
        history: changes of status, oldest first: {"status", "author", "note", "timestamp"}.
    """

    kind: Kind
    movie_id: int
    user_id: int | None = None
    about_id: int | None = None
    embedding: str = ""
    release: str = ""
    pipeline: str = ""
    recommendation_id: str | None = None
    timestamp: int = 0
    trace: Mapping[str, Any] | None = None
    id: int = 0
    status: Status = "open"
    history: tuple[Mapping[str, Any], ...] = field(default=())

    def as_json(self, with_trace: bool = True) -> dict[str, Any]:
        """Plain values; a list of cases goes without their traces."""
        told = asdict(self)
        return told if with_trace else {name: value for name, value in told.items() if name != "trace"}


class CaseStore:
    """The bad cases of one home. Safe to share between threads and processes."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path, self._clock, self._lock = home / FILE, clock, threading.Lock()
        try:
            self._connection = connect(self._path, TABLES + CASE_TABLES)
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"The bad cases in {self._path} cannot be opened ({error}); check the disk."
            ) from None

    def add(self, case: BadCase) -> bool:
        """Keep a new case; False if it is there already, which then stays as it was.

        Raises:
            StoreUnavailable: it could not be written.
        """
        trace = None if case.trace is None else json.dumps(case.trace, default=str)
        at = case.timestamp or int(self._clock())
        values = (case.kind, case.movie_id, case.user_id, case.about_id, case.embedding, case.release, case.pipeline)
        return self._run(_ADD, (*values, case.recommendation_id, at, trace))[1] > 0

    def withdraw(self, case: BadCase) -> bool:
        """Take a case back that nobody has seen to yet; whether there was one."""
        values = (case.kind, case.movie_id, case.user_id, case.about_id, case.embedding)
        return self._run(f"DELETE FROM bad_cases WHERE {_SAME} AND status = 'open'", values)[1] > 0

    def all(self, status: Status | None = None, most: int = 100, before: int = 2**63 - 1) -> list[BadCase]:
        """Cases of a status or of all, newest first, with numbers below `before`."""
        query = (
            f"SELECT {_COLUMNS} FROM bad_cases WHERE id < ?1 AND (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT ?3"
        )
        return [_case(*row) for row in self._run(query, (before, status, most))[0]]

    def find(self, number: int) -> BadCase:
        """One case; NotFound if there is none of this number."""
        rows = self._run(f"SELECT {_COLUMNS} FROM bad_cases WHERE id = ?", (number,))[0]
        if not rows:
            raise NotFound(f"There is no bad case {number}; see: sparrow cases")
        return _case(*rows[0])

    def counts(self) -> dict[Status, int]:
        """How many there are of each status."""
        found = dict(self._run("SELECT status, count(*) FROM bad_cases GROUP BY status")[0])
        return {status: found.get(status, 0) for status in STATUSES}

    def change(self, number: int, status: Status, author: str, note: str) -> BadCase:
        """Say what became of a case.

        Raises:
            NotFound: there is none of this number.
            StoreUnavailable: it could not be written.
        """
        told = {"status": status, "author": author, "note": note, "timestamp": int(self._clock())}
        query = "UPDATE bad_cases SET status = ?, history = json_insert(history, '$[#]', json(?)) WHERE id = ?"
        self._run(query, (status, json.dumps(told), number))
        return self.find(number)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """(rows read, rows written) of one statement, which is a transaction of its own."""
        with self._lock:
            try:
                cursor = self._connection.execute(statement, values)
                return cursor.fetchall(), cursor.rowcount
            except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
                raise StoreUnavailable(
                    f"The bad cases in {self._path} cannot be read or written ({error}); {cure(error)}."
                ) from None


def _case(
    number: int, kind: Kind, user: int | None, movie: int, about: int | None, embedding: str, release: str, pipeline: str,
    shown_in: str | None, at: int, trace: str | None, status: Status, history: str,
) -> BadCase:  # fmt: skip
    told = None if trace is None else json.loads(trace)
    return BadCase(
        kind,
        movie,
        user,
        about,
        embedding,
        release,
        pipeline,
        shown_in,
        at,
        told,
        number,
        status,
        tuple(json.loads(history)),
    )
