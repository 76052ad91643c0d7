"""Redis' own: documented keys, one round trip, writers that repeat and die, releases that lost something."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_store import BATCH, BATCH_BYTES, RedisStore, write_partition
from tests.stores.redis_servers import Server

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture
def connection(server: Server) -> Iterator[RedisConnection]:
    connection = RedisConnection(server.url)
    yield connection
    connection.close()


def test_keys_and_values_are_the_documented_ones(server: Server, connection: RedisConnection) -> None:
    RedisStore(connection, "20261122-a").put_many([("mf:7", b"\x00\xff"), ("emb:item2vec:7", b"v"), ("meta", b"m")])
    assert server.ask("GET", "sparrow:20261122-a:mf:7") == b"\x00\xff"
    assert server.ask("GET", "sparrow:20261122-a:emb:item2vec:7") == b"v"
    assert server.ask("GET", "sparrow:20261122-a:meta") == b"m"
    assert server.ask("ZRANGE", "sparrow:releases", 0, -1) == [b"20261122-a"]
    assert {key.split(":")[2] for key in server.keys("sparrow:20261122-a:*")} == {"mf", "emb", "meta", "groups", "keys"}


def test_releases_and_other_programs_do_not_see_each_other(server: Server, connection: RedisConnection) -> None:
    server.ask("SET", "sparrow:ab:mf:1", "another program's")
    RedisStore(connection, "a").put_many([("mf:1", b"a")])
    RedisStore(connection, "ab").put_many([("mf:2", b"b")])
    assert dict(RedisStore(connection, "a").scan("")) == {"mf:1": b"a"}
    assert dict(RedisStore(connection, "ab").scan("")) == {"mf:2": b"b"}


@pytest.mark.parametrize("keys", [["uf:1"], [f"uf:{number}" for number in range(1, 201)]], ids=["one", "many"])
def test_a_request_is_one_round_trip(server: Server, connection: RedisConnection, keys: list[str]) -> None:
    RedisStore(connection, "a").put_many([("uf:1", b"1"), ("meta", b"m")])
    store = RedisStore(connection, "a", sealed=True)
    store.get_many(keys)
    before = commands(server)
    assert store.get_many(keys)[0] == b"1"
    after = commands(server)
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == {
        "mget": 1
    }


def commands(server: Server) -> dict[str, int]:
    """Command → calls so far, less those that this very question makes."""
    calls = {name.removeprefix("cmdstat_"): told["calls"] for name, told in server.ask("INFO", "commandstats").items()}
    return {name: count for name, count in calls.items() if name.split("|")[0] not in ("info", "client", "select")}


def test_batches_are_bounded_by_number_and_by_size(server: Server, connection: RedisConnection) -> None:
    store = RedisStore(connection, "a")
    assert store.put_many((f"mf:{number}", b"x") for number in range(2 * BATCH + 1)) == 2 * BATCH + 1
    assert commands(server)["mset"] == 3
    store.put_many((f"uf:{number}", bytes(BATCH_BYTES // 2)) for number in range(4))
    assert commands(server)["mset"] == 5


def test_executors_may_repeat_a_part_and_write_side_by_side(server: Server, connection: RedisConnection) -> None:
    def part(number: int) -> list[tuple[str, bytes]]:
        return [(f"uf:{user}", f"{user}".encode()) for user in range(number * 700, (number + 1) * 700)]

    with ThreadPoolExecutor(4) as executors:
        written = list(executors.map(lambda number: write_partition(server.url, "a", iter(part(number % 4))), range(8)))
    assert written == [700] * 8
    store = RedisStore(connection, "a")
    assert dict(store.scan("uf:")) == {key: value for number in range(4) for key, value in part(number)}
    assert store.count() == 2800
    assert write_partition(server.url, "a", iter(())) == 0


def test_a_part_whose_source_fails_is_found_and_deleted(server: Server, connection: RedisConnection) -> None:
    def broken() -> Iterator[tuple[str, bytes]]:
        yield from ((f"uf:{number}", b"x") for number in range(2500))
        raise RuntimeError("the executor died")

    with pytest.raises(RuntimeError):
        write_partition(server.url, "a", broken())
    assert sum(1 for _ in RedisStore(connection, "a").keys("uf:")) == 2000
    RedisStore(connection, "a").delete()
    assert server.keys() == []


def test_a_sealed_release_is_not_written_and_not_read_by_halves(server: Server, connection: RedisConnection) -> None:
    RedisStore(connection, "a").put_many([("uf:1", b"1"), ("meta", b"m")])
    store = RedisStore(connection, "a", sealed=True)
    with pytest.raises(StoreUnavailable, match="never changes"):
        store.put_many([("uf:1", b"2")])
    assert store.get_many(["uf:1", "uf:2"]) == [b"1", None]
    server.ask("FLUSHALL")
    with pytest.raises(StoreUnavailable, match="no longer holds the release a"):
        store.get_many(["uf:1"])


def test_a_key_that_redis_lost_is_named_when_the_release_is_loaded(server: Server, connection: RedisConnection) -> None:
    store = RedisStore(connection, "a")
    store.put_many([("mf:1", b"1"), ("mf:2", b"2")])
    server.ask("DEL", "sparrow:a:mf:2")
    with pytest.raises(StoreUnavailable, match=r"has lost sparrow:a:mf:2; set its maxmemory-policy to noeviction"):
        list(store.scan("mf:"))
    assert store.count() == 1


def test_an_executor_loads_neither_spark_nor_anything_heavy() -> None:
    heavy = ("pyspark", "pandas", "pyarrow", "tensorflow", "duckdb")
    code = f"import sys, sparrow.stores.redis_store; print(*sorted(set(sys.modules) & set({heavy!r})))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
