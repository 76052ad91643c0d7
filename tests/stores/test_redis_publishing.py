"""Publishing into a real Redis: whole or not at all, one SET, halves swept, nothing deleted too early."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgpack
import orjson
import pytest

from sparrow.errors import Busy, NotFound, ReleaseError, StoreUnavailable
from sparrow.stores import lmdb_store, publishing
from sparrow.stores.lmdb_store import LmdbStore
from sparrow.stores.model_repository import versions
from sparrow.stores.publishing import Pointer, read_pointer
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_releases import DELETE_AFTER_S, RedisTarget
from sparrow.stores.redis_store import RedisStore, write_partition
from sparrow.stores.releases import release_names, releases_folder, seal
from tests.stores.redis_servers import Server, running_redis
from tests.stores.small_releases import MODEL, fill, manifest

pytestmark = pytest.mark.needs("redis-server")

ROWS = 1200


def records(mark: str, rows: int = ROWS) -> dict[str, bytes]:
    """What a release holds, `meta` aside."""
    movies = {f"mf:{number}": f"{mark} {number}".encode() for number in range(rows)}
    return movies | {f"uf:{number}": f"{mark} {number}".encode() for number in range(50)}


def meta(mark: str) -> bytes:
    packed: bytes = msgpack.packb({"movies": ROWS, "people": 50, "mark": mark})
    return packed


def add(home: Path, mark: str) -> None:
    """A sealed release with real records, which only `mark` tells from others."""
    folder = fill(home / "work" / mark, mark)
    (folder / "features.lmdb").unlink()
    store = LmdbStore(folder / "features.lmdb", writable=True)
    store.put_many([*records(mark).items(), ("meta", meta(mark))])
    store.close()
    lmdb_store.seal(folder / "features.lmdb")
    seal(folder, home, manifest(mark))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for mark in "abcd":
        add(tmp_path / "home", mark)
    return tmp_path / "home"


@pytest.fixture
def target(server: Server) -> RedisTarget:
    return RedisTarget(server.url)


def publish(home: Path, mark: str, target: RedisTarget, keep: int = 10) -> Pointer:
    return publishing.publish(home, mark, keep, None, target)


def content(server: Server, mark: str) -> dict[str, bytes]:
    connection = RedisConnection(server.url)
    found = dict(RedisStore(connection, mark).scan(""))
    connection.close()
    return found


def states(target: RedisTarget) -> dict[str, str]:
    return {one.release: one.state for one in target.held()}


def test_publishing_copies_everything_and_flips_once(home: Path, server: Server, target: RedisTarget) -> None:
    assert target.read_pointer() is None
    assert publish(home, "a", target) == Pointer("a", {MODEL: 1}) == target.read_pointer()
    assert orjson.loads(server.ask("GET", "sparrow:current")) == {"release": "a", "models": {MODEL: 1}}
    assert content(server, "a") == records("a") | {"meta": meta("a")}
    assert target.features(releases_folder(home) / "a", patient=False).get_many(["mf:7", "mf:-1"]) == [b"a 7", None]
    [held] = target.held()
    assert (held.state, held.counts) == ("whole", {"movies": ROWS, "people": 50})
    assert read_pointer(home) is None, "the home's own pointer is another"
    assert server.ask("EXISTS", "sparrow:publisher") == 0


def test_rollback_and_versions_go_on_as_in_the_home(home: Path, target: RedisTarget) -> None:
    numbers = [publish(home, mark, target).models[MODEL] for mark in "ab"]
    back = publishing.rollback(home, 10, None, target)
    assert (back, target.read_pointer()) == (Pointer("a", {MODEL: 3}), back)
    assert numbers == [1, 2]
    assert versions(home / "models", MODEL) == [2, 3]
    with pytest.raises(ReleaseError, match=r"nothing to roll back to in redis://127\.0\.0\.1"):
        publishing.rollback(home, 10, None, target)


def test_two_targets_of_a_home_leave_each_other_their_versions_and_releases(home: Path, target: RedisTarget) -> None:
    publish(home, "a", target)
    for mark, keep in zip("bcdbcd", [10, 10, 10, 10, 10, 2], strict=True):
        publishing.publish(home, mark, keep)
    assert target.read_pointer() == Pointer("a", {MODEL: 1})
    assert versions(home / "models", MODEL) == [1, 6, 7], "1 is live in Redis, 7 in the home"
    assert set(release_names(home)) == {"a", "c", "d"}
    publish(home, "c", target, keep=2)
    assert read_pointer(home) == Pointer("d", {MODEL: 7})
    assert versions(home / "models", MODEL) == [1, 6, 7, 8], "6 and 7 were the home's last, 1 was Redis' before"
    assert publishing.rollback(home, 2).release == "c"
    assert publishing.rollback(home, 2, None, target).release == "a"


def test_what_executors_wrote_is_published_as_it_is(home: Path, server: Server, target: RedisTarget) -> None:
    write_partition(server.url, "a", records("a").items())
    write_partition(server.url, "a", [("meta", meta("a"))])
    (releases_folder(home) / "a" / "features.lmdb").unlink()
    told = orjson.loads((releases_folder(home) / "a" / "manifest.json").read_bytes())
    del told["files"]["features.lmdb"]
    (releases_folder(home) / "a" / "manifest.json").write_bytes(orjson.dumps(told))
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}
    server.ask("DEL", "sparrow:a:mf:3")
    publish(home, "b", target)
    with pytest.raises(ReleaseError, match=r"does not hold the whole release a, .* no features\.lmdb"):
        publish(home, "a", target)
    assert target.read_pointer() == Pointer("b", {MODEL: 2})


def test_a_half_is_never_live_and_publishing_again_begins_anew(home: Path, server: Server, target: RedisTarget) -> None:
    write_partition(server.url, "a", [("mf:1", b"of a killed job"), ("mf:99999", b"too many")])
    assert states(target) == {"a": "half"}
    with pytest.raises(StoreUnavailable, match="no longer holds the release a"):
        target.features(releases_folder(home) / "a", patient=True).get_many(["mf:1"])
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}


def test_lost_keys_of_the_live_release_are_mended_in_place(home: Path, server: Server, target: RedisTarget) -> None:
    publish(home, "a", target)
    server.ask("DEL", "sparrow:a:mf:3", "sparrow:a:uf:4")
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}


@pytest.mark.parametrize("lost", ["sparrow:a:keys:*", "sparrow:a:groups"])
def test_lost_lists_of_keys_are_found_out_and_mended(
    home: Path, server: Server, target: RedisTarget, lost: str
) -> None:
    publish(home, "a", target)
    server.ask("DEL", server.keys(lost)[0])
    assert len(content(server, "a")) < ROWS + 51, "Redis itself takes what is left for everything"
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}


def test_executors_that_left_a_part_out_are_found_out(home: Path, server: Server, target: RedisTarget) -> None:
    part = list(records("a").items())[:-7]
    write_partition(server.url, "a", [*part, ("meta", meta("a"))])
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}


def test_another_content_under_the_same_name_is_replaced(home: Path, server: Server, target: RedisTarget) -> None:
    write_partition(server.url, "a", [("mf:99999", b"of another build"), ("meta", meta("another"))])
    publish(home, "a", target)
    assert content(server, "a") == records("a") | {"meta": meta("a")}


def test_a_release_that_nobody_needs_ends_after_a_minute_and_leaves_nothing(
    home: Path, server: Server, target: RedisTarget
) -> None:
    for mark, keep in zip("abc", [10, 10, 2], strict=True):
        publish(home, mark, target, keep)
    assert states(target) == {"a": "going", "b": "whole", "c": "whole"}
    remaining = server.ask("TTL", "sparrow:a:meta")
    assert DELETE_AFTER_S - 30 < remaining <= DELETE_AFTER_S
    assert content(server, "a") == records("a") | {"meta": meta("a")}, "nothing of it is gone before"
    publish(home, "b", target, keep=2)
    assert states(target)["a"] == "going", "another publish neither hastens nor delays it"
    server.ask("PEXPIRE", "sparrow:a:meta", 1)
    until(lambda: states(target)["a"] == "half")
    publish(home, "c", target, keep=2)
    assert set(states(target)) == {"b", "c"}
    assert server.keys("sparrow:a:*") == []


def test_a_release_that_is_going_can_be_called_back(home: Path, server: Server, target: RedisTarget) -> None:
    for mark in "abc":
        publish(home, mark, target)
    target.prune({"c"}, keep=1)
    assert states(target) == {"a": "going", "b": "going", "c": "whole"}
    assert publishing.rollback(home, 10, None, target).release == "b"
    assert states(target) == {"a": "going", "b": "whole", "c": "whole"}
    assert server.ask("TTL", "sparrow:b:meta") == -1


def test_only_halves_that_nobody_writes_to_are_swept(home: Path, server: Server, target: RedisTarget) -> None:
    for mark in ("dead", "busy"):
        write_partition(server.url, mark, records(mark).items())
    server.ask("ZADD", "sparrow:releases", int(time.time()) - 7200, "dead")
    publish(home, "a", target)
    assert states(target) == {"a": "whole", "busy": "half"}
    assert server.keys("sparrow:dead:*") == []


def test_a_full_redis_leaves_the_live_release_and_frees_what_was_copied(
    home: Path, server: Server, target: RedisTarget
) -> None:
    publish(home, "a", target)
    log = (home / "publish.log").read_bytes()
    used = server.ask("INFO", "memory")["used_memory"]
    server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    server.ask("CONFIG", "SET", "maxmemory", used + 100_000)
    with pytest.raises(StoreUnavailable, match="is full; raise its maxmemory"):
        publish(home, "b", target)
    assert (target.read_pointer(), (home / "publish.log").read_bytes()) == (Pointer("a", {MODEL: 1}), log)
    assert versions(home / "models", MODEL) == [1]
    assert content(server, "a") == records("a") | {"meta": meta("a")}
    assert server.keys("sparrow:b:*") == []
    server.ask("CONFIG", "SET", "maxmemory", 0)
    assert publish(home, "b", target).release == "b"


def test_nobody_there_or_an_unknown_release_changes_nothing(home: Path, server: Server, target: RedisTarget) -> None:
    publish(home, "a", target)
    with pytest.raises(NotFound, match="'nothing'"):
        publish(home, "nothing", target)
    log = (home / "publish.log").read_bytes()
    server.signal(signal.SIGKILL)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        publish(home, "b", target)
    assert (home / "publish.log").read_bytes() == log
    assert versions(home / "models", MODEL) == [1]


def test_an_unreadable_pointer_is_named_and_mended_by_publishing(
    home: Path, server: Server, target: RedisTarget
) -> None:
    server.ask("SET", "sparrow:current", b'{"release":')
    with pytest.raises(ReleaseError, match=r"sparrow:current in redis://127\.0\.0\.1:\d+/0 cannot be read"):
        target.read_pointer()
    assert publish(home, "a", target) == target.read_pointer()


def test_only_one_home_publishes_at_a_time(home: Path, server: Server, target: RedisTarget, tmp_path: Path) -> None:
    other = tmp_path / "other"
    add(other, "e")
    with (
        target.publishing(home),
        pytest.raises(Busy, match=rf"{socket.gethostname()}:{home} is publishing to redis://"),
    ):
        publishing.publish(other, "e", 10, None, RedisTarget(server.url))
    publishing.publish(other, "e", 10, None, RedisTarget(server.url))
    assert states(target) == {"e": "whole"}


KILLED = """
import sys
from pathlib import Path
from sparrow.stores import publishing
from sparrow.stores.redis_releases import RedisTarget
def wait(name, version):
    print("copied", flush=True)
    sys.stdin.readline()
publishing.publish(Path(sys.argv[1]), "b", 10, wait, RedisTarget(sys.argv[2]))
"""


def test_a_publisher_killed_midway_changes_nothing_and_blocks_not_its_own_home(
    home: Path, server: Server, target: RedisTarget
) -> None:
    publish(home, "a", target)
    command = [sys.executable, "-c", KILLED, str(home), server.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "copied\n"
        killed.kill()
    assert target.read_pointer() == Pointer("a", {MODEL: 1})
    assert publish(home, "c", target) == Pointer("c", {MODEL: 3})
    assert server.ask("EXISTS", "sparrow:b:meta") > 0
    assert publishing.rollback(home, 10, None, target).release == "a"


def test_the_password_is_in_no_log(home: Path, tmp_path: Path) -> None:
    with running_redis(tmp_path / "locked", "--requirepass", "secret") as locked:
        target = RedisTarget(f"redis://:secret@127.0.0.1:{locked.port}/0")
        publish(home, "a", target)
        assert target.read_pointer() == Pointer("a", {MODEL: 1})
        assert b"secret" not in (home / "publish.log").read_bytes()
        assert "secret" not in target.name


def until(is_true: object) -> None:
    assert callable(is_true)
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
