"""Bad cases on the server: noted with their trace, seen to by whoever has the token."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import Settings
from sparrow.stores.bad_cases import CaseStore
from sparrow.stores.marks import MarkStore
from sparrow.web.app import create_app
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog

TOKEN = {"Authorization": "Bearer secret"}
DISLIKE: dict[str, Any] = {"type": "dislike", "userId": 1, "movieId": 589, "recommendationId": "rec-1"}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[CaseStore]:
    store = CaseStore(tmp_path / "home", clock=lambda: 1_700_000_000)
    yield store
    store.close()


@pytest.fixture
def client(live: FakeLive, log: FakeLog, marks: MarkStore, book: CaseStore) -> Client:
    settings = Settings.model_validate({"web": {"admin_token": "secret"}})
    return Client(create_app(live, log, settings, marks, case_book=book))


def change(client: Client, number: int, **body: str) -> Any:
    return client.request("PUT", f"/admin/v1/cases/{number}", json=body, headers=TOKEN)


def test_not_for_me_becomes_a_case_with_the_trace_of_the_list(client: Client, book: CaseStore) -> None:
    assert client.post("/api/v1/events", json=[DISLIKE, {**DISLIKE, "type": "click"}]).status_code == 202
    [case] = book.all()
    assert (case.kind, case.user_id, case.movie_id, case.status) == ("not_for_me", 1, 589, "open")
    assert case.recommendation_id == "rec-1"
    assert case.pipeline.startswith("for_you")
    assert case.trace, "why it stood there"
    told = client.get("/admin/v1/cases", headers=TOKEN).json()
    assert told["counts"] == {"open": 1, "rule": 0, "fixed": 0, "wont_fix": 0}
    [item] = told["items"]
    assert (item["movieId"], item["userId"], item["history"]) == (589, 1, [])
    assert item.get("trace") is None
    whole = client.get(f"/admin/v1/cases/{item['id']}", headers=TOKEN).json()
    assert whole["trace"] == case.trace


def test_said_twice_it_is_one_case_and_taken_back_it_is_none(client: Client, book: CaseStore) -> None:
    for _ in range(2):
        client.post("/api/v1/events", json=DISLIKE)
    assert len(book.all()) == 1
    client.post("/api/v1/events", json={**DISLIKE, "type": "undo"})
    assert book.all() == []


def test_a_mark_of_the_laboratory_is_a_case_too(client: Client, book: CaseStore, live: FakeLive) -> None:
    embedding = live.recommender.embeddings[0]
    mark = {"movieId": 1, "neighbourId": 589, "embedding": embedding}
    assert client.post("/api/v1/marks", json=mark).json()["added"] is True
    [case] = book.all()
    assert (case.kind, case.about_id, case.movie_id, case.embedding) == ("not_alike", 1, 589, embedding)
    assert case.trace is not None
    client.delete("/api/v1/marks", params=mark)
    assert book.all() == []


def test_a_status_is_changed_with_author_and_note_and_remembered(client: Client, book: CaseStore) -> None:
    client.post("/api/v1/events", json=DISLIKE)
    number = book.all()[0].id
    answer = change(client, number, status="rule", author="ann", note="<script>alert(1)</script>")
    assert (answer.status_code, answer.json()["status"]) == (200, "rule")
    change(client, number, status="fixed", author="bob", note="next build")
    history = client.get(f"/admin/v1/cases/{number}", headers=TOKEN).json()["history"]
    assert [(one["status"], one["author"]) for one in history] == [("rule", "ann"), ("fixed", "bob")]
    client.post("/api/v1/events", json={**DISLIKE, "type": "undo"})
    assert book.find(number).status == "fixed", "what somebody has seen to stays"
    page = client.get("/dashboard.html").text
    assert "<script>alert(1)" not in page
    assert "Bad cases" in page
    assert "ann" not in page.split('id="cases"')[1].split("</article>")[0], "the page tells numbers, no people"


def test_bad_words_are_refused(client: Client, book: CaseStore) -> None:
    client.post("/api/v1/events", json=DISLIKE)
    number = book.all()[0].id
    assert client.get("/admin/v1/cases").status_code == 401
    assert change(client, number, status="gone").status_code == 422
    assert change(client, number, status="fixed", note="x" * 1001).status_code == 422
    assert change(client, 999, status="fixed").status_code == 404
    assert client.get("/admin/v1/cases", params={"status": "gone"}, headers=TOKEN).status_code == 422
    assert book.find(number).history == ()


def test_a_store_of_cases_that_fails_costs_nobody_their_event(client: Client, book: CaseStore, log: FakeLog) -> None:
    book.close()
    assert client.post("/api/v1/events", json=DISLIKE).status_code == 202
    assert len(log.kept) == 1
    assert client.get("/dashboard.html").status_code == 200
    assert client.get("/admin/v1/cases", headers=TOKEN).status_code == 503


def test_many_dislikes_at_once_cost_a_few_lists_only(client: Client, book: CaseStore) -> None:
    batch = [{**DISLIKE, "userId": user} for user in range(1, 10)]
    client.post("/api/v1/events", json=batch)
    assert len(book.all()) == 9
    assert sum(case.trace is not None for case in book.all()) == 5
