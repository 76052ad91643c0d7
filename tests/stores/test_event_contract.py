"""One contract, two stores: a home's SQLite, and a Redis that servers share. What was acknowledged is there, once."""

import threading
from typing import Any

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores.event_store import EventStore
from sparrow.stores.live import MAX_EVENTS, MAX_EXPOSURES
from tests.conftest import OpenStore

LARGEST = 2**63 - 1


def event(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A rating; without an `eventId` unless one is given."""
    return {"type": "rating", "userId": 1, "movieId": number, "value": 4.5, "timestamp": 100 + number} | changed


@pytest.fixture
def store(open_events_store: OpenStore) -> EventStore:
    return open_events_store()


def test_events_come_back_as_they_were_oldest_first(store: EventStore) -> None:
    assert store.last_seq() == 0
    assert (
        store.append(
            [event(LARGEST, userId=LARGEST, timestamp=LARGEST), event(2, value=None, type="watch", userId=LARGEST)]
        )
        == 2
    )
    first, second = store.events_of(LARGEST)
    assert (first.type, first.movie_id, first.value, first.timestamp) == ("rating", LARGEST, 4.5, LARGEST)
    assert (second.type, second.movie_id, second.value) == ("watch", 2, None)
    assert second.seq > first.seq > 0
    assert store.last_seq() == second.seq


def test_an_event_id_counts_once_within_a_batch_and_between_batches(store: EventStore) -> None:
    assert store.append([event(1, eventId="a"), event(2, eventId="a"), event(3, eventId="b")]) == 2
    assert store.append([event(4, eventId="b"), event(5, eventId="c")]) == 1
    assert [one.movie_id for one in store.events_of(1)] == [1, 3, 5]


def test_without_an_event_id_every_event_counts(store: EventStore) -> None:
    assert store.append([event(1), event(1)]) == 2
    assert store.append([event(1, eventId=None)]) == 1
    assert len(store.events_of(1)) == 3
    assert store.append([]) == 0


def test_what_was_shown_and_clicked_is_asked_for_by_time_newest_first(store: EventStore) -> None:
    kinds = ["impression", "rating", "click", "impression"]
    store.append([event(number, type=kind, recommendationId=f"list{number}") for number, kind in enumerate(kinds)])
    store.append([event(9, type="impression", userId=2)])
    told = [(one.type, one.movie_id, one.recommendation_id) for one in store.exposures_of(1, 102)]
    assert told == [("impression", 3, "list3"), ("click", 2, "list2")]
    assert [one.movie_id for one in store.exposures_of(1, 0)] == [3, 2, 0]
    assert [(one.movie_id, one.recommendation_id) for one in store.exposures_of(2, 0)] == [(9, None)]
    many = [event(number, type="impression", userId=3) for number in range(MAX_EXPOSURES + 5)]
    store.append(many)
    assert [one.movie_id for one in store.exposures_of(3, 0)] == list(range(MAX_EXPOSURES + 4, 4, -1))


def test_people_do_not_see_each_other(store: EventStore) -> None:
    store.append([event(1, userId=1), event(2, userId=11), event(3, userId=-1)])
    assert [[one.movie_id for one in store.events_of(user)] for user in (1, 11, -1, 2)] == [[1], [2], [3], []]


def test_only_what_came_after_a_sequence_number_is_asked_for(store: EventStore) -> None:
    store.append([event(number) for number in range(5)])
    third = store.events_of(1)[2].seq
    assert [one.movie_id for one in store.events_of(1, after=third)] == [3, 4]
    assert store.events_of(1, after=store.last_seq()) == []


def test_a_request_reads_a_bounded_list_of_the_newest(store: EventStore) -> None:
    store.append([event(number) for number in range(MAX_EVENTS + 7)])
    found = [one.movie_id for one in store.events_of(1)]
    assert found == list(range(7, MAX_EVENTS + 7))


def test_a_thousand_impressions_hide_no_dislike(store: EventStore) -> None:
    store.append([event(7, type="dislike", value=None)])
    store.append([event(8, type="impression", value=None), event(9, type="click", value=None)] * MAX_EVENTS)
    assert [(one.type, one.movie_id) for one in store.events_of(1)] == [("dislike", 7)]
    assert store.last_seq() == 2 * MAX_EVENTS + 1


def test_events_survive_a_new_start_with_their_sequence(open_events_store: OpenStore) -> None:
    first = open_events_store()
    first.append([event(1, eventId="a")])
    told = first.events_of(1)
    first.close()
    again = open_events_store()
    assert again.events_of(1) == told
    assert again.append([event(1, eventId="a"), event(2)]) == 1
    assert again.last_seq() > told[0].seq
    again.close()


@pytest.mark.parametrize(
    "bad",
    [
        {"userId": 2**63}, {"movieId": -(2**70)}, {"recommendationId": "\ud800"}, {"timestamp": None}, {"userId": None},
        {"type": None}, {"value": object()},
    ],
)  # fmt: skip
def test_a_batch_with_an_event_that_cannot_be_kept_is_refused_whole_and_wedges_nothing(
    store: EventStore, bad: dict[str, Any]
) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.append([event(1, eventId="a"), event(2, **bad)])
    assert store.events_of(1) == []
    assert store.append([event(1, eventId="a")]) == 1
    assert [one.movie_id for one in store.events_of(1)] == [1]


def test_threads_and_several_connections_lose_and_double_nothing(open_events_store: OpenStore) -> None:
    stores = [open_events_store() for _ in range(2)]
    added: list[int] = []

    def write(place: int) -> None:
        for number in range(15):
            # Every event is sent by two threads, over different connections: a client that tries again.
            added.append(stores[place % 2].append([event(number, eventId=f"{place // 2}-{number}", userId=place // 2)]))

    threads = [threading.Thread(target=write, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(added), sum(added)) == (90, 45)
    for user in range(3):
        assert sorted(one.movie_id for one in stores[0].events_of(user)) == list(range(15))
    for live in stores:
        live.close()


def test_a_closed_log_is_unavailable(open_events_store: OpenStore) -> None:
    store = open_events_store()
    store.close()
    for ask in (lambda: store.append([event()]), lambda: store.events_of(1), store.last_seq):
        with pytest.raises(StoreUnavailable):
            ask()


def test_who_is_called_by_another_name_is_remembered_once_by_two_workers(open_events_store: OpenStore) -> None:
    first, second = open_events_store(), open_events_store()
    event = {"type": "click", "userId": 2**62 + 7, "movieId": 1, "timestamp": 5, "outsideUserId": "neu/ling ✓"}
    assert (first.append([event, event]), second.append([event])) == (2, 1)
    assert first.outside_people() == second.outside_people() == {2**62 + 7: "neu/ling ✓"}
    first.append([{"type": "click", "userId": 9, "movieId": 1, "timestamp": 5}])
    assert 9 not in first.outside_people()
    first.close()
    second.close()
