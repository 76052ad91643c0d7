"""Events: each is judged alone, the good ones reach the log, the answer says what became of every one."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from sparrow.config import Settings
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.outside_ids import OutsideIds
from sparrow.web.app import create_app
from tests.online.memory import Dictionary
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog, FakeRecommender

UUID = "0b9f3f8e-3c0e-4d6d-9a43-1df4a4c0a001"
CLICK: dict[str, Any] = {"type": "click", "userId": 1, "movieId": 589}


def test_one_event_is_kept_as_sent(client: Client, log: FakeLog) -> None:
    event = {**CLICK, "eventId": UUID, "position": 3, "recommendationId": "rec-1", "timestamp": 1_476_640_644}
    answer = client.post("/api/v1/events", json=event)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    assert log.kept == [event]


def test_good_ones_of_a_batch_count_and_others_are_named_by_their_place(client: Client, log: FakeLog) -> None:
    batch = [{"type": "dance"}, CLICK, {**CLICK, "movieId": 424242}, {**CLICK, "position": 13}, CLICK, 7]
    answer = client.post("/api/v1/events", json=batch)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(log.kept) == 2
    rejected = {row["index"]: row["reason"] for row in answer.json()["rejected"]}
    assert set(rejected) == {0, 2, 3, 5}
    assert "424242" in rejected[2]
    assert rejected[3] == "the log is full"


def test_people_of_a_batch_are_looked_up_together_and_away_from_other_requests(
    client: Client, log: FakeLog, recommender: FakeRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = Dictionary(), []
    get_many = store.get_many

    def watch(keys: Sequence[str]) -> list[bytes | None]:
        asked.append((len(keys), threading.current_thread() is threading.main_thread()))
        return get_many(keys)

    monkeypatch.setattr(store, "get_many", watch)
    recommender.ids = OutsideIds({}, FeatureStore(store))
    batch = [{**CLICK, "userId": name} for name in ("ann", "bob", "ann", 7, "", "x" * 201, "eve")]
    answer = client.post("/api/v1/events", json=batch).json()
    assert asked == [(3, False)]
    assert [row["index"] for row in answer["rejected"]] == [4, 5]
    assert [event.get("outsideUserId") for event in log.kept] == ["ann", "bob", "ann", None, "eve"]
    assert [event["userId"] for event in log.kept] == [
        recommender.ids.person(name) for name in ("ann", "bob", "ann", "7", "eve")
    ]


def test_a_replay_counts_once(client: Client) -> None:
    event = {**CLICK, "eventId": UUID}
    client.post("/api/v1/events", json=event)
    answer = client.post("/api/v1/events", json=event)
    assert (answer.status_code, answer.json()["duplicates"]) == (202, 1)


def test_an_unknown_person_is_welcome(client: Client, log: FakeLog) -> None:
    assert client.post("/api/v1/events", json={**CLICK, "userId": "987654321"}).status_code == 202
    assert log.kept[0]["userId"] == 987_654_321


@pytest.mark.parametrize(
    "event",
    [
        {},
        {**CLICK, "type": "dance"},
        {**CLICK, "userId": -1},
        {**CLICK, "userId": True},
        {**CLICK, "movieId": 2**63},
        {**CLICK, "movieId": 1.5},
        {**CLICK, "eventId": "not-a-uuid"},
        {**CLICK, "timestamp": -1},
        {**CLICK, "timestamp": 10**15},
        {**CLICK, "colour": "red"},
        {**CLICK, "type": "rating"},
        {**CLICK, "type": "rating", "value": 5.5},
        {**CLICK, "type": "watch"},
        {**CLICK, "type": "watch", "value": -3},
    ],
)
def test_nothing_good_is_422_and_nothing_is_kept(client: Client, log: FakeLog, event: dict[str, Any]) -> None:
    answer = client.post("/api/v1/events", json=[event])
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["rejected"][0]["index"] == 0
    assert answer.json()["detail"].endswith(answer.json()["rejected"][0]["reason"])
    assert log.kept == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"\\ud800"', b"NaN"])
def test_bodies_that_are_no_events(client: Client, body: bytes) -> None:
    assert client.post("/api/v1/events", content=body, headers={"Content-Type": "application/json"}).status_code == 422


def test_a_form_of_another_site_cannot_write(client: Client, log: FakeLog) -> None:
    answer = client.post("/api/v1/events", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert log.kept == []


def test_without_a_log_events_are_503() -> None:
    client = Client(create_app(FakeLive(), None, Settings()))
    assert client.post("/api/v1/events", json=CLICK).status_code == 503
