"""Marks: there once they are added, one per pair and embedding, beside the events and for every release."""

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sparrow.errors import InvalidInput, StoreUnavailable
from sparrow.stores import marks as room
from sparrow.stores.live import LiveStore
from sparrow.stores.marks import Mark, MarkStore

LARGEST = 2**63 - 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MarkStore]:
    seconds = count(100)
    opened = MarkStore(tmp_path, clock=lambda: next(seconds))
    yield opened
    opened.close()


def test_marks_come_back_as_they_were_newest_first(store: MarkStore) -> None:
    assert store.all() == []
    assert store.add(1, LARGEST, "item2vec", "first")
    assert store.add(LARGEST, 1, "fusion’s \0", "second")
    assert store.all() == [
        Mark(LARGEST, 1, "fusion’s \0", "not_alike", "second", 101),
        Mark(1, LARGEST, "item2vec", "not_alike", "first", 100),
    ]


def test_a_mark_is_made_once_and_stays_as_it_was(store: MarkStore) -> None:
    assert [store.add(1, 2, "item2vec", release) for release in ("first", "later")] == [True, False]
    assert [(mark.release, mark.timestamp) for mark in store.all()] == [("first", 100)]
    assert [store.add(2, 1, "item2vec", "first"), store.add(1, 2, "fusion", "first")] == [True, True]


def test_a_mark_is_taken_back_and_can_be_made_again(store: MarkStore) -> None:
    store.add(1, 2, "item2vec", "first")
    store.add(1, 3, "item2vec", "first")
    assert [store.remove(1, 2, "item2vec"), store.remove(1, 2, "item2vec"), store.remove(1, 3, "fusion")] == [
        True, False, False,
    ]  # fmt: skip
    assert [mark.neighbour_id for mark in store.all()] == [3]
    assert store.add(1, 2, "item2vec", "later")
    assert [mark.release for mark in store.all()] == ["later", "first"]


def test_two_workers_and_the_event_log_share_one_file(tmp_path: Path, store: MarkStore) -> None:
    log, other = LiveStore(tmp_path), MarkStore(tmp_path)
    log.append([{"type": "click", "userId": 1, "movieId": 2, "timestamp": 3}])
    added: list[bool] = []

    def mark_all(opened: MarkStore) -> None:
        added.extend(opened.add(1, neighbour, "item2vec", "first") for neighbour in range(30))

    threads = [threading.Thread(target=mark_all, args=(opened,)) for opened in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(added), sum(added)) == (60, 30)
    assert len(store.all()) == len(other.all()) == 30
    assert log.last_seq() == 1
    log.close()
    other.close()


def test_marks_survive_a_new_start_and_a_log_of_before_there_were_any(tmp_path: Path) -> None:
    LiveStore(tmp_path).close()
    first = MarkStore(tmp_path, clock=lambda: 7)
    first.add(1, 2, "item2vec", "first")
    first.close()
    again = MarkStore(tmp_path)
    assert again.all() == [Mark(1, 2, "item2vec", "not_alike", "first", 7)]
    again.close()


def test_there_is_a_limit_and_it_is_told(store: MarkStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_MARKS", 2)
    assert [store.add(1, 2, "a", "first"), store.add(1, 3, "a", "first")] == [True, True]
    with pytest.raises(InvalidInput, match="2 marks already; make rules"):
        store.add(1, 4, "a", "first")
    assert store.add(1, 3, "a", "first") is False, "one that is there is no new one"
    store.remove(1, 2, "a")
    assert store.add(1, 4, "a", "first")


def test_what_cannot_be_kept_or_reached_is_unavailable(tmp_path: Path, store: MarkStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be read or written"):
        store.add(1, 2**63, "a", "first")
    with pytest.raises(StoreUnavailable):
        store.add(1, 2, "\ud800", "first")
    assert store.all() == []
    store.close()
    with pytest.raises(StoreUnavailable):
        store.all()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "live.sqlite").write_bytes(b"this is no database, but a long enough text to be read as one" * 50)
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be opened"):
        MarkStore(broken)
