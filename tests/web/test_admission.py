"""How many are answered at a time, and by which id a request is found in the logs."""

import asyncio
import logging
from typing import Any

import httpx
import orjson
import pytest

from sparrow.config import Settings, Web
from sparrow.online.wanted import Wanted
from sparrow.web.app import create_app
from sparrow.web.logs import REQUEST_ID, JsonFormatter
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeRecommender


class Slow(FakeRecommender):
    """Its lists are made when they are let go."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.let_go = asyncio.Event()

    async def for_user(self, user_id: int, wanted: Wanted, *asked: Any) -> Any:
        await self.let_go.wait()
        return await super().for_user(user_id, wanted, *asked)


def test_more_than_the_limit_are_refused_at_once_and_later_ones_are_answered() -> None:
    async def scenario() -> None:
        slow = Slow()
        app = create_app(FakeLive(slow), None, Settings(web=Web(concurrency=2)))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sparrow.test") as client:
            path = "/api/v1/users/1/recommendations"
            waiting = [asyncio.create_task(client.get(path)) for _ in range(2)]
            await asyncio.sleep(0.05)
            refused = await client.get(path)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert "answers 2 requests already" in refused.json()["detail"]
            assert [(await client.get(one)).status_code for one in ("/healthz", "/readyz", "/metrics")] == [200] * 3
            slow.let_go.set()
            assert [(await one).status_code for one in waiting] == [200, 200]
            assert (await client.get(path)).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(("given", "kept"), [("abc-1.x_Y", True), ("a b", False), ("x" * 65, False), ("", False)])
def test_a_request_has_an_id(client: Client, given: str, kept: bool) -> None:
    told = client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert (told == given) is kept
    assert told
    assert client.get("/nope").headers["X-Request-Id"] != client.get("/nope").headers["X-Request-Id"]


def test_a_line_of_the_log_is_json_with_the_request_id() -> None:
    def line(text: str, error: BaseException | None = None) -> dict[str, str]:
        caught = (type(error), error, None) if error else None
        record = logging.LogRecord("sparrow.web", logging.WARNING, __file__, 1, text, None, caught)
        told: dict[str, str] = orjson.loads(JsonFormatter().format(record))
        return told

    plain = line('two\nlines "and" \ud800')
    assert (plain["level"], plain["logger"], plain["message"]) == ("warning", "sparrow.web", 'two\nlines "and" ?')
    assert "request_id" not in plain
    token = REQUEST_ID.set("abc")
    try:
        told = line("x", ValueError("broken"))
    finally:
        REQUEST_ID.reset(token)
    assert (told["request_id"], told["exception"]) == ("abc", "ValueError: broken")
