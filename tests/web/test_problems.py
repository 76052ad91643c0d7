"""Every error tells the truth in its status and names the thing, the value and the cure."""

import logging

import pytest

from sparrow.config import Settings
from sparrow.errors import RankerUnavailable
from sparrow.web.app import create_app
from tests.web.conftest import Client
from tests.web.fake import RELEASE, FakeLive, FakeRecommender

LISTS = (
    "/api/v1/movies",
    "/api/v1/search?q=a",
    "/api/v1/movies/1/similar",
    "/api/v1/users/1/recommendations",
    "/getsimilarmovie?movieId=1",
    "/getrecommendation",
    "/getrecforyou?id=1",
)


@pytest.mark.parametrize("size", ["abc", "0", "-1", "1000000000", "", "1.5", "9" * 5000])
@pytest.mark.parametrize("path", LISTS)
def test_bad_sizes_name_parameter_value_and_range(client: Client, path: str, size: str) -> None:
    answer = client.get(f"{path}{'&' if '?' in path else '?'}size={size}")
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["detail"].startswith("size is ")
    assert size[:20] in problem["detail"]
    assert "from 1 to 500" in problem["detail"]
    assert problem["instance"] == path.partition("?")[0]


@pytest.mark.parametrize("path", ["/api/v1/movies/{}", "/api/v1/users/{}", "/getmovie?id={}", "/posters/{}.jpg"])
@pytest.mark.parametrize("bad", ["abc", "-1", str(2**63), "1.5", "%00"])
def test_bad_ids_are_refused(client: Client, path: str, bad: str) -> None:
    answer = client.get(path.format(bad))
    assert answer.status_code == 422
    assert str(2**63 - 1) in answer.json()["detail"]


@pytest.mark.parametrize("exclude", ["abc", "1;2", "-5", "1_000", "９", str(2**63), "9" * 4000])
def test_bad_exclusions_are_refused(client: Client, exclude: str) -> None:
    answer = client.get("/api/v1/movies/1/similar", params={"exclude": exclude})
    assert answer.status_code == 422
    assert "exclude" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v1/movies/424242", "424242"),
        ("/api/v1/movies/424242/similar", "424242"),
        ("/api/v1/movies?genre=Opera", "Opera"),
        ("/api/v1/users/1/recommendations?model=gpt", "neural_cf"),
        ("/api/v1/movies/1/similar?embedding=gpt", "item2vec"),
        ("/getmovie?id=424242", "424242"),
        ("/getuser?id=424242", "424242"),
        ("/posters/424242.jpg", "424242"),
        ("/api/v1/nothing", "/api/v1/nothing"),
        ("/static/../app.py", "app.py"),
        ("/static/%2e%2e/app.py", "app.py"),
        ("/static/%00", "static"),
    ],
)
def test_what_is_not_there_is_a_404_that_names_it(client: Client, path: str, named: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert named in answer.json()["detail"]


def test_a_wrong_method_is_405_and_says_which_are_right(client: Client) -> None:
    answer = client.request("DELETE", "/api/v1/movies")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.json()["title"] == "Method Not Allowed"
    page = client.post("/")
    assert page.status_code == 405
    assert "our fault" not in page.text


@pytest.mark.parametrize("query", ["sort=colour", "offset=-1", "year=0", "genre=" + "x" * 101])
def test_other_bad_parameters_are_named(client: Client, query: str) -> None:
    answer = client.get(f"/api/v1/movies?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(query.partition("=")[0])


def test_a_dead_dependency_is_503(client: Client, recommender: FakeRecommender) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RankerUnavailable("The ranker at http://localhost:8501 does not answer; start it or unset --ranker-url.")

    recommender.similar = fail  # type: ignore[method-assign, assignment]
    answer = client.get("/api/v1/movies/1/similar")
    assert answer.status_code == 503
    assert "8501" in answer.json()["detail"]


def test_a_bug_is_a_500_without_a_traceback_and_logged(
    client: Client, recommender: FakeRecommender, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(movie_id: int) -> None:
        raise RuntimeError("secret inner thing")

    recommender.movie = fail  # type: ignore[method-assign, assignment]
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/movies/1")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Sparrow-Release"] == RELEASE
    assert "secret" not in answer.text
    assert "secret inner thing" in caplog.text


def test_without_a_release_everything_is_503_but_health() -> None:
    client = Client(create_app(FakeLive(None), None, Settings()))
    for path in ("/api/v1/movies", "/getmovie?id=1", "/posters/1.jpg"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["X-Sparrow-Release"]) == (503, "none")
    assert client.get("/").status_code == 503
    assert "warming up" in client.get("/").text
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "nothing is published")


def test_broken_json_and_large_bodies(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    for broken in (b"{", b"", b"\xff\xfe", b"['a']"):
        answer = client.post("/api/v1/recommendations", content=broken, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(("The body is no JSON", "The body is missing"))
    large = client.post("/api/v1/recommendations", content=b" " * (1 << 20) + b"{}", headers=headers)
    assert large.status_code == 413
    assert "1048576" in large.json()["detail"]


def test_a_large_body_of_unknown_length_is_413_too(client: Client) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b" " * 65_536
            yield b" " * 65_536

    for path in ("/api/v1/recommendations", "/api/v1/events"):
        answer = client.post(path, content=chunks(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
