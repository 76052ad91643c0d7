"""The durable log: what it takes, what it refuses, what it counts twice, and that it forgets nothing."""

from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.feedback.events import EARLIEST, FUTURE_SECONDS, EventLog
from sparrow.stores.clearing import Cleared, forget_person
from sparrow.stores.event_store import EventStore
from sparrow.stores.redis_events import RedisEvents
from tests.conftest import OpenStore

NOW = 1_700_000_000


@pytest.fixture
def store(open_events_store: OpenStore) -> EventStore:
    return open_events_store()


@pytest.fixture
def log(store: EventStore) -> EventLog:
    return EventLog(store, clock=lambda: NOW + 0.9)


def forget(store: EventStore, home: Path, user: int) -> None:
    if isinstance(store, RedisEvents):
        assert store.forget(user, NOW) == 1
    else:
        assert forget_person(home, user, NOW) == Cleared(events=1, served_lists=0)


def rating(movie: int, value: float = 4.0, **more: object) -> dict[str, object]:
    return {"type": "rating", "userId": 1, "movieId": movie, "value": value, **more}


def test_an_event_without_a_time_happened_now(log: EventLog, store: EventStore) -> None:
    receipt = log.accept([rating(5)])
    assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (1, 0, [])
    assert [(event.movie_id, event.value, event.timestamp) for event in store.events_of(1)] == [(5, 4.0, NOW)]


def test_a_time_given_is_kept(log: EventLog, store: EventStore) -> None:
    log.accept([rating(5, timestamp=EARLIEST), rating(6, timestamp=NOW + FUTURE_SECONDS)])
    assert [event.timestamp for event in store.events_of(1)] == [EARLIEST, NOW + FUTURE_SECONDS]


def test_a_time_before_there_were_such_pages_is_rejected_with_the_reason(log: EventLog, store: EventStore) -> None:
    receipt = log.accept([rating(5, timestamp=EARLIEST - 1), rating(6), rating(7, timestamp=0)])
    assert receipt.accepted == 1
    assert [index for index, _ in receipt.rejected] == [0, 2]
    assert "788918399 lies before 1995" in receipt.rejected[0][1]
    assert [event.movie_id for event in store.events_of(1)] == [6]


def test_an_old_copy_brings_nobody_back_who_asked_to_be_forgotten(
    log: EventLog, store: EventStore, tmp_path: Path
) -> None:
    log.accept([rating(5), rating(6, userId=2)])
    forget(store, tmp_path, 1)
    receipt = log.accept([rating(5, timestamp=NOW - 10), rating(7), rating(8, userId=2, timestamp=NOW - 10)])
    assert (receipt.accepted, [index for index, _ in receipt.rejected]) == (2, [0])
    assert "asked to be forgotten" in receipt.rejected[0][1]
    assert [event.movie_id for event in store.events_of(1)] == [7]


def test_the_far_future_is_rejected_by_its_place_and_the_others_stay(log: EventLog, store: EventStore) -> None:
    late = NOW + FUTURE_SECONDS + 1
    receipt = log.accept([rating(5), rating(6, timestamp=late), rating(7)])
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    [(index, reason)] = receipt.rejected
    assert index == 1
    assert str(late) in reason
    assert [event.movie_id for event in store.events_of(1)] == [5, 7]


def test_a_replay_counts_once(log: EventLog, store: EventStore) -> None:
    first = rating(5, eventId="11111111-1111-4111-8111-111111111111")
    assert log.accept([first, first]).duplicates == 1
    again = log.accept([first, rating(6)])
    assert (again.accepted, again.duplicates) == (1, 1)
    assert [event.movie_id for event in store.events_of(1)] == [5, 6]


def test_without_an_id_nothing_is_a_duplicate(log: EventLog, store: EventStore) -> None:
    assert log.accept([rating(5), rating(5)]).accepted == 2
    assert len(store.events_of(1)) == 2


def test_accepted_means_readable_by_another_worker(log: EventLog, open_events_store: OpenStore) -> None:
    log.accept([rating(5)])
    assert [(one.movie_id, one.value) for one in open_events_store().events_of(1)] == [(5, 4.0)]


def test_a_log_that_cannot_write_says_so(log: EventLog, store: EventStore) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match=r"cannot be (read|written)|is closed"):
        log.accept([rating(5)])
