"""Served lists behind the answer's back: no request waits, what is lost is told."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.feedback import served
from sparrow.feedback.served import ServedQueue
from sparrow.stores.served import ServedList, ServedLog
from tests.stores.test_served import LIST


def many(number: int) -> list[ServedList]:
    return [replace(LIST, recommendation_id=str(place)) for place in range(number)]


def test_everything_handed_over_is_written_in_order_and_closing_loses_nothing(tmp_path: Path) -> None:
    queue = ServedQueue(ServedLog(tmp_path))
    first, then = many(1200)[:700], many(1200)[700:]
    assert all(queue.put(one) for one in first)
    queue.flush()
    reader = ServedLog(tmp_path)
    assert list(reader.since()) == first
    assert all(queue.put(one) for one in then)
    queue.close()
    assert list(reader.since()) == first + then
    reader.close()


class StuckLog(ServedLog):
    """A disk that holds still until `freed`, then refuses once more before it writes."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.asked, self.freed = threading.Event(), threading.Event()
        self.refusals = 0

    def append(self, lists: Sequence[ServedList]) -> None:
        self.asked.set()
        self.freed.wait()
        if not self.refusals:
            self.refusals += 1
            raise StoreUnavailable("the disk is full")
        super().append(lists)


def test_a_disk_that_does_not_answer_costs_lists_and_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "AGAIN_AFTER_S", 0.01)
    stuck = StuckLog(tmp_path)
    queue = ServedQueue(stuck, most=3)
    assert queue.put(LIST)
    stuck.asked.wait()
    kept = [queue.put(one) for one in many(5)]
    assert kept == [True, True, True, False, False]
    stuck.freed.set()
    queue.flush()
    assert [one.recommendation_id for one in stuck.since()] == [LIST.recommendation_id, "0", "1", "2"]
    assert queue.put(many(5)[4]), "there is room again"
    queue.close()


def test_a_server_that_stops_does_not_hang_on_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = ServedLog(tmp_path)
    log.close()
    queue = ServedQueue(log)
    queue.put(LIST)
    queue.close()
    assert "1 served lists are lost" in caplog.text
