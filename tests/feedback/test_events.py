"""The durable log: what it takes, what it refuses, what it counts twice, and that it forgets nothing."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.feedback.events import EARLIEST, FUTURE_SECONDS, EventLog
from sparrow.stores.clearing import Cleared, forget_person
from sparrow.stores.live import LiveStore

NOW = 1_700_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LiveStore]:
    live = LiveStore(tmp_path)
    yield live
    live.close()


@pytest.fixture
def log(store: LiveStore) -> EventLog:
    return EventLog(store, clock=lambda: NOW + 0.9)


def rating(movie: int, value: float = 4.0, **more: object) -> dict[str, object]:
    return {"type": "rating", "userId": 1, "movieId": movie, "value": value, **more}


def test_an_event_without_a_time_happened_now(log: EventLog, store: LiveStore) -> None:
    receipt = log.accept([rating(5)])
    assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (1, 0, [])
    assert [(event.movie_id, event.value, event.timestamp) for event in store.events_of(1)] == [(5, 4.0, NOW)]


def test_a_time_given_is_kept(log: EventLog, store: LiveStore) -> None:
    log.accept([rating(5, timestamp=EARLIEST), rating(6, timestamp=NOW + FUTURE_SECONDS)])
    assert [event.timestamp for event in store.events_of(1)] == [EARLIEST, NOW + FUTURE_SECONDS]


def test_a_time_before_there_were_such_pages_is_rejected_with_the_reason(log: EventLog, store: LiveStore) -> None:
    receipt = log.accept([rating(5, timestamp=EARLIEST - 1), rating(6), rating(7, timestamp=0)])
    assert receipt.accepted == 1
    assert [index for index, _ in receipt.rejected] == [0, 2]
    assert "788918399 lies before 1995" in receipt.rejected[0][1]
    assert [event.movie_id for event in store.events_of(1)] == [6]


def test_an_old_copy_brings_nobody_back_who_asked_to_be_forgotten(
    log: EventLog, store: LiveStore, tmp_path: Path
) -> None:
    log.accept([rating(5), rating(6, userId=2)])
    assert forget_person(tmp_path, 1, NOW) == Cleared(events=1, served_lists=0)
    receipt = log.accept([rating(5, timestamp=NOW - 10), rating(7), rating(8, userId=2, timestamp=NOW - 10)])
    assert (receipt.accepted, [index for index, _ in receipt.rejected]) == (2, [0])
    assert "asked to be forgotten" in receipt.rejected[0][1]
    assert [event.movie_id for event in store.events_of(1)] == [7]


def test_the_far_future_is_rejected_by_its_place_and_the_others_stay(log: EventLog, store: LiveStore) -> None:
    late = NOW + FUTURE_SECONDS + 1
    receipt = log.accept([rating(5), rating(6, timestamp=late), rating(7)])
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    [(index, reason)] = receipt.rejected
    assert index == 1
    assert str(late) in reason
    assert [event.movie_id for event in store.events_of(1)] == [5, 7]


def test_a_replay_counts_once(log: EventLog, store: LiveStore) -> None:
    first = rating(5, eventId="11111111-1111-4111-8111-111111111111")
    assert log.accept([first, first]).duplicates == 1
    again = log.accept([first, rating(6)])
    assert (again.accepted, again.duplicates) == (1, 1)
    assert [event.movie_id for event in store.events_of(1)] == [5, 6]


def test_without_an_id_nothing_is_a_duplicate(log: EventLog, store: LiveStore) -> None:
    assert log.accept([rating(5), rating(5)]).accepted == 2
    assert len(store.events_of(1)) == 2


def test_accepted_means_readable_by_another_process(log: EventLog, tmp_path: Path) -> None:
    log.accept([rating(5)])
    with sqlite3.connect(tmp_path / "live.sqlite") as other:
        assert other.execute("SELECT user_id, movie_id, value FROM events").fetchall() == [(1, 5, 4.0)]
    other.close()


def test_a_log_that_cannot_write_says_so(log: EventLog, store: LiveStore) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be (read|written)"):
        log.accept([rating(5)])
