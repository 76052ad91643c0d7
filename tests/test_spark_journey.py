"""The cluster's way from ratings to a page: features, samples and Item2vec on Spark, records from its executors into a real
Redis, published there and served from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import orjson
import pytest

from tests.conftest import Released
from tests.stores.redis_servers import Server, running_redis
from tests.test_journey import ids, recommended, serving

pytestmark = [pytest.mark.slow, pytest.mark.needs("java"), pytest.mark.needs("redis-server")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis") as started:
        yield started


def sparrow(home: Path, url: str, *words: str) -> str:
    """A verb of the command line, as a shell would run it; its standard output."""
    command = [sys.executable, "-m", "sparrow.cli.main", *words, "--home", str(home)]
    ended = subprocess.run(
        command,
        env={**os.environ, "SPARROW_ONLINE__STORE": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_built_on_spark_filled_by_executors_served_from_redis(
    released: Released, server: Server, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sparrow.toml").write_bytes((released.home / "sparrow.toml").read_bytes())
    built = orjson.loads(
        sparrow(
            home, server.url, "build", "--dataset", str(released.dataset), "--engine", "spark", "--spark-master", "local[2]",
            "--json",
        )
    )  # fmt: skip
    release = built["release"]
    check_records(server, release, released)
    before = set(server.keys())
    sparrow(home, server.url, "publish", release)
    assert set(server.keys()) - before == {"sparrow:current"}, "the publish only had to flip the pointer"
    log = orjson.loads((home / "releases" / release / "run.json").read_bytes())
    assert log["engine"]["name"] == "spark"
    with serving(home, "--store", server.url) as site:
        for user in (1, 2):
            found = ids(recommended(site, user))
            assert len(found) > 5
            assert sum(movie % 2 == user % 2 for movie in found) > 0.8 * len(found), "the checkerboard's taste"
        similar = ids(site.get("/api/v1/movies/8/similar").json())
        assert sum(movie % 2 == 0 for movie in similar[:10]) >= 8
        assert site.get("/user.html", params={"userId": 1}).status_code == 200


def check_records(server: Server, release: str, released: Released) -> None:
    """Every movie and every person of the ratings is there, whole, before anything is published."""
    prefix = f"sparrow:{release}:"
    people = {rating.user_id for rating in released.world.ratings}
    assert {int(key.removeprefix(f"{prefix}uf:")) for key in server.keys(f"{prefix}uf:*")} == people
    assert len(server.keys(f"{prefix}mf:*")) == len(released.world.movies)
    record = msgpack.unpackb(server.ask("GET", f"{prefix}uf:1"))
    rated = [rating for rating in released.world.ratings if rating.user_id == 1]
    assert record["user_count"] == len(rated) == len(record["half_stars"])
    assert record["user_half_sum"] == sum(round(2 * rating.score) for rating in rated)
    assert server.ask("EXISTS", f"{prefix}meta") == 1
    assert server.ask("EXISTS", "sparrow:current") == 0
