"""Assembly: headers on every answer, lifespan, metrics, description, and nothing heavy behind the import."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from sparrow.config import Settings
from sparrow.web.app import create_app
from sparrow.web.metrics import Metrics
from tests.conftest import small_world
from tests.online.memory import make_recommender
from tests.web.conftest import Client
from tests.web.fake import RELEASE, FakeLive, FakeLog


@pytest.mark.parametrize("path", ["/", "/api/v1/movies/1", "/nope", "/static/base.css", "/posters/1.jpg", "/healthz"])
def test_every_answer_is_dressed(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Sparrow-Release"] == RELEASE
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "X-Sparrow-Degraded" not in headers


def test_head_is_get_without_a_body(client: Client) -> None:
    got, head = client.get("/healthz"), client.request("HEAD", "/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_the_application_starts_and_stops_its_release() -> None:
    live = FakeLive()
    app = create_app(live, None, Settings())

    async def run() -> None:
        async with app.router.lifespan_context(app):
            assert live.calls == ["start"]

    anyio.run(run)
    assert live.calls == ["start", "stop"]


def test_ready_says_what_is_served(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "release": RELEASE}


def test_metrics_count_by_pattern_never_by_address(client: Client, live: FakeLive) -> None:
    for path in ("/api/v1/movies/1", "/api/v1/movies/50", "/api/v1/movies/424242", "/x1", "/static/base.css"):
        client.get(path)
    client.request("DANCE", "/x2")
    text = client.get("/metrics").text
    count = 'sparrow_http_request_seconds_count{method="GET",route="/api/v1/movies/{movieId}",status='
    assert f'{count}"200"}} 2.0' in text
    assert f'{count}"404"}} 1.0' in text
    assert 'method="GET",route="unmatched",status="404"} 1.0' in text
    assert 'method="other",route="unmatched",status="404"} 1.0' in text
    assert f'sparrow_release_info{{release="{RELEASE}"}} 1.0' in text
    assert live.current is not None
    live.current.release = "newer"
    client.get("/healthz")
    text = client.get("/metrics").text
    assert f'sparrow_release_info{{release="{RELEASE}"}} 0.0' in text
    assert 'sparrow_release_info{release="newer"} 1.0' in text


def test_the_description_covers_the_contract(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    contract = {
        "/api/v1/movies/{movieId}",
        "/api/v1/movies",
        "/api/v1/search",
        "/api/v1/movies/{movieId}/similar",
        "/api/v1/users/{userId}",
        "/api/v1/users/{userId}/recommendations",
        "/api/v1/recommendations",
        "/api/v1/events",
        "/api/v1/marks",
        "/healthz",
        "/readyz",
        "/metrics",
        "/getmovie",
        "/getuser",
        "/getsimilarmovie",
        "/getrecommendation",
        "/getrecforyou",
        "/posters/{movieId}.jpg",
        "/admin/v1/cases",
        "/admin/v1/cases/{number}",
        "/admin/v1/rules",
        "/admin/v1/rules/history",
        "/admin/v1/rules/undo",
    }
    assert contract == set(paths)
    page = client.get("/docs").text
    assert all(path in page for path in contract)


def test_importing_the_application_loads_nothing_heavy() -> None:
    heavy = ["tensorflow", "keras", "pandas", "pyarrow", "pyspark", "duckdb"]
    code = f"import sys, sparrow.web.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_computes_on_one_thread(tmp_path: Path) -> None:
    code = (
        "from sparrow.cli.serve import application; from threadpoolctl import threadpool_info; application(); "
        "print({one['num_threads'] for one in threadpool_info() if one['user_api'] == 'blas'})"
    )
    environ = {**os.environ, "SPARROW_HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "{1}"


def test_metrics_tell_stages_rankers_routes_and_model_versions() -> None:
    site = Client(create_app(FakeLive(make_recommender(small_world())), FakeLog(), Settings()))  # type: ignore[arg-type]
    for path in (
        "/api/v1/users/1/recommendations?size=5",
        "/api/v1/movies/8/similar?size=5",
        "/getrecforyou?id=1&size=5",
    ):
        assert site.get(path).status_code == 200
    told = site.get("/metrics").text
    for stage in ("recall", "ranking", "reranking"):
        assert f'sparrow_stage_seconds_count{{stage="{stage}"}} 3.0' in told
    assert 'sparrow_lists_total{pipeline="for_you:history",ranker="history"} 2.0' in told
    assert 'sparrow_lists_total{pipeline="similar:item2vec",ranker="item2vec"} 1.0' in told
    brought = {
        line.split()[0]: float(line.split()[1]) for line in told.splitlines() if line.startswith("sparrow_listed")
    }
    assert 0 < brought['sparrow_listed_movies_total{route="embedding"}'] <= 15
    assert 'sparrow_model_info{model="recmodel",version="3"} 1.0' in told


def test_a_model_version_that_went_is_told_as_gone() -> None:
    metrics = Metrics()
    metrics.note_release("a", {"recmodel": 1})
    metrics.note_release("a", {"recmodel": 2})
    told = metrics.render().decode()
    assert 'sparrow_model_info{model="recmodel",version="1"} 0.0' in told
    assert 'sparrow_model_info{model="recmodel",version="2"} 1.0' in told
    assert 'sparrow_release_info{release="a"} 1.0' in told


@pytest.mark.parametrize(
    ("path", "encoding"),
    [("/", "gzip"), ("/static/pages.css", "gzip"), ("/posters/589.jpg", "gzip"), ("/api/v1/movies?size=12", None)],
)
def test_what_people_look_at_travels_compressed(client: Client, path: str, encoding: str | None) -> None:
    squeezed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert squeezed.headers.get("Content-Encoding") == encoding
    assert squeezed.content == client.get(path, headers={"Accept-Encoding": "identity"}).content
    if encoding:
        assert "Accept-Encoding" in squeezed.headers["Vary"]
        assert squeezed.num_bytes_downloaded < len(squeezed.content) / 2
    if tag := squeezed.headers.get("ETag"):
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
