"""One application over the small world, and a client that reaches it without a socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from sparrow.config import Settings
from sparrow.stores.marks import MarkStore
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

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

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
def marks(tmp_path: Path) -> Iterator[MarkStore]:
    store = MarkStore(tmp_path / "home", clock=lambda: 1_700_000_000)
    yield store
    store.close()


@pytest.fixture
def client(live: FakeLive, log: FakeLog, marks: MarkStore) -> Client:
    return Client(create_app(live, log, Settings(), marks))
