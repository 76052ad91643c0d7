"""The whole way: ratings, a built and published release, the real server in its own process, a real browser in front of it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser import browsing
from tests.conftest import Released
from tests.model_server.running import free_port, running_server

pytestmark = pytest.mark.slow

START_SECONDS = 60


@contextmanager
def serving(home: Path, *flags: str) -> Iterator[httpx.Client]:
    """`sparrow serve` on a free port, answering; ended with SIGTERM."""
    port, log = free_port(), home.parent / f"serve-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "sparrow.cli.main", "serve", "--home", str(home), "--port", str(port), *flags]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
                wait_until_ready(client, process, log)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert "Traceback" not in log.read_text()


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server did not get ready: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def home(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released.fresh(tmp_path_factory.mktemp("journey") / "home")


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[httpx.Client]:
    with serving(home) as client:
        yield client


def recommended(client: httpx.Client, user: int, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/users/{user}/recommendations", params={"size": 8, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ids(document: dict[str, Any]) -> list[int]:
    return [item["movieId"] for item in document["items"]]


def shown_movies(page: Any) -> list[int]:
    """Movie ids of the cards of the main list, in order."""
    links = page.locator("#listing [data-grid] .card > a").evaluate_all("links => links.map(link => link.href)")
    return [int(link.partition("movieId=")[2]) for link in links]


@pytest.mark.needs("chromium")
def test_a_visitor_walks_through_the_site(site: httpx.Client, released: Released) -> None:
    with browsing(str(site.base_url)) as (page, wrong):
        page.goto("/")
        assert page.locator(".row .card").count() > 10
        page.goto("/movie.html?movieId=8")
        assert "Square 8" in page.locator("h1").inner_text()
        similar = shown_movies(page)
        assert similar == ids(site.get("/api/v1/movies/8/similar").json())
        assert [movie % 2 for movie in similar[:10]] == [0] * 10
        page.locator("#listing .card > a").first.click()
        page.wait_for_url(f"**/movie.html?movieId={similar[0]}")
        title = site.get(f"/api/v1/movies/{similar[0]}").json()["title"]
        assert title.split(",")[0] in page.locator("h1").inner_text()
        page.goto("/user.html?userId=1")
        listed = shown_movies(page)
        assert not set(listed) & released.world.rated_by(1)
        assert sum(movie % 2 for movie in listed[:8]) >= 7
        assert page.locator("#listing .card-note").first.inner_text().strip(), "every film says why"
        page.locator("#listing .card > a").first.click()
        page.wait_for_url(f"**/movie.html?movieId={listed[0]}")
        page.locator("#q").fill("amelie")
        page.locator("#found a").first.click()
        page.wait_for_url("**/movie.html?movieId=9002")
        assert "Amélie" in page.locator("h1").inner_text()
        assert wrong == []


@pytest.mark.needs("chromium")
def test_a_rating_changes_the_page_a_person_sees_next(site: httpx.Client) -> None:
    with browsing(str(site.base_url)) as (page, wrong):
        page.goto("/user.html?userId=11")
        first = shown_movies(page)[0]
        event = {"type": "rating", "userId": 11, "movieId": first, "value": 5.0}
        assert site.post("/api/v1/events", json=event).json() == {"accepted": 1, "duplicates": 0, "rejected": []}
        page.reload()
        assert first not in shown_movies(page)
        assert wrong == []


@pytest.mark.needs("chromium")
def test_a_list_is_explained_in_a_panel_and_without_javascript(site: httpx.Client) -> None:
    with browsing(str(site.base_url)) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda request: "/why.html" in request.url and asked.append(request.url))
        page.goto("/user.html?userId=1")
        listed = shown_movies(page)
        assert asked == [], "nobody asked yet"
        ask = page.locator("#listing .card-why a").nth(1)
        ask.focus()
        page.keyboard.press("Enter")
        panel = page.get_by_role("dialog")
        panel.locator("#why").wait_for()
        assert f"movieId={listed[1]}" in asked[0]
        assert panel.locator(".why-verdict").inner_text().endswith("at place 2.")
        assert panel.locator(".why-bars li").count() > 1
        assert panel.locator("h1").evaluate("title => title === document.activeElement")
        seen = min(site.get("/api/v1/users/1").json()["ratings"], key=lambda rating: rating["movieId"])["movieId"]
        panel.locator("[name=title]").fill(site.get(f"/api/v1/movies/{seen}").json()["title"])
        panel.locator(f".found a[href*='movieId={seen}']").first.click()
        panel.get_by_text("It is no candidate for this list").wait_for()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.keyboard.press("Escape")
        panel.wait_for(state="hidden")
        assert ask.evaluate("link => link === document.activeElement"), "back to where one was"
        plain = page.context.browser.new_page(base_url=str(site.base_url), java_script_enabled=False)
        plain.goto("/user.html?userId=1")
        plain.locator("#listing .card-why a").nth(1).click()
        assert plain.locator(".why-verdict").inner_text().endswith("at place 2.")
        assert wrong == []


@pytest.mark.needs("chromium")
def test_a_bad_case_is_marked_with_and_without_javascript(site: httpx.Client) -> None:
    def marked() -> list[tuple[int, int]]:
        return [(told["movieId"], told["neighbourId"]) for told in site.get("/api/v1/marks").json()["items"]]

    with browsing(str(site.base_url)) as (page, wrong):
        page.goto("/movie.html?movieId=8")
        page.locator("#listing .more a").click()
        page.wait_for_url("**/lab.html?movieId=8")
        first = page.locator(".lists td").first
        title = first.locator(".neighbour-title")
        neighbour = int(title.get_attribute("href").partition("=")[2])
        first.get_by_role("button").click()
        page.locator("#marks li").wait_for()
        assert marked() == [(8, neighbour)]
        assert title.evaluate("title => getComputedStyle(title).textDecorationLine") == "line-through"
        assert first.get_by_role("button").evaluate("button => button === document.activeElement"), (
            "Tab goes on from here"
        )
        plain = page.context.browser.new_page(base_url=str(site.base_url), java_script_enabled=False)
        plain.goto("/lab.html?movieId=8")
        plain.locator(".lists td").first.get_by_role("button").click()
        plain.wait_for_url("**/lab.html?movieId=8#film-1")
        assert marked() == []
        plain.locator("#add").fill("amelie")
        plain.locator(".bench-form > button").click()
        plain.locator(".bench-found a").click()
        assert plain.locator(".compared h2").all_inner_texts()[1].startswith("Amélie")
        page.locator("#add").fill("amelie")
        page.locator(".bench-form .found a").first.click()
        page.wait_for_url("**/lab.html?movieId=8&movieId=9002")
        assert page.locator(".compared").count() == 2
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390, "tables scroll, the page does not"
        assert wrong == []


def test_a_rating_changes_the_next_list_and_undo_brings_the_film_back(site: httpx.Client) -> None:
    before = ids(recommended(site, 21))
    event = {"type": "rating", "userId": 21, "movieId": before[0], "value": 4.0}
    assert site.post("/api/v1/events", json=[event]).status_code == 202
    assert before[0] not in ids(recommended(site, 21))
    assert site.get("/api/v1/users/21").json()["ratings"][0]["movieId"] == before[0]
    undo = {"type": "undo", "userId": 21, "movieId": before[0]}
    assert site.post("/api/v1/events", json=undo).status_code == 202
    assert ids(recommended(site, 21)) == before


def test_a_stranger_becomes_a_person_with_the_first_rating(site: httpx.Client) -> None:
    assert recommended(site, 5_000)["pipeline"] == "for_you:popularity"
    site.post("/api/v1/events", json={"type": "rating", "userId": 5_000, "movieId": 4, "value": 5.0})
    after = recommended(site, 5_000)
    assert after["pipeline"] == "for_you:collaborative"
    assert all(movie % 2 == 0 for movie in ids(after))


def test_the_original_api_gives_the_same_films(site: httpx.Client) -> None:
    legacy = site.get("/getrecforyou", params={"id": 1, "size": 8, "model": "nerualcf"}).json()
    assert [movie["movieId"] for movie in legacy] == ids(recommended(site, 1, model="neural_cf"))


def test_events_survive_a_restart(home: Path, site: httpx.Client) -> None:
    site.post("/api/v1/events", json={"type": "rating", "userId": 31, "movieId": 2, "value": 3.0})
    with serving(home) as second:
        assert second.get("/api/v1/users/31").json() == site.get("/api/v1/users/31").json()


def test_ranking_through_the_model_server_gives_the_same_list(home: Path, site: httpx.Client, tmp_path: Path) -> None:
    models = home / "models" / "recmodel"
    with (
        running_server(models, "recmodel", tmp_path / "log") as url,
        serving(home, "--ranker-url", url) as remote,
    ):
        for user in (1, 2, 40):
            here, there = (recommended(one, user, explain="true", model="blend") for one in (site, remote))
            assert there["degraded"] == []
            assert {item["trace"]["ranker"] for item in there["items"]} == {"blend"}
            assert ids(here) == ids(there)
            scores = [[item["score"] for item in document["items"]] for document in (here, there)]
            assert scores[0] == pytest.approx(scores[1], abs=1e-5)
        assert remote.get("/readyz").json()["models"] == {"recmodel": 1}
    document = recommended(site, 1)
    assert document["degraded"] == [], "the server in process never needed it"
