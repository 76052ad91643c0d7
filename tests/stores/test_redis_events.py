"""Events in a real Redis: nothing acknowledged is lost, each home archives all of it once, Spark's folder has each event once."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from sparrow.errors import InvalidInput, StoreUnavailable
from sparrow.stores.clearing import forget_person
from sparrow.stores.event_archive import catch_up, rebuild
from sparrow.stores.event_history import EventHistory
from sparrow.stores.event_relay import relay
from sparrow.stores.live import LiveStore
from sparrow.stores.redis_events import USER, RedisEvents
from tests.stores.redis_servers import Server, durable_redis, running_redis
from tests.stores.test_event_contract import event

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Server]:
    with durable_redis(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def store(durable: Server, tmp_path: Path) -> Iterator[RedisEvents]:
    events = RedisEvents(durable.url, tmp_path / "home", timeout_s=10)
    yield events
    events.close()


def archived(home: Path) -> list[dict[str, Any]]:
    return list(EventHistory(home).events())


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_every_acknowledged_event_is_there_once_after_kill_9_of_redis(
    durable: Server, store: RedisEvents, tmp_path: Path, kills: int
) -> None:
    told: list[str] = []
    tried: set[str] = set()
    for round_ in range(kills):
        enough = threading.Event()

        def pour(number: int = 0, name: str = f"{round_}", enough: threading.Event = enough) -> None:
            with pytest.raises(StoreUnavailable):
                while True:
                    batch = [event(number, eventId=f"{name}-{number}-{place}") for place in range(3)]
                    tried.update(one["eventId"] for one in batch)
                    store.append(batch)
                    told.extend(one["eventId"] for one in batch)
                    number += 1
                    enough.set()

        pouring = threading.Thread(target=pour)
        pouring.start()
        enough.wait(30)
        durable.signal(signal.SIGKILL)
        pouring.join()
        durable.start()
    catch_up(tmp_path / "home", store)
    kept = [one["eventId"] for one in archived(tmp_path / "home")]
    assert len(told) >= 3 * kills
    assert len(kept) == len(set(kept)), "twice"
    assert set(told) <= set(kept) <= tried
    assert store.append([event(0, eventId=name) for name in told]) == 0, "sent again, it does not count again"


def test_a_redis_that_would_lose_events_is_refused_with_the_cure(tmp_path: Path) -> None:
    with running_redis(tmp_path / "redis") as server:
        events = RedisEvents(server.url, tmp_path)
        with pytest.raises(StoreUnavailable, match=r"would lose.*appendonly no.*--appendfsync always"):
            events.append([event(1)])
        events.close()


def test_a_full_redis_says_so_and_keeps_no_half_of_a_batch(tmp_path: Path) -> None:
    with durable_redis(tmp_path / "redis", "--maxmemory", "8mb", "--maxmemory-policy", "noeviction") as server:
        events = RedisEvents(server.url, tmp_path, timeout_s=10)
        kept = 0
        with pytest.raises(StoreUnavailable, match="is full"):
            for batch in range(10_000):
                kept += events.append([event(batch, recommendationId="x" * 200) for _ in range(100)])
        assert kept % 100 == 0
        assert events.last_seq() == kept
        events.close()


def test_a_cluster_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a Cluster"):
        RedisEvents("redis+cluster://nowhere:1", tmp_path)


def test_a_redis_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    events = RedisEvents("redis://:secret@127.0.0.1:1/0", tmp_path)
    with pytest.raises(StoreUnavailable, match=r"The event log redis://127.0.0.1:1/0 cannot be reached") as told:
        events.append([event(1)])
    assert "secret" not in str(told.value)
    events.close()


def test_each_home_archives_everything_once_under_the_same_numbers(store: RedisEvents, tmp_path: Path) -> None:
    store.append(
        [event(1, eventId="a", position=3, recommendationId="r"), event(2, eventId="b", type="click", value=None)]
    )
    assert catch_up(tmp_path / "home", store) == 2
    store.append([event(3, eventId="c")])
    assert (catch_up(tmp_path / "home", store), catch_up(tmp_path / "home", store)) == (1, 0)
    store.append([event(4, eventId="d")])
    assert [catch_up(tmp_path / name, store) for name in ("home", "other")] == [1, 0]
    store.append([event(5, eventId="e")])
    assert catch_up(tmp_path / "other", store) == 1, "who joins later gets what comes later"
    assert catch_up(tmp_path / "home", store) == 1
    assert [one["eventId"] for one in archived(tmp_path / "home")] == ["a", "b", "c", "d", "e"]
    assert archived(tmp_path / "home")[0] == {**event(1), "eventId": "a", "position": 3, "recommendationId": "r"}
    live = LiveStore(tmp_path / "home")
    assert [one.seq for one in live.events_of(1)] == [one.seq for one in store.events_of(1)] == [1, 3, 4, 5]
    live.close()


def test_redis_goes_on_from_the_home_that_begins_it(store: RedisEvents, tmp_path: Path) -> None:
    live = LiveStore(tmp_path / "home")
    live.append([event(1), event(2)])
    assert store.append([event(3)]) == 1
    assert store.last_seq() == 3
    assert catch_up(tmp_path / "home", store) == 1
    assert [one.seq for one in live.events_of(1)] == [1, 2, 3]
    assert [one.movie_id for one in store.events_of(1)] == [3], "until the lists are made anew"
    assert rebuild(tmp_path / "home", store) == 1
    assert store.events_of(1) == live.events_of(1)
    live.close()
    stranger = LiveStore(tmp_path / "stranger")
    stranger.append([event(9)])
    stranger.close()
    store.forget(1, 2_000)
    with pytest.raises(StoreUnavailable, match="two logs"):
        catch_up(tmp_path / "stranger", store)
    assert [one["movieId"] for one in archived(tmp_path / "stranger")] == [9], "whoever is refused loses nobody"


def test_the_first_home_that_archives_gives_the_numbers(store: RedisEvents, durable: Server, tmp_path: Path) -> None:
    """Nothing has been appended yet; the newest events were forgotten, and their numbers are not given again."""
    live = LiveStore(tmp_path / "home")
    live.append([event(1), event(2), event(3, userId=2)])
    forget_person(tmp_path / "home", 2, 1)
    live.close()
    assert catch_up(tmp_path / "home", store) == 0
    other = RedisEvents(durable.url, tmp_path / "fresh", timeout_s=10)
    assert other.append([event(7)]) == 1
    other.close()
    assert catch_up(tmp_path / "home", store) == 1
    assert [one["movieId"] for one in archived(tmp_path / "home")] == [1, 2, 7]
    assert store.last_seq() == 4


def test_a_redis_that_counts_less_than_is_archived_has_lost_events(
    store: RedisEvents, durable: Server, tmp_path: Path
) -> None:
    store.append([event(number) for number in range(5)])
    catch_up(tmp_path / "home", store)
    with redis.Redis.from_url(durable.url) as client:
        client.flushall()
    fresh = RedisEvents(durable.url, tmp_path / "fresh", timeout_s=10)
    fresh.append([event(9)])
    fresh.close()
    with pytest.raises(StoreUnavailable, match="has archived 5 events, and the Redis counts 1"):
        catch_up(tmp_path / "home", store)


def test_lists_made_anew_keep_what_came_meanwhile(store: RedisEvents, durable: Server, tmp_path: Path) -> None:
    store.append([event(1), event(2)])
    catch_up(tmp_path / "home", store)
    durable.ask("DEL", f"{USER}1")
    store.append([event(3)])
    rebuild(tmp_path / "home", store)
    assert [one.movie_id for one in store.events_of(1)] == [1, 2, 3]


def test_whoever_is_forgotten_is_gone_from_every_home(store: RedisEvents, tmp_path: Path) -> None:
    homes = [tmp_path / "home", tmp_path / "other"]
    for home in homes:
        catch_up(home, store)
    store.append([event(1), event(2, userId=2), event(4, type="click", value=None, outsideUserId="ann")])
    for home in homes:
        catch_up(home, store)
    store.append([event(3), event(5, userId=2)])
    assert store.forget(1, now=1000) == 1, "one entry was still in the stream; the archives come next"
    assert (store.events_of(1), store.outside_people()) == ([], {})
    assert store.append([event(7)]) == 0, "an old copy brings nobody back"
    store.append([event(8, timestamp=2000)])
    for home in homes:
        catch_up(home, store)
        assert [(one["userId"], one["movieId"]) for one in archived(home)] == [(2, 2), (2, 5), (1, 8)]


def test_nothing_is_let_go_of_before_every_reader_has_it(store: RedisEvents, durable: Server, tmp_path: Path) -> None:
    store.join("spark")
    store.append([event(number, eventId=f"e{number}") for number in range(5)])
    catch_up(tmp_path / "home", store)
    assert durable.ask("XLEN", "sparrow:events") == 5
    assert relay(store, tmp_path / "lines", "one") == 5
    assert durable.ask("XLEN", "sparrow:events") == 0
    store.append([event(9, eventId="e9")])
    assert relay(store, tmp_path / "lines", "one") == 1
    assert durable.ask("XLEN", "sparrow:events") == 1, "the home has not read it"
    files = sorted((tmp_path / "lines").iterdir())
    assert [file.name for file in files] == [f"{1:020d}-{5:020d}.jsonl", f"{6:020d}-{6:020d}.jsonl"]
    lines = [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]
    assert [(line["seq"], line["eventId"]) for line in lines] == [*((n + 1, f"e{n}") for n in range(5)), (6, "e9")]


def test_a_relay_that_was_killed_before_it_confirmed_writes_the_same_file(store: RedisEvents, tmp_path: Path) -> None:
    store.append([event(number) for number in range(3)])
    store.join("spark")
    assert [seq for seq, _ in store.taken("spark", "one", 100)] == [1, 2, 3], "taken, and then it dies"
    store.append([event(4)])
    assert relay(store, tmp_path, "two") == 1, "another relay does not take them over"
    assert relay(store, tmp_path, "one") == 3
    assert sorted(path.name[:20] for path in tmp_path.glob("*.jsonl")) == [f"{1:020d}", f"{4:020d}"]
    assert relay(store, tmp_path, "one") == 0


def test_what_was_forgotten_between_taking_and_confirming_does_not_hold_the_stream(
    store: RedisEvents, durable: Server, tmp_path: Path
) -> None:
    store.append([event(1), event(2, userId=2), event(3)])
    store.join("spark")
    assert len(store.taken("spark", "one", 10)) == 3, "taken, and killed before it confirmed"
    store.forget(2, 2_000)
    assert relay(store, tmp_path / "out", consumer="one") == 2
    with redis.Redis.from_url(durable.url) as client:
        assert client.xpending("sparrow:events", "spark")["pending"] == 0
        assert client.xlen("sparrow:events") == 0, "all that every reader has is let go of"
