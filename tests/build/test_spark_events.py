"""Spark Structured Streaming over what relays write: each event once, and it goes on where it stopped."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from sparrow.build.spark_events import stream_to_parquet
from sparrow.stores.event_relay import relay
from sparrow.stores.redis_events import RedisEvents
from tests.stores.redis_servers import durable_redis
from tests.stores.test_event_contract import event

pytestmark = [pytest.mark.needs("java"), pytest.mark.needs("redis-server"), pytest.mark.slow]

DAY = 86_400


def rows(out: Path) -> list[tuple[int, str, str]]:
    table = pq.read_table(out / "events").to_pylist()
    return sorted((row["seq"], row["eventId"], str(row["day"])) for row in table)


def test_a_stream_of_events_becomes_a_table_of_days(spark: Any, tmp_path: Path) -> None:
    lines, out = tmp_path / "lines", tmp_path / "out"
    with durable_redis(tmp_path / "redis") as server:
        source = RedisEvents(server.url, tmp_path / "home", timeout_s=10)
        source.append([event(n, eventId=f"e{n}", timestamp=1_700_000_000 + n * DAY) for n in range(3)])
        assert relay(source, lines) == 3
        stream_to_parquet(spark, lines, out)
        told = [(1, "e0", "2023-11-14"), (2, "e1", "2023-11-15"), (3, "e2", "2023-11-16")]
        assert rows(out) == told
        (lines / ".half.part").write_bytes(b'{"seq": 99, "eventId"')
        again = {"seq": 7, **event(1, eventId="e1", timestamp=1_700_000_000 + DAY)}
        (lines / "another-relay.jsonl").write_bytes(orjson.dumps(again) + b"\n")
        source.append([event(9, eventId="e9", timestamp=1_700_000_000 + 2 * DAY)])
        assert relay(source, lines) == 1
        stream_to_parquet(spark, lines, out)
        assert rows(out) == [*told, (4, "e9", "2023-11-16")], "twice written is once, half a file is none"
        source.close()
