"""A shop's own files with ids that are text: imported, built, served, and answered with the shop's ids."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from sparrow.build.publish import build, publish
from sparrow.cli.data import data
from sparrow.config import load_settings
from sparrow.feedback.events import EventLog
from sparrow.online.live import LiveRelease
from sparrow.stores.live import LiveStore
from sparrow.stores.outside_ids import surrogates
from sparrow.web.app import create_app
from tests.conftest import SMALL, Silent
from tests.datasets.shop import HOSTILE, member, shop_world, sku, write_shop
from tests.web.conftest import Client

pytestmark = pytest.mark.slow

PERSON = member(1)
NEWCOMER = "neu/ling ✓"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, imported by the command, built and published by the real build."""
    folder = tmp_path_factory.mktemp("shop")
    items, clicks = write_shop(folder, shop_world())
    arguments = [
        "import",
        "--items",
        items,
        "--interactions",
        clicks,
        "--out",
        folder / "data",
        "--home",
        folder / "home",
    ]
    ran = CliRunner().invoke(data, [*map(str, arguments), "--attribute", "price=numeric"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "sparrow.toml").write_text(SMALL, encoding="utf-8")
    settings = load_settings(home / "sparrow.toml", environ={})
    built = build(home, str(folder / "data"), settings, Silent())
    assert built is not None
    publish(home, built.manifest.release, settings)
    return home


@pytest.fixture
def log(home: Path) -> Iterator[LiveStore]:
    store = LiveStore(home)
    yield store
    store.close()


@pytest.fixture
def site(home: Path, log: LiveStore) -> Client:
    settings = load_settings(home / "sparrow.toml", environ={})
    live = LiveRelease(home, settings, log)
    asyncio.run(live.refresh())
    return Client(create_app(live, EventLog(log), settings))


def get(site: Client, path: str, **options: Any) -> Any:
    answer = site.get(path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: Any) -> list[int | str]:
    return [item["movieId"] for item in answer["items"]]


def outside(movie: int) -> int | str:
    """What HTTP calls an item of the shop: the largest number there is stays a number."""
    return int(sku(movie)) if sku(movie) == HOSTILE[-1] else sku(movie)


def test_every_item_is_found_under_its_own_id(site: Client) -> None:
    everything = ids(get(site, "/api/v1/movies?size=100"))
    assert sorted(map(str, everything)) == sorted(sku(movie) for movie in range(1, 41))
    for movie in range(1, 41):
        if sku(movie) != "..":  # clients resolve /movies/.. before they ask
            assert get(site, f"/api/v1/movies/{quote(sku(movie), safe='')}")["movieId"] == outside(movie)
        assert get(site, "/getmovie", params={"id": sku(movie)})["movieId"] == outside(movie)


def test_similar_items_come_with_outside_ids_and_leave_out_what_is_excluded(site: Client) -> None:
    path = f"/api/v1/movies/{quote(sku(1), safe='')}/similar"
    answer = get(site, path, params={"size": 8})
    assert answer["movieId"] == "a/b"
    assert set(ids(answer)) <= {outside(movie) for movie in range(1, 41)}
    near = [reason for item in answer["items"] for reason in item["reasons"] if reason["kind"] == "similar"]
    assert {reason["movieId"] for reason in near} == {"a/b"}
    left_out = [sku(3), sku(5)]
    assert not set(left_out) & set(ids(get(site, path, params={"size": 30, "exclude": left_out})))
    assert not {'say "hi"', "007"} & set(ids(get(site, path, params={"size": 30, "exclude": 'say "hi",007'})))


def test_a_person_gets_their_own_taste_under_their_own_id(site: Client) -> None:
    answer = get(site, f"/api/v1/users/{quote(PERSON, safe='')}/recommendations", params={"size": 8})
    assert answer["userId"] == PERSON
    seen = {outside(movie) for movie in shop_world().rated_by(1)}
    odd = {outside(movie) for movie in range(1, 41, 2)}
    assert len(set(ids(answer)) & odd) >= 6
    liked = {rating["movieId"] for rating in get(site, f"/api/v1/users/{quote(PERSON, safe='')}")["ratings"]}
    assert liked <= seen
    assert not liked & set(ids(answer))
    assert get(site, "/getuser", params={"id": PERSON})["ratings"][0]["rating"]["userId"] == PERSON


def test_raters_are_called_by_their_own_ids(site: Client) -> None:
    people = {member(user) for user in range(1, 41)}
    movie = get(site, "/getmovie", params={"id": sku(13)})
    assert {top["rating"]["userId"] for top in movie["topRatings"]} <= people
    assert {top["rating"]["movieId"] for top in movie["topRatings"]} == {"sku-13"}


def test_an_unknown_item_is_named_as_it_was_written(site: Client) -> None:
    for path in ("/api/v1/movies/no%2Fthing", "/getmovie?id=no/thing", "/posters/no%2Fthing.jpg"):
        answer = site.get(path)
        assert answer.status_code == 404
        assert "'no/thing'" in answer.json()["detail"]
    assert site.get("/getmovie", params={"id": ""}).status_code == 422
    assert site.get("/getmovie", params={"id": "x" * 201}).status_code == 422


def test_an_unknown_person_gets_the_cold_start_list_and_lives_after_an_event(site: Client, log: LiveStore) -> None:
    path = f"/api/v1/users/{quote(NEWCOMER, safe='')}"
    assert site.get(path).status_code == 404
    assert NEWCOMER in site.get(path).json()["detail"]
    cold = get(site, f"{path}/recommendations")
    assert (cold["userId"], cold["pipeline"]) == (NEWCOMER, "for_you:popularity")
    liked = [{"type": "rating", "userId": NEWCOMER, "movieId": sku(movie), "value": 5} for movie in (14, 16, 18)]
    unknown = {"type": "click", "userId": NEWCOMER, "movieId": "no such thing"}
    answer = site.post("/api/v1/events", json=[*liked, unknown])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 3
    assert "'no such thing'" in answer.json()["rejected"][0]["reason"]
    warm = get(site, f"{path}/recommendations", params={"size": 5})
    assert warm["pipeline"] in ("for_you:collaborative", "for_you:history"), "whichever the build chose"
    assert set(ids(warm)) <= {outside(movie) for movie in range(2, 41, 2)} - {"sku-14", "sku-16", "sku-18"}
    rated = {rating["movieId"] for rating in get(site, path)["ratings"]}
    assert rated == {"sku-18", "sku-16", "sku-14"}, "in one second, so in no order of theirs"
    assert log.outside_people() == {next(surrogates(NEWCOMER)): NEWCOMER}


def test_a_guest_sends_outside_ids(site: Client) -> None:
    guest = {
        "history": [{"movieId": sku(2)}, {"movieId": sku(4)}, {"movieId": "unknown"}],
        "exclude": [sku(6)],
        "size": 5,
    }
    found = ids(site.post("/api/v1/recommendations", json=guest).json())
    assert len(found) == 5
    assert not {sku(2), sku(4), sku(6)} & set(found)


def test_pages_and_posters_link_with_outside_ids(site: Client) -> None:
    page = site.get("/movie.html", params={"movieId": "a/b"})
    assert page.status_code == 200
    assert "/posters/a%2Fb.jpg" in page.text
    assert "<b>" not in page.text.replace("&lt;b&gt;", "")
    for movie in range(1, 13):
        poster = site.get(f"/posters/{quote(sku(movie), safe='')}.jpg")
        assert poster.headers["Content-Type"].startswith("image/svg"), sku(movie)
    person = site.get("/user.html", params={"userId": PERSON})
    assert person.status_code == 200
    assert PERSON in person.text
    home = site.get("/").text
    assert "pattern=" not in home
    assert "userId=%C3%A9-3" in home or "userId=mem%2Fber" in home
