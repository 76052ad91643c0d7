"""Candidates from a real HTTP server that answers well, badly, slowly, by halves, or not at all."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sparrow.build.publish import publish
from sparrow.config import Settings, load_settings
from sparrow.errors import DataError, SettingsError
from sparrow.online.candidate_source import FILE, CandidateSource, read_ids
from sparrow.online.live import LiveRelease
from sparrow.online.wanted import Wanted
from tests.conftest import Released
from tests.online.test_live import SECOND, add_release, until


class Shop(ThreadingHTTPServer):
    """What a shop has in stock; `fault` says how it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.stock: Any = [2, 4, 6, 8]
        self.fault, self.healed, self.asked = "", threading.Event(), list[str | None]()
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://ann:secret@127.0.0.1:{self.server_address[1]}/stock"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Shop

    def do_GET(self) -> None:
        shop = self.server
        shop.asked.append(self.headers["If-None-Match"])
        body, etag = json.dumps(shop.stock).encode(), f'"{hash(json.dumps(shop.stock))}"'
        if shop.fault == "hang":
            shop.healed.wait(10)
        if shop.fault == "garbage":
            body = b"<html>it is lunch time</html>"
        if shop.fault == "" and self.headers["If-None-Match"] == etag:
            self.send_response(304)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response({"500": 500, "moved": 302}.get(shop.fault, 200))
        self.send_header("ETag", etag)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if shop.fault in ("truncated", "drip") else body)
        if shop.fault == "drip":
            shop.healed.wait(10)
        self.close_connection = bool(shop.fault)

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asked had a deadline
            super().handle()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.healed.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    return released.fresh(tmp_path / "home")


def settings_of(released: Released, url: str, seconds: float = 0.02) -> Settings:
    online = {"candidates_url": url, "candidates_seconds": seconds, "candidates_timeout_ms": 300, "poll_seconds": 0.02}
    return released.settings.model_copy(
        update={"online": released.settings.online.model_copy(update=online)},
    )


async def listed(live: LiveRelease) -> set[int]:
    listing = await live.recommender.for_user(1, Wanted(40))
    return {item.movie.movie_id for item in listing.items}


def test_only_what_is_offered_is_shown_and_changes_are_followed(shop: Shop, home: Path, released: Released) -> None:
    async def scenario() -> None:
        live = LiveRelease(home, settings_of(released, shop.url))
        await live.start()
        try:
            assert await listed(live) <= {2, 4, 6, 8}
            shop.stock = {"ids": [3, 5, 7, "9"]}
            await until(lambda: live.recommender.offered == {3, 5, 7, "9"})
            assert await listed(live) <= {3, 5, 7, 9}
            told = await live.recommender.for_user(1, Wanted(5, explain_movie=12))
            assert "not_offered" in told.told["because"]
            asked = len(shop.asked)
            await until(lambda: len(shop.asked) > asked + 2)
            assert None not in shop.asked[-2:], "the ETag is sent"
            ready, facts = live.ready()
            assert (ready, facts["candidates"]["ids"], facts["candidates"]["refused"]) == (True, 4, 0)
        finally:
            await live.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "answered 500"),
        ("moved", "answered 302"),
        ("garbage", "no JSON"),
        ("truncated", "broke off"),
        ("hang", "did not answer within 0.3 s"),
        ("drip", "did not answer within 0.3 s"),
        ("empty", "names no movie"),
        ("strangers", "none of the ids"),
    ],
)
def test_a_bad_answer_is_told_counted_and_changes_nothing(
    fault: str, words: str, shop: Shop, home: Path, released: Released, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        live = LiveRelease(home, settings_of(released, shop.url))
        await live.start()
        try:
            shop.fault, good = fault, shop.stock
            shop.stock = {"empty": [], "strangers": [777_777]}.get(fault, good)
            await until(lambda: words in live.ready()[1]["candidates"].get("problem", ""))
            ready, facts = live.ready()
            assert ready and facts["candidates"]["ids"] == 4 and facts["candidates"]["refused"] >= 1
            assert await listed(live) <= {2, 4, 6, 8}
            shop.fault, shop.stock = "", [2, 4]
            shop.healed.set()
            await until(lambda: live.recommender.offered == {2, 4})
            assert "problem" not in live.ready()[1]["candidates"]
        finally:
            await live.stop()

    caplog.set_level(logging.ERROR)
    asyncio.run(scenario())
    assert sum("good answer" in record.getMessage() for record in caplog.records) >= 1
    assert "secret" not in caplog.text


def test_nothing_is_served_before_the_first_good_answer_and_then_everything(
    shop: Shop, home: Path, released: Released
) -> None:
    async def scenario() -> None:
        shop.fault = "500"
        live = LiveRelease(home, settings_of(released, shop.url))
        await live.start()
        try:
            ready, facts = live.ready()
            assert not ready and "answered 500" in facts["problem"]
            shop.fault = ""
            await until(lambda: live.ready()[0])
            assert await listed(live) <= {2, 4, 6, 8}
        finally:
            await live.stop()

    asyncio.run(scenario())


def test_the_last_good_answer_outlives_a_restart_but_not_another_address(
    shop: Shop, home: Path, released: Released
) -> None:
    async def start_and_stop(url: str) -> tuple[bool, dict[str, Any]]:
        live = LiveRelease(home, settings_of(released, url, seconds=60))
        await live.start()
        try:
            return live.ready()
        finally:
            await live.stop()

    asyncio.run(start_and_stop(shop.url))
    asked, shop.fault = len(shop.asked), "500"
    ready, facts = asyncio.run(start_and_stop(shop.url))
    assert (ready, facts["candidates"]) == (True, {"ids": 4, "confirmed_seconds_ago": None, "refused": 0})
    assert len(shop.asked) == asked, "a start does not wait for what it remembers"
    ready, facts = asyncio.run(start_and_stop(shop.url.replace("stock", "other")))
    assert (ready, "answered 500" in facts["problem"]) == (False, True)
    assert b"secret" not in (home / FILE).read_bytes()
    (home / FILE).write_bytes(b"{")
    assert asyncio.run(start_and_stop(shop.url))[0] is False


def test_rules_and_releases_change_over_the_same_offer(shop: Shop, home: Path, released: Released) -> None:
    async def scenario() -> None:
        add_release(home, released.release, SECOND)
        live = LiveRelease(home, settings_of(released, shop.url))
        await live.start()
        try:
            publish(home, SECOND, released.settings)
            await until(lambda: live.recommender.release == SECOND)
            assert await listed(live) <= {2, 4, 6, 8}
            hidden = live.recommender.settings.rules.model_copy(
                update={
                    "candidates": live.recommender.settings.candidates.model_copy(update={"hidden": frozenset({2})})
                }
            )
            under = live.recommender.with_rules(hidden)
            assert {facts.movie_id for facts in under.movies(None, "year", 50, 0)[0]} == {4, 6, 8}
        finally:
            await live.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'"589"', "neither a list"),
        (b'{"movies": [1]}', "neither a list"),
        (b"[1, true]", "no id"),
        (b"[1, 2.5]", "no id"),
        (b"[-1]", "-1"),
        (b"[[1]]", "no id"),
        (b'[""]', "no id"),
        (b"[1", "no JSON"),
        (b"\xff", "no JSON"),
    ],
)
def test_what_is_no_list_of_ids_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_ids(body)


def test_the_address_is_checked_and_kept_out_of_dumps(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="candidates_url"):
        load_settings(flags={"online": {"candidates_url": "ftp://stock"}}, environ={})
    settings = Settings.model_validate({"online": {"candidates_url": "https://ann:secret@stock.example/ids"}})
    assert "secret" not in settings.model_dump_json() + repr(settings)


def test_a_home_that_cannot_be_written_costs_the_memory_only(shop: Shop, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / FILE).mkdir()
        online = Settings.model_validate({"online": {"candidates_url": shop.url}}).online
        source = CandidateSource(tmp_path, online, lambda _: None)
        offer = await source.look()
        await source.aclose()
        assert offer is not None and offer.ids == {2, 4, 6, 8}
        assert source.problem == ""

    asyncio.run(scenario())
