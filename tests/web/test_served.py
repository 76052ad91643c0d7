"""What goes out is noted: every list, by whatever door, under the id that the answer carries."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sparrow.config import Settings
from sparrow.feedback.events import EventLog
from sparrow.online.later_events import sum_events
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList
from sparrow.web.app import create_app
from tests.web.conftest import Client
from tests.web.fake import RELEASE, FakeLive, FakeLog


class Shelf:
    """Keeps what it is given, as long as there is room."""

    def __init__(self, room: int = 100) -> None:
        self.lists: list[ServedList] = []
        self.room = room

    def put(self, served: ServedList) -> bool:
        if len(self.lists) >= self.room:
            return False
        self.lists.append(served)
        return True

    def close(self) -> None:
        self.lists = []


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def client(live: FakeLive, log: FakeLog, shelf: Shelf) -> Client:
    return Client(create_app(live, log, Settings(), served=shelf))


@pytest.mark.parametrize(
    ("path", "user"), [("/api/v1/movies/589/similar", None), ("/api/v1/users/7/recommendations", 7)]
)
def test_a_list_of_the_api_is_noted_under_its_id(client: Client, shelf: Shelf, path: str, user: int | None) -> None:
    told = client.get(path, params={"size": 3}).json()
    [noted] = shelf.lists
    assert noted.recommendation_id == told["recommendationId"]
    assert noted.movies == tuple(item["movieId"] for item in told["items"])
    assert (noted.user_id, noted.release, noted.pipeline) == (user, RELEASE, told["pipeline"])
    assert (noted.arm, noted.propensities) == (told["arm"], None)


def test_a_guests_list_is_noted_without_a_person(client: Client, shelf: Shelf) -> None:
    told = client.post("/api/v1/recommendations", json={"history": [{"movieId": 1}], "size": 2}).json()
    assert [(one.recommendation_id, one.user_id) for one in shelf.lists] == [(told["recommendationId"], None)]


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/movie.html?movieId=589", None),
        ("/user.html?userId=7", 7),
        ("/getrecforyou?id=7", 7),
        ("/getsimilarmovie?movieId=1", None),
    ],
)
def test_pages_and_the_original_routes_are_noted_too(client: Client, shelf: Shelf, path: str, user: int | None) -> None:
    assert client.get(path).status_code == 200
    assert [one.user_id for one in shelf.lists] == [user]


def test_a_list_that_found_no_room_is_counted_and_still_served(client: Client, shelf: Shelf) -> None:
    shelf.room = 0
    assert client.get("/api/v1/users/7/recommendations").status_code == 200
    assert "sparrow_served_lists_dropped_total 1.0" in client.get("/metrics").text


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LiveStore]:
    store = LiveStore(tmp_path)
    yield store
    store.close()


def test_a_full_disk_refuses_events_with_the_reason_and_the_site_stays_up(live: FakeLive, home: LiveStore) -> None:
    client = Client(create_app(live, EventLog(home), Settings()))
    event: dict[str, Any] = {"type": "click", "userId": 1, "movieId": 589, "recommendationId": "x" * 100}
    # SQLite refuses to grow beyond so many pages with the very error of a full disk.
    [[pages]] = home._connection.execute("PRAGMA page_count").fetchall()
    home._connection.execute(f"PRAGMA max_page_count = {pages}")
    answers = [client.post("/api/v1/events", json=[event] * 100) for _ in range(5)]
    assert answers[-1].status_code == 503
    assert "database or disk is full" in answers[-1].json()["detail"]
    assert client.get("/movie.html?movieId=589").status_code == client.get("/api/v1/users/1").status_code == 200
    kept = sum(answer.json()["accepted"] for answer in answers if answer.status_code == 202)
    assert home.last_seq() == kept, "all or nothing of each batch"
    home._connection.execute("PRAGMA max_page_count = 1000000")
    assert client.post("/api/v1/events", json=event).status_code == 202


def test_ten_megabytes_are_refused_unread(live: FakeLive, home: LiveStore) -> None:
    client = Client(create_app(live, EventLog(home), Settings()))
    body = b'[{"type": "click", "userId": 1, "movieId": 589, "recommendationId": "' + b"x" * 10_000_000 + b'"}]'
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/events", content=body, headers=headers)
    assert answer.status_code == 413
    assert "smaller parts" in answer.json()["detail"]
    assert home.last_seq() == 0


def test_two_tabs_that_rate_at_once_lose_nothing_and_the_last_one_counts(live: FakeLive, home: LiveStore) -> None:
    """Requests of both are under way together; the log says which came last."""
    app = create_app(live, EventLog(home), Settings())

    async def both() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            event = {"type": "rating", "userId": 7, "movieId": 589, "timestamp": 1_700_000_000}
            tabs = [client.post("/api/v1/events", json=event | {"value": stars}) for stars in [2.0, 4.5] * 15]
            return [answer.status_code for answer in await asyncio.gather(*tabs)]

    assert asyncio.run(both()) == [202] * 30
    kept = home.events_of(7)
    assert sorted(event.value or 0 for event in kept) == [2.0] * 15 + [4.5] * 15
    assert sum_events(kept, after=0).ratings == [(589, kept[-1].value)]


def test_a_guests_page_gets_the_list_as_cards_in_its_language(client: Client, shelf: Shelf) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "zh"}
    answer = client.post("/api/v1/recommendations", json={"history": [{"movieId": 1}], "size": 3}, headers=headers)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Language"] == "zh-Hans"
    [noted] = shelf.lists
    assert f'data-recommendation="{noted.recommendation_id}"' in answer.text
    assert [int(movie) for movie in re.findall(r'data-movie="(\d+)"', answer.text)] == list(noted.movies)
    assert "<html" not in answer.text


@pytest.mark.parametrize(("path", "owner"), [("/user.html?userId=7", "7"), ("/movie.html?movieId=589", None)])
def test_a_page_names_its_list_and_whose_it_is(client: Client, shelf: Shelf, path: str, owner: str | None) -> None:
    page = client.get(path).text
    [noted] = shelf.lists
    assert f'data-recommendation="{noted.recommendation_id}"' in page
    assert re.findall(r'data-owner="(\w+)"', page) == ([owner] if owner else [])
