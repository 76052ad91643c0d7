"""How long things stay: what is too old goes, what is not stays, and nothing of it is left in the file."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.config import Feedback
from sparrow.errors import StoreUnavailable
from sparrow.feedback.retention import Retention, keep_to_days
from sparrow.stores.clearing import DAY, Cleared, forget_person
from sparrow.stores.event_history import EventHistory
from sparrow.stores.live import TELLING, LiveStore
from sparrow.stores.served import ServedLog
from tests.stores.test_served import LIST

NOW = 1_700_000_000


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A rating and a click of 10, 100 and 200 days ago, by persons 1 and 2; lists of the same days."""
    live, served = LiveStore(tmp_path), ServedLog(tmp_path)
    for days in (10, 100, 200):
        at = NOW - days * DAY
        rows = [{"type": kind, "userId": user, "movieId": days, "value": 4.0} for kind, user in KINDS]
        live.append([{**row, "timestamp": at} for row in rows])
        served.append(
            [replace(LIST, recommendation_id=f"list-{days}-{who}", user_id=who, timestamp=at) for who in (1, None)]
        )
    yield tmp_path
    live.close()
    served.close()


KINDS = (("rating", 1), ("click", 1), ("rating", 2))


def left(home: Path) -> list[tuple[str, int, int]]:
    return [(event["type"], event["userId"], event["movieId"]) for event in EventHistory(home).events()]


def lists_left(home: Path) -> list[str]:
    log = ServedLog(home)
    names = [one.recommendation_id for one in log.since()]
    log.close()
    return names


def test_ratings_stay_for_ever_unless_told_otherwise(home: Path) -> None:
    assert keep_to_days(home, Feedback(), NOW) == Cleared(events=1, served_lists=2)
    assert ("click", 1, 200) not in left(home)
    assert len(left(home)) == 8
    assert lists_left(home) == [f"list-{days}-{who}" for days in (100, 10) for who in (1, None)]


def test_each_kind_has_its_own_days(home: Path) -> None:
    settings = Feedback(taste_days=150, traffic_days=50, served_days=0)
    assert keep_to_days(home, settings, NOW) == Cleared(events=2 + 2, served_lists=0)
    assert left(home) == [(kind, user, 10) for kind, user in KINDS] + [("rating", 1, 100), ("rating", 2, 100)]


def test_old_rows_go_some_at_a_time_until_none_is_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparrow.stores.clearing.CHUNK", 1)
    assert keep_to_days(home, Feedback(taste_days=50, traffic_days=50, served_days=50), NOW) == Cleared(6, 4)
    assert left(home) == [(kind, user, 10) for kind, user in KINDS]


def test_nothing_of_a_person_is_looked_for_in_the_whole_log(home: Path) -> None:
    with closing(sqlite3.connect(home / "live.sqlite")) as log:
        for table in (f"events WHERE {TELLING} AND", f"events WHERE NOT ({TELLING}) AND", "served WHERE"):
            [plan] = log.execute(f"EXPLAIN QUERY PLAN DELETE FROM {table} user_id = 1").fetchall()
            assert plan[-1].startswith("SEARCH"), plan


def test_the_server_clears_when_it_starts(home: Path) -> None:
    retention = Retention(home, Feedback(served_days=50), clock=lambda: NOW)
    retention.close()
    assert lists_left(home) == ["list-10-1", "list-10-None"]


def test_whoever_is_forgotten_leaves_no_byte_behind_and_nobody_else_goes(tmp_path: Path) -> None:
    live, served = LiveStore(tmp_path), ServedLog(tmp_path)
    secret = "a-very-particular-recommendation"
    live.append([{"type": "click", "userId": 1, "movieId": 5, "recommendationId": secret, "timestamp": NOW}])
    live.append(
        [{"type": "rating", "userId": 1, "movieId": 5, "value": 1.0, "timestamp": NOW, "outsideUserId": "Ann O"}]
    )
    live.append([{"type": "rating", "userId": 2, "movieId": 6, "value": 2.0, "timestamp": NOW}])
    served.append([replace(LIST, user_id=1, recommendation_id=secret), replace(LIST, user_id=2)])
    assert forget_person(tmp_path, 1, NOW) == Cleared(events=2, served_lists=1)
    assert live.events_of(1) == []
    assert left(tmp_path) == [("rating", 2, 6)]
    assert lists_left(tmp_path) == [LIST.recommendation_id]
    assert live.outside_people() == {}
    assert live.forgotten() == {1: NOW}
    for name in ("live.sqlite", "live.sqlite-wal"):
        content = (tmp_path / name).read_bytes()
        assert secret.encode() not in content
        assert b"Ann O" not in content
    assert forget_person(tmp_path, 1, NOW + 5) == Cleared(0, 0)
    assert live.forgotten() == {1: NOW + 5}
    live.close()
    served.close()


def test_what_was_on_its_way_to_the_log_does_not_come_after_the_wish(tmp_path: Path) -> None:
    """A list in a queue, an event whose time was judged a moment before: both are written when the person is gone."""
    live, served = LiveStore(tmp_path), ServedLog(tmp_path)
    forget_person(tmp_path, 1, NOW)
    late = {"type": "click", "userId": 1, "movieId": 5, "timestamp": NOW - 1, "outsideUserId": "Ann O"}
    assert (
        live.append([late, {**late, "userId": 2, "outsideUserId": "Bob"}, {**late, "timestamp": NOW, "movieId": 6}])
        == 2
    )
    assert live.outside_people() == {1: "Ann O", 2: "Bob"}
    assert left(tmp_path) == [("click", 2, 5), ("click", 1, 6)]
    forget_person(tmp_path, 1, NOW + 1)
    assert live.append([late]) == 0
    assert live.outside_people() == {2: "Bob"}
    sent = [replace(LIST, recommendation_id=str(who), user_id=who, timestamp=NOW) for who in (1, 2, None)]
    served.append([*sent, replace(LIST, recommendation_id="anew", user_id=1, timestamp=NOW + 1)])
    assert lists_left(tmp_path) == ["2", "None", "anew"]
    live.close()
    served.close()


def test_a_reader_in_the_way_holds_no_writer_up_and_the_next_clearing_overwrites(tmp_path: Path) -> None:
    live, secret = LiveStore(tmp_path), "a-very-particular-recommendation"
    live.append([{"type": "click", "userId": 1, "movieId": 5, "recommendationId": secret, "timestamp": NOW}])
    reader = sqlite3.connect(tmp_path / "live.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchall()
    writer = sqlite3.connect(tmp_path / "live.sqlite", isolation_level=None, timeout=1.0)
    clearing = threading.Thread(target=forget_person, args=(tmp_path, 1, NOW))
    clearing.start()
    written = 0
    while clearing.is_alive():
        writer.execute("INSERT INTO outside_people VALUES (?, 'x')", (written,))
        written += 1
        time.sleep(0.002)  # SQLite's lock is not fair: who writes without a breath starves the others
    assert live.forgotten() == {1: NOW}
    assert written, "whoever writes meanwhile is served within a second, not refused after five"
    assert live.events_of(1) == []
    assert secret.encode() in (tmp_path / "live.sqlite-wal").read_bytes()
    reader.close()
    assert keep_to_days(tmp_path, Feedback(), NOW) == Cleared(0, 0)
    assert (tmp_path / "live.sqlite-wal").read_bytes() == b""
    assert secret.encode() not in (tmp_path / "live.sqlite").read_bytes()
    writer.close()
    live.close()


def test_a_file_that_another_process_holds_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, other = LiveStore(tmp_path), sqlite3.connect(tmp_path / "live.sqlite", isolation_level=None)
    monkeypatch.setattr("sparrow.stores.live.BUSY_S", 0.05)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"locked\); another process is writing: try again"):
        forget_person(tmp_path, 1, NOW)
    other.close()
    live.close()


def test_somebody_who_never_did_anything_can_be_forgotten_too(tmp_path: Path) -> None:
    assert forget_person(tmp_path / "new", 9, NOW) == Cleared(0, 0)
    store = LiveStore(tmp_path / "new")
    assert store.forgotten() == {9: NOW}
    store.close()


def test_what_cannot_be_cleared_is_said(tmp_path: Path) -> None:
    (tmp_path / "live.sqlite").write_bytes(b"no database at all, though long enough to be looked at" * 50)
    with pytest.raises(StoreUnavailable, match="cannot be cleared"):
        forget_person(tmp_path, 1, NOW)
    assert EventHistory(tmp_path / "nowhere").through == 0
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        EventHistory(tmp_path)
