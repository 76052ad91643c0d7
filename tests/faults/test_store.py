"""Redis killed, frozen and emptied under load: lists go on, say what they lack, and are whole again by themselves."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sparrow.build.publish import publish
from tests.conftest import Released
from tests.faults.load import PATHS, RECOVERY_S, Load, counted, degraded, ready, until
from tests.stores.redis_servers import Server, running_redis
from tests.test_journey import ids, recommended, serving
from tests.test_redis_journey import with_store

pytestmark = [pytest.mark.slow, pytest.mark.needs("redis-server")]

LISTS = (
    *PATHS,
    "/api/v1/movies?size=5",
    "/api/v1/search?q=square&size=5",
    "/api/v1/users/5000/recommendations?size=5",
    "/getrecforyou?id=1&size=5",
    "/getsimilarmovie?movieId=8&size=5",
    "/getrecommendation?genre=Horror&size=5",
)
"""Every route that gives a list."""

SIMILAR = "/api/v1/movies/8/similar?size=5"
MEANWHILE = 20
"""Answers while somebody waits 5 s for Redis; one or two get through before their request has arrived."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Redis that finds its data again after a `kill -9`."""
    with running_redis(tmp_path / "redis", "--appendonly", "yes") as started:
        yield started


@pytest.fixture
def site(released: Released, server: Server, tmp_path: Path) -> Iterator[httpx.Client]:
    home = released.fresh(tmp_path / "home")
    publish(home, released.release, with_store(released, server.url))
    with serving(home, "--store", server.url) as site:
        yield site


def test_killed(site: httpx.Client, server: Server) -> None:
    healthy = ids(recommended(site, 1))
    with Load(site.base_url, LISTS).running():
        until(lambda: degraded(site) == [])
        server.signal(signal.SIGKILL)
        until(lambda: degraded(site) == ["store"])
        until(lambda: "cannot be reached" in ready(site).get("problem", ""))
        assert site.get("/readyz").status_code == 200, "it answers, so it stays in the pool"
        for page in ("/", "/movie.html?movieId=8", "/user.html?userId=1"):
            assert site.get(page).status_code == 200
        for profile in ("/api/v1/users/1", "/getuser?id=1"):
            assert site.get(profile).status_code == 503, "nothing is next best to facts"
        server.start()
        until(lambda: degraded(site) == [], RECOVERY_S)
    until(lambda: "problem" not in ready(site), RECOVERY_S)
    assert ids(recommended(site, 1)) == healthy
    assert counted(site, "store") > 0


def test_frozen(site: httpx.Client, server: Server) -> None:
    with Load(site.base_url, LISTS).running():
        server.signal(signal.SIGSTOP)
        until(lambda: degraded(site) == ["store"])
        server.signal(signal.SIGCONT)
        until(lambda: degraded(site) == [], RECOVERY_S)
    assert counted(site, "store") > 0


def test_an_emptied_redis_is_no_world_of_strangers(
    site: httpx.Client, server: Server, released: Released, tmp_path: Path
) -> None:
    with Load(site.base_url, LISTS).running():
        server.ask("FLUSHALL")
        assert degraded(site) == ["store"]
        until(lambda: "no longer names a live release" in ready(site).get("problem", ""))
        publish(tmp_path / "home", released.release, with_store(released, server.url))
        until(lambda: degraded(site) == [], RECOVERY_S)
    assert counted(site, "store") > 0


def test_while_it_hangs_others_are_answered(
    server: Server, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that waits for a frozen Redis holds up nobody who needs nothing of it.

    Told by the order of answers, not by a clock: a server that waited in its event loop would answer all others after it.
    """
    monkeypatch.setenv("SPARROW_ONLINE__STORE_TIMEOUT_MS", "5000")
    home = tmp_path / "home"
    publish(released.fresh(home), released.release, with_store(released, server.url))
    with serving(home, "--store", server.url) as site, ThreadPoolExecutor() as visitors:
        others = Load(site.base_url)
        server.signal(signal.SIGSTOP)
        try:
            waiting = visitors.submit(degraded, site)
            meanwhile = 0
            while not waiting.done():
                others.judge(SIMILAR, site.get(SIMILAR))
                meanwhile += not waiting.done()
            assert waiting.result() == ["store"]
        finally:
            server.signal(signal.SIGCONT)
        assert others.wrong == []
        assert meanwhile >= MEANWHILE, "they waited, too"
        until(lambda: degraded(site) == [], RECOVERY_S)
