"""The whole way with Redis: published into a real one, served from it, swapped under load. Its deaths: tests/faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.build.publish import publish, rollback
from sparrow.config import Settings
from tests.conftest import Released
from tests.faults.load import Load, degraded, ready, until
from tests.online.test_live import SECOND, add_release
from tests.stores.redis_servers import Server, running_cluster, running_redis
from tests.test_journey import ids, recommended, serving

pytestmark = [pytest.mark.slow, pytest.mark.needs("redis-server")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Redis that finds its data again after a `kill -9`."""
    with running_redis(tmp_path / "redis", "--appendonly", "yes") as started:
        yield started


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    home = released.fresh(tmp_path / "home")
    add_release(home, released.release, SECOND)
    return home


def with_store(released: Released, url: str) -> Settings:
    online = released.settings.online.model_copy(update={"store": url})
    return released.settings.model_copy(update={"online": online})


def test_the_same_lists_from_redis_as_from_lmdb(home: Path, server: Server, released: Released) -> None:
    publish(home, released.release, with_store(released, server.url))
    with serving(home) as plain, serving(home, "--store", server.url) as site:
        for user in (1, 2, 40, 5_000):
            assert ids(recommended(site, user)) == ids(recommended(plain, user))
        assert site.get("/api/v1/users/1").json() == plain.get("/api/v1/users/1").json()
        similar = "/api/v1/movies/8/similar"
        assert ids(site.get(similar).json()) == ids(plain.get(similar).json())
        assert site.get("/user.html", params={"userId": 1}).status_code == 200
        before = ids(recommended(site, 21))
        event = {"type": "rating", "userId": 21, "movieId": before[0], "value": 5.0}
        assert site.post("/api/v1/events", json=event).status_code == 202
        assert before[0] not in ids(recommended(site, 21)), "events go on living in the home"
        mark = {"movieId": 8, "neighbourId": 3, "embedding": "item2vec"}
        assert site.post("/api/v1/marks", json=mark).json()["added"] is True
        assert [told["neighbourId"] for told in plain.get("/api/v1/marks").json()["items"]] == [3], "so do marks"


def test_publishes_and_rollbacks_under_load(home: Path, server: Server, released: Released) -> None:
    settings = with_store(released, server.url)
    publish(home, released.release, settings)
    with serving(home, "--store", server.url) as site:
        load = Load(site.base_url)
        with load.running():
            for _ in range(3):
                publish(home, SECOND, settings)
                until(lambda: ready(site)["release"] == SECOND)
                rollback(home, settings)
                until(lambda: ready(site)["release"] == released.release)
        assert load.releases == {released.release, SECOND}
        assert degraded(site) == []
        assert ready(site)["models"] == {"recmodel": 8}, "1 in the home, then seven flips in Redis"


def test_a_server_without_the_new_release_s_folder_keeps_the_old_one(
    home: Path, server: Server, released: Released, tmp_path: Path
) -> None:
    settings = with_store(released, server.url)
    publish(home, released.release, settings)
    elsewhere = released.fresh(tmp_path / "elsewhere")
    with serving(elsewhere, "--store", server.url) as site:
        publish(home, SECOND, settings)
        until(lambda: f"no release '{SECOND}'" in ready(site).get("problem", ""))
        assert ready(site)["release"] == released.release
        assert degraded(site) == []
        add_release(elsewhere, released.release, SECOND)
        until(lambda: ready(site)["release"] == SECOND)


def test_a_cluster_serves_too(home: Path, released: Released, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster") as url:
        settings = with_store(released, url)
        publish(home, released.release, settings)
        publish(home, SECOND, settings)
        with serving(home, "--store", url) as site:
            assert ready(site)["release"] == SECOND
            assert degraded(site) == []
            assert rollback(home, settings).release == released.release
            until(lambda: ready(site)["release"] == released.release)


def test_several_workers_serve_from_redis_and_leave_no_folder_behind(
    home: Path, server: Server, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    publish(home, released.release, with_store(released, server.url))
    with serving(home, "--store", server.url, "--workers", "2") as site:
        assert degraded(site) == []
        assert list(temporary.glob("sparrow-metrics-*")) != []
    assert list(temporary.glob("sparrow-metrics-*")) == []


def test_rules_are_shared_by_all_servers_of_a_redis(
    home: Path, server: Server, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARROW_WEB__ADMIN_TOKEN", "token")
    publish(home, released.release, with_store(released, server.url))
    elsewhere = released.fresh(tmp_path / "elsewhere")
    with serving(home, "--store", server.url) as one, serving(elsewhere, "--store", server.url) as other:
        before = ids(recommended(other, 1))
        rules = {"rules": {"candidates": {"hidden": [before[0]]}}, "version": 0}
        answer = one.put("/admin/v1/rules", json=rules, headers={"Authorization": "Bearer token"})
        assert answer.status_code == 200
        assert before[0] not in ids(recommended(one, 1)), "in force before the answer"
        until(lambda: ready(other)["rules"] == 1)
        assert before[0] not in ids(recommended(other, 1))
        server.ask("DEL", "sparrow:rules")
        until(lambda: "has no rules any more" in ready(other).get("rules_problem", ""))
        assert before[0] not in ids(recommended(other, 1)), "what was hidden stays hidden"
