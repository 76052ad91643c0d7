"""Real posters: the folder first, TMDB behind the visitor's back, the drawn one always."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sparrow.config import Settings
from sparrow.web.app import create_app
from sparrow.web.real_posters import RealPosters
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog, FakeRecommender, make_movie

JPEG = b"\xff\xd8\xff\xe0 a picture"
MOVIE = make_movie(7, "Heat", 1995, ("Crime",), [4.0])
KEY = "the-token"


def site(folder: Path, **web: str) -> Client:
    settings = Settings.model_validate({"web": {"posters": str(folder), **web}})
    return Client(create_app(FakeLive(FakeRecommender()), FakeLog(), settings))


class Tmdb(httpx.AsyncBaseTransport):
    """TMDB as it answers, or as it fails; remembers what was asked."""

    def __init__(self, path: str | None = "/heat.jpg", picture: bytes = JPEG, status: int = 200) -> None:
        self.path, self.picture, self.status = path, picture, status
        self.asked: list[tuple[str, str | None]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.host + request.url.path, request.headers.get("Authorization")))
        if request.url.host == "image.tmdb.org":
            return httpx.Response(self.status, content=self.picture)
        return httpx.Response(self.status, content=json.dumps({"poster_path": self.path}).encode())


def ordered(folder: Path, tmdb: Tmdb, times: int = 1, tmdb_id: str = "949", key: str = KEY) -> None:
    """Order the poster and wait until nobody is on the way."""

    async def wait() -> None:
        posters = RealPosters(folder, key, tmdb)
        for _ in range(times):
            posters.order(replace(MOVIE, tmdb_id=tmdb_id))
        await asyncio.gather(*posters._running)
        await posters.close()

    asyncio.run(wait())


@pytest.mark.parametrize(("name", "media_type"), [("589.jpg", "image/jpeg"), ("589.webp", "image/webp")])
def test_a_picture_of_the_folder_stands_before_the_drawn_one(tmp_path: Path, name: str, media_type: str) -> None:
    (tmp_path / name).write_bytes(JPEG)
    client = site(tmp_path)
    answer = client.get("/posters/589.jpg")
    assert (answer.content, answer.headers["Content-Type"]) == (JPEG, media_type)
    assert client.get("/posters/589.jpg", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    drawn = client.get("/posters/1.jpg")
    assert (drawn.headers["Content-Type"], drawn.headers["Cache-Control"]) == ("image/svg+xml", "no-cache")
    assert "drawn by Sparrow" not in client.get("/").text


def test_the_folder_of_the_embeddings_serves_as_well(tmp_path: Path) -> None:
    (tmp_path / "589.png").write_bytes(b"png")
    settings = Settings.model_validate({"embeddings": {"posters": str(tmp_path)}})
    client = Client(create_app(FakeLive(FakeRecommender()), FakeLog(), settings))
    assert client.get("/posters/589.jpg").headers["Content-Type"] == "image/png"


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    inside = tmp_path / "posters"
    inside.mkdir()
    assert RealPosters(inside).find(replace(MOVIE, outside_id="../secret")) is None


def test_tmdb_is_asked_once_and_its_picture_is_kept(tmp_path: Path) -> None:
    tmdb = Tmdb()
    ordered(tmp_path / "new", tmdb, times=3)
    assert tmdb.asked == [
        ("api.themoviedb.org/3/movie/949", f"Bearer {KEY}"),
        ("image.tmdb.org/t/p/w342/heat.jpg", None),
    ]
    found = RealPosters(tmp_path / "new").find(MOVIE)
    assert found is not None and found[0] == JPEG
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["7.jpg"]


@pytest.mark.parametrize(
    "tmdb", [Tmdb(status=500), Tmdb(status=401), Tmdb(path=None), Tmdb(picture=b"<html>"), Tmdb(picture=b"")]
)
def test_a_tmdb_that_fails_or_lies_leaves_the_drawn_poster(tmp_path: Path, tmdb: Tmdb) -> None:
    ordered(tmp_path, tmdb)
    assert (len(tmdb.asked) > 0, list(tmp_path.iterdir())) == (True, [])


@pytest.mark.parametrize(("tmdb_id", "key"), [("", KEY), ("../account", KEY), ("949", "")])
def test_nothing_is_asked_without_a_number_or_a_key(tmp_path: Path, tmdb_id: str, key: str) -> None:
    tmdb = Tmdb()
    ordered(tmp_path, tmdb, tmdb_id=tmdb_id, key=key)
    assert tmdb.asked == []


def test_the_key_stays_secret_and_tmdb_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"web": {"posters": str(tmp_path), "tmdb_key": KEY}})
    assert KEY not in settings.model_dump_json() + repr(settings)
    assert "not endorsed or certified by TMDB" in site(tmp_path, tmdb_key=KEY).get("/about.html").text
