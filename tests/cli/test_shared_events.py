"""Verbs over events in a shared Redis: they bring the log home before they read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.stores.event_history import EventHistory
from tests.cli.commands import Command
from tests.conftest import Released
from tests.stores.redis_servers import Server, durable_redis

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with durable_redis(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def homes(released: Released, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("SPARROW_FEEDBACK__EVENTS", server.url)
    return [released.fresh(tmp_path / name) for name in ("one", "other")]


def test_export_import_replay_and_forget_go_by_the_shared_log(
    homes: list[Path], server: Server, sparrow: Command, tmp_path: Path
) -> None:
    lines = "\n".join(
        f'{{"type": "rating", "userId": {user}, "movieId": {movie}, "value": 4.0, "timestamp": 1700000000}}'
        for user, movie in ((1, 2), (1, 4), (2, 3))
    )
    (tmp_path / "in.jsonl").write_text(lines)
    imported = sparrow("events", "import", tmp_path / "in.jsonl", "--home", homes[0], "--json").json
    assert (imported["accepted"], imported["rejected"]) == (3, [])
    again = sparrow("events", "import", tmp_path / "in.jsonl", "--home", homes[1], "--json").json
    assert (again["accepted"], again["duplicates"]) == (0, 3)
    assert len(sparrow("events", "export", "--home", homes[0]).out.splitlines()) == 3
    assert sparrow("events", "export", "--home", homes[1]).out == "", (
        "what every reader had is gone when one joins later"
    )
    server.ask("DEL", "sparrow:live:user:1")
    told = sparrow("events", "replay", "--home", homes[0], "--json").json
    assert (told["rebuilt"], told["events"], told["people"]) == (True, 3, 2)
    assert server.ask("LLEN", "sparrow:live:user:1") == 2
    assert sparrow("forget", "1", "--home", homes[0], "--json").json["events"] == 2
    assert server.ask("EXISTS", "sparrow:live:user:1") == 0
    assert len(sparrow("events", "export", "--home", homes[0]).out.splitlines()) == 1
    event = '{"type": "click", "userId": 2, "movieId": 3, "timestamp": 1700000009}'
    assert "0 events into" in sparrow("events", "relay", "--out", tmp_path / "lines", "--home", homes[0]).err
    (tmp_path / "more.jsonl").write_text(event)
    sparrow("events", "import", tmp_path / "more.jsonl", "--home", homes[0])
    assert "1 events into" in sparrow("events", "relay", "--out", tmp_path / "lines", "--home", homes[0]).err
    sparrow("ab-report", "--home", homes[0]).check_failed(1, "no experiment")
    assert len(list(EventHistory(homes[0]).events())) == 1, "that one asked for nothing"


def test_a_relay_without_a_stream_says_so(released: Released, sparrow: Command, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    ended = sparrow("events", "relay", "--out", tmp_path / "lines", "--home", home)
    ended.check_failed(2, "no stream", "sparrow events export")
