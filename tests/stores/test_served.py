"""The log of served lists: what was shown comes back as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

LIST = ServedList("a1", 1_700_000_000, 7, "r1", "for_you:ensemble", "B", (3, 1, 2**62), (0.5, 0.25, 0.1))


def test_lists_come_back_as_they_were_served_oldest_first(tmp_path: Path) -> None:
    log = ServedLog(tmp_path)
    guest = replace(
        LIST, recommendation_id="g", user_id=None, timestamp=LIST.timestamp - 5, movies=(), propensities=None
    )
    log.append([LIST, guest])
    assert list(log.since()) == [guest, LIST]
    assert list(log.since(LIST.timestamp)) == [LIST]
    assert list(log.since(LIST.timestamp + 1)) == []
    log.close()
    again = ServedLog(tmp_path)
    assert list(again.since()) == [guest, LIST]
    again.close()


def test_a_list_counts_once_and_two_workers_share_the_file(tmp_path: Path) -> None:
    first, second, events = ServedLog(tmp_path), ServedLog(tmp_path), LiveStore(tmp_path)
    first.append([LIST])
    second.append([LIST, replace(LIST, recommendation_id="b")])
    events.append([{"type": "click", "userId": 7, "movieId": 3, "timestamp": 1, "recommendationId": "a1"}])
    assert [one.recommendation_id for one in first.since()] == ["a1", "b"]
    for store in (first, second, events):
        store.close()


def test_a_batch_that_cannot_be_kept_is_refused_whole_and_wedges_nothing(tmp_path: Path) -> None:
    log = ServedLog(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"live\.sqlite cannot be written"):
        log.append([LIST, replace(LIST, recommendation_id="b", user_id=2**63)])
    assert list(log.since()) == []
    log.append([LIST])
    assert list(log.since()) == [LIST]
    log.close()
    with pytest.raises(StoreUnavailable):
        log.append([LIST])


def test_chances_belong_to_movies_one_by_one() -> None:
    with pytest.raises(ValueError, match="3 movies and 1 propensities"):
        replace(LIST, propensities=(0.5,))


def test_reading_on_does_not_stop_the_writer(tmp_path: Path) -> None:
    log = ServedLog(tmp_path)
    log.append([replace(LIST, recommendation_id=str(number)) for number in range(500)])
    reading = log.since()
    next(reading)
    log.append([LIST])
    assert sum(1 for _ in reading) == 499, "a reader sees the log as it was when it began"
    log.close()
