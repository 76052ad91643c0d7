"""Two servers, each with a home of its own, and one Redis for events: what is done on one is known to the other."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.stores.event_history import EventHistory
from tests.conftest import Released
from tests.faults.load import until
from tests.stores.redis_servers import Server, durable_redis
from tests.test_journey import ids, recommended, serving

pytestmark = [pytest.mark.slow, pytest.mark.needs("redis-server")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with durable_redis(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def homes(released: Released, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("SPARROW_FEEDBACK__EVENTS", server.url)
    return [released.fresh(tmp_path / name) for name in ("one", "other")]


def count(home: Path) -> int:
    return sum(1 for _ in EventHistory(home).events())


def test_what_is_done_on_one_server_the_other_knows_at_the_next_request(homes: list[Path], server: Server) -> None:
    with serving(homes[0]) as one, serving(homes[1]) as other:
        before = ids(recommended(other, 21))
        event = {"type": "rating", "userId": 21, "movieId": before[0], "value": 5.0}
        answer = one.post("/api/v1/events", json=[event, {**event, "movieId": 123456789}])
        assert answer.status_code == 202
        assert (answer.json()["accepted"], len(answer.json()["rejected"])) == (1, 1)
        assert before[0] not in ids(recommended(other, 21)), "no state of a server's own lies between"
        until(lambda: count(homes[0]) == count(homes[1]) == 1)

        server.signal(signal.SIGKILL)
        refused = one.post("/api/v1/events", json=event)
        assert refused.status_code == 503
        assert "event log redis://" in refused.json()["detail"]
        told = recommended(other, 21)
        assert told["degraded"] == ["store"], "the site stays up, and says what it lacks"
        assert len(ids(told)) > 0
        server.start()
        until(lambda: one.post("/api/v1/events", json={**event, "movieId": before[1]}).status_code == 202)
        until(lambda: recommended(other, 21)["degraded"] == [])
        assert not {before[0], before[1]} & set(ids(recommended(other, 21)))
