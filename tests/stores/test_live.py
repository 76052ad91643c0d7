"""The event log: what was acknowledged is there, once, whatever dies."""

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores.live import MAX_EVENTS, LiveStore

LARGEST = 2**63 - 1


def event(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A rating; without an `eventId` unless one is given."""
    return {"type": "rating", "userId": 1, "movieId": number, "value": 4.5, "timestamp": 100 + number} | changed


@pytest.fixture
def store(tmp_path: Path) -> Any:
    live = LiveStore(tmp_path)
    yield live
    live.close()


def test_events_come_back_as_they_were_oldest_first(store: LiveStore) -> None:
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


def test_an_event_id_counts_once_within_a_batch_and_between_batches(store: LiveStore) -> None:
    assert store.append([event(1, eventId="a"), event(2, eventId="a"), event(3, eventId="b")]) == 2
    assert store.append([event(4, eventId="b"), event(5, eventId="c")]) == 1
    assert [one.movie_id for one in store.events_of(1)] == [1, 3, 5]


def test_without_an_event_id_every_event_counts(store: LiveStore) -> None:
    assert store.append([event(1), event(1)]) == 2
    assert store.append([event(1, eventId=None)]) == 1
    assert len(store.events_of(1)) == 3
    assert store.append([]) == 0


def test_people_do_not_see_each_other(store: LiveStore) -> None:
    store.append([event(1, userId=1), event(2, userId=11), event(3, userId=-1)])
    assert [[one.movie_id for one in store.events_of(user)] for user in (1, 11, -1, 2)] == [[1], [2], [3], []]


def test_only_what_came_after_a_sequence_number_is_asked_for(store: LiveStore) -> None:
    store.append([event(number) for number in range(5)])
    third = store.events_of(1)[2].seq
    assert [one.movie_id for one in store.events_of(1, after=third)] == [3, 4]
    assert store.events_of(1, after=store.last_seq()) == []


def test_a_request_reads_a_bounded_list_of_the_newest(store: LiveStore) -> None:
    store.append([event(number) for number in range(MAX_EVENTS + 7)])
    found = [one.movie_id for one in store.events_of(1)]
    assert found == list(range(7, MAX_EVENTS + 7))


def test_a_thousand_impressions_hide_no_dislike(store: LiveStore) -> None:
    store.append([event(7, type="dislike", value=None)])
    store.append([event(8, type="impression", value=None), event(9, type="click", value=None)] * MAX_EVENTS)
    assert [(one.type, one.movie_id) for one in store.events_of(1)] == [("dislike", 7)]
    assert store.last_seq() == 2 * MAX_EVENTS + 1


def test_reading_waits_for_no_writer(tmp_path: Path, store: LiveStore) -> None:
    store.append([event(1)])
    other = sqlite3.connect(tmp_path / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = threading.Thread(target=store.append, args=([event(2)],))
    writer.start()
    # The writer is stuck behind the other process; if reading were too, this would come back only after the rollback.
    while not store._lock.locked():
        pass
    assert [one.movie_id for one in store.events_of(1)] == [1]
    assert writer.is_alive()
    other.execute("ROLLBACK")
    other.close()
    writer.join()
    assert [one.movie_id for one in store.events_of(1)] == [1, 2]


def test_events_survive_a_new_start_with_their_sequence(tmp_path: Path) -> None:
    first = LiveStore(tmp_path)
    first.append([event(1, eventId="a")])
    told = first.events_of(1)
    first.close()
    again = LiveStore(tmp_path)
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
    store: LiveStore, bad: dict[str, Any]
) -> None:
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be written"):
        store.append([event(1, eventId="a"), event(2, **bad)])
    assert store.events_of(1) == []
    assert store.append([event(1, eventId="a")]) == 1
    assert [one.movie_id for one in store.events_of(1)] == [1]


def test_threads_and_several_connections_lose_and_double_nothing(tmp_path: Path) -> None:
    stores = [LiveStore(tmp_path) for _ in range(2)]
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


def test_workers_that_open_a_fresh_home_together_all_succeed(tmp_path: Path) -> None:
    refused: list[Exception] = []

    def open_together(home: Path, start: threading.Barrier) -> None:
        start.wait()
        try:
            LiveStore(home).close()
        except StoreUnavailable as error:
            refused.append(error)

    for attempt in range(5):
        start = threading.Barrier(8)
        threads = [threading.Thread(target=open_together, args=(tmp_path / str(attempt), start)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == []


WRITER = """
import sys
from pathlib import Path
from sparrow.stores.live import LiveStore
store = LiveStore(Path(sys.argv[1]))
for number in range(1_000_000):
    name = f"{sys.argv[2]}-{number}"
    store.append([{"eventId": name, "type": "click", "userId": 1, "movieId": number, "timestamp": number}])
    print(name, flush=True)
"""


def acknowledged_before_kill(home: Path, name: str, after: int) -> list[str]:
    """What a writer said it had kept, killed by SIGKILL once it had said so `after` times."""
    command = [sys.executable, "-c", WRITER, str(home), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    return [line.rstrip("\n") for line in told if line.endswith("\n")]


def test_every_acknowledged_event_is_there_once_after_kill_9(tmp_path: Path) -> None:
    told = [
        name
        for place, after in enumerate((1, 20, 45))
        for name in acknowledged_before_kill(tmp_path, f"w{place}", after)
    ]
    store = LiveStore(tmp_path)
    assert len(told) >= 66
    kept = store.last_seq()
    assert len(told) <= kept <= len(told) + 3, "at most the one write in flight at each kill is extra"
    assert store.append([event(0, eventId=name) for name in told]) == 0, "an acknowledged event was lost"
    store.close()


def test_a_home_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "live.sqlite").write_bytes(b"this is no database, but a long enough text to be read as one" * 50)
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be opened"):
        LiveStore(tmp_path)


def test_a_closed_log_is_unavailable(tmp_path: Path) -> None:
    store = LiveStore(tmp_path)
    store.close()
    for ask in (lambda: store.append([event()]), lambda: store.events_of(1), store.last_seq):
        with pytest.raises(StoreUnavailable):
            ask()


def test_asking_for_an_id_beyond_int64_is_no_crash(store: LiveStore) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.events_of(2**63)


def test_who_is_called_by_another_name_is_remembered_once_by_two_workers(tmp_path: Path) -> None:
    first, second = LiveStore(tmp_path), LiveStore(tmp_path)
    event = {"type": "click", "userId": 2**62 + 7, "movieId": 1, "timestamp": 5, "outsideUserId": "neu/ling ✓"}
    assert (first.append([event, event]), second.append([event])) == (2, 1)
    assert first.outside_people() == second.outside_people() == {2**62 + 7: "neu/ling ✓"}
    first.append([{"type": "click", "userId": 9, "movieId": 1, "timestamp": 5}])
    assert 9 not in first.outside_people()
    first.close()
    second.close()
