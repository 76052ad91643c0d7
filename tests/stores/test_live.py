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
from sparrow.stores.live import LiveStore

LARGEST = 2**63 - 1


def event(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A rating; without an `eventId` unless one is given."""
    return {"type": "rating", "userId": 1, "movieId": number, "value": 4.5, "timestamp": 100 + number} | changed


@pytest.fixture
def store(tmp_path: Path) -> Any:
    live = LiveStore(tmp_path)
    yield live
    live.close()


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


def test_asking_for_an_id_beyond_int64_is_no_crash(store: LiveStore) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.events_of(2**63)
