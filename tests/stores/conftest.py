"""Every backend of the key-value contract, by name; the contract's tests run once for each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from sparrow.stores.feature_store import KeyValueStore
from sparrow.stores.lmdb_store import LmdbStore
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_store import RedisStore
from tests.stores.redis_servers import Server, running_cluster, running_redis, running_sentinel

Open = Callable[[], KeyValueStore]
"""Opens the same store again: what one connection wrote, the next must read."""

REDIS = ("redis", "redis-sentinel", "redis-cluster")


@pytest.fixture(scope="session")
def redis_addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The address of a running Redis by its form; each is started once, when first asked for."""
    starters = {
        "redis": lambda folder: stack.enter_context(running_redis(folder)).url,
        "redis-sentinel": lambda folder: stack.enter_context(running_sentinel(folder)),
        "redis-cluster": lambda folder: stack.enter_context(running_cluster(folder)),
    }
    started: dict[str, str] = {}

    def address(form: str) -> str:
        if form not in started:
            started[form] = starters[form](tmp_path_factory.mktemp(form))
        return started[form]

    with ExitStack() as stack:
        yield address


@pytest.fixture(params=["lmdb", *(pytest.param(form, marks=pytest.mark.needs("redis-server")) for form in REDIS)])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "lmdb":
        yield lambda: LmdbStore(tmp_path / "store.lmdb", writable=True)
        return
    url: str = request.getfixturevalue("redis_addresses")(request.param)
    release = f"test-{uuid4().hex}"
    with ExitStack() as stack:

        def opened() -> KeyValueStore:
            connection = RedisConnection(url)
            stack.callback(connection.close)
            return RedisStore(connection, release)

        yield opened


@pytest.fixture
def backend(reopen: Open) -> Iterator[KeyValueStore]:
    store = reopen()
    yield store
    store.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An empty Redis of the test's own, to be killed and frozen; the test says `needs("redis-server")`."""
    with running_redis(tmp_path / "redis") as started:
        yield started
