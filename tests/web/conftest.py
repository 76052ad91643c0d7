"""One application over the small world, and a client that reaches it without a socket."""

from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from sparrow.config import Settings
from sparrow.web.app import create_app
from tests.web.fake import FakeLive, FakeLog, FakeRecommender


class Client:
    """`httpx` against an ASGI application, called from plain tests."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return anyio.run(self._request, method, path, options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sparrow.test") as client:
            return await client.request(method, path, **options)


@pytest.fixture
def recommender() -> FakeRecommender:
    return FakeRecommender()


@pytest.fixture
def live(recommender: FakeRecommender) -> FakeLive:
    return FakeLive(recommender)


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def client(live: FakeLive, log: FakeLog) -> Client:
    return Client(create_app(live, log, Settings()))
