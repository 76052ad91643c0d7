"""Verbs over a real Redis: publish, list, roll back; `--store` over settings, and settings without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.config import load_settings
from sparrow.stores.publishing import read_pointer
from sparrow.stores.redis_store import write_partition
from tests.cli.commands import Command
from tests.conftest import Released
from tests.online.test_live import SECOND, add_release
from tests.stores.redis_servers import Server, running_redis

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis") as started:
        yield started


def test_publish_list_and_roll_back(sparrow: Command, home: Path, released: Released, tmp_path: Path) -> None:
    add_release(home, released.release, SECOND)
    first = released.release
    with running_redis(tmp_path / "redis") as server:
        there = ("--store", server.url, "--home", home)
        assert sparrow("releases", *there, "--json").json == {"live": None, "releases": []}
        assert f"no release in {server.url}" in sparrow("releases", *there).out
        assert sparrow("publish", first, *there, "--json").json == {"release": first, "models": {"recmodel": 2}}
        assert sparrow("publish", SECOND, *there).out.startswith(f"Release {SECOND} is live")
        assert sparrow("rollback", *there, "--json").json == {"release": first, "models": {"recmodel": 4}}
        sparrow("rollback", *there).check_failed(1, "nothing to roll back to", server.url)
        write_partition(server.url, "20990102-000000-half", [("mf:1", b"1")])
        told = sparrow("releases", *there, "--json").json
        counts = {"movies": 43, "people": 66}
        assert told == {
            "live": first,
            "releases": [
                {"release": first, "state": "whole", "counts": counts},
                {"release": SECOND, "state": "whole", "counts": counts},
                {"release": "20990102-000000-half", "state": "half", "counts": {}},
            ],
        }
        lines = sparrow("releases", *there).out.splitlines()
        assert [line for line in lines if line.strip().startswith("live") and first in line and "whole" in line]
    sparrow("publish", first, *there).check_failed(1, server.url, "cannot be reached")
    pointer = read_pointer(home)
    assert pointer is not None
    assert pointer.models == {"recmodel": 1}, "the home's own pointer is another"


def test_the_settings_name_a_store_and_the_flag_wins(
    sparrow: Command, home: Path, released: Released, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARROW_ONLINE__STORE", server.url)
    assert sparrow("publish", released.release, "--home", home, "--json").code == 0
    assert sparrow("releases", "--home", home, "--json").json["releases"][0]["state"] == "whole"
    told = sparrow("releases", "--store", f"lmdb:{home}", "--json").json
    assert told["releases"][0]["dataset"]["name"] == str(released.dataset)
    monkeypatch.setenv("SPARROW_ONLINE__STORE", "redis://:secret@host/name")
    ended = sparrow("serve", "--home", home, "--workers", "2")
    ended.check_failed(2, "a number")
    assert "secret" not in ended.err


def test_no_manifest_repeats_the_address() -> None:
    settings = load_settings(environ={"SPARROW_ONLINE__STORE": "redis://:secret@host"})
    assert settings.online.store == "redis://:secret@host"
    assert "secret" not in f"{settings!r} {settings.model_dump(mode='json')}"
