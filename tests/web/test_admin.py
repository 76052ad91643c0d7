"""`/admin/v1/rules`: only with the token, never over somebody else's change, and refused in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import Settings, Web
from sparrow.online.wanted import Wanted
from sparrow.stores.rules import RuleBook, open_rules
from sparrow.web.app import create_app
from tests.web.conftest import Client
from tests.web.fake import FakeLive

TOKEN = "correct horse"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
RULES = "/admin/v1/rules"
ROUTES = [("GET", RULES), ("PUT", RULES), ("GET", f"{RULES}/history"), ("POST", f"{RULES}/undo")]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[RuleBook]:
    book = open_rules(tmp_path, "", 1.0)
    yield book
    book.close()


@pytest.fixture
def client(live: FakeLive, book: RuleBook) -> Client:
    return Client(create_app(live, None, Settings(web=Web(admin_token=TOKEN)), None, book))


def put(client: Client, rules: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> Any:
    return client.request("PUT", RULES, headers={**ADMIN, **(headers or {})}, json={"rules": rules, **more})


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_nobody_comes_in_without_the_token(client: Client, method: str, path: str, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    answer = client.request(method, path, headers=headers, json={} if method != "GET" else None)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_the_routes_are_closed_to_everybody(live: FakeLive, method: str, path: str) -> None:
    closed = Client(create_app(live, None, Settings()))
    answer = closed.request(method, path, headers={"Authorization": "Bearer "}, json={} if method != "GET" else None)
    assert answer.status_code == 403
    assert "set SPARROW_WEB__ADMIN_TOKEN" in answer.json()["detail"]


def test_the_token_is_in_no_dump(client: Client) -> None:
    settings = client.app.state.settings
    assert TOKEN not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_the_first_version_is_what_the_settings_say(client: Client) -> None:
    answer = client.get(RULES, headers=ADMIN)
    told = answer.json()
    assert (told["version"], told["source"], answer.headers["ETag"]) == (0, "sparrow.toml", '"0"')
    assert told["rules"]["similar"]["family"] == ["Children"]
    assert "ranker" not in told["rules"]["for_you"]


def test_put_read_undo(client: Client, live: FakeLive) -> None:
    window = {"genres": ["War"], "from": "2026-01-01T00:00:00Z", "regions": ["DE"]}
    rules = {"candidates": {"hidden": [1, 77, "x"], "windows": [window]}, "for_you": {"freshness": 0.2}}
    answer = put(client, rules, version=0, author="Ann", comment="licence")
    told = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert (told["version"], told["source"], told["author"], told["unknownMovies"]) == (1, "store", "Ann", [77, "x"])
    assert live.calls == ["refresh"], "in force before the answer"
    read = client.get(RULES, headers=ADMIN).json()["rules"]
    assert read["candidates"]["hidden"] == [1, 77, "x"]
    assert read["candidates"]["windows"] == [{"movies": [], "until": None, **window}]
    assert read["for_you"]["freshness"] == 0.2
    undone = client.post(f"{RULES}/undo", headers=ADMIN, json={"author": "Bob"}).json()
    assert (undone["version"], undone["restores"], undone["source"]) == (2, 0, "sparrow.toml")
    assert undone["rules"]["candidates"]["hidden"] == []
    history = client.get(f"{RULES}/history", headers=ADMIN, params={"size": 2}).json()["items"]
    assert [(one["version"], one["author"]) for one in history] == [(2, "Bob"), (1, "Ann")]
    nothing = client.post(f"{RULES}/undo", headers=ADMIN, json={})
    assert (nothing.status_code, nothing.json()["detail"][:12]) == (409, "There is no ")


def test_a_stale_change_is_refused(client: Client, book: RuleBook) -> None:
    assert put(client, {}, version=0).status_code == 200
    assert put(client, {}, version=0).status_code == 409
    for tag in ('"0"', '"7"', 'W/"0"', "nonsense", "*"):
        assert put(client, {}, {"If-Match": tag}).status_code == 412
    assert put(client, {}, {"If-Match": '"1"'}).status_code == 200
    assert client.post(f"{RULES}/undo", headers={**ADMIN, "If-Match": '"1"'}, json={}).status_code == 412
    answer = put(client, {})
    assert (answer.status_code, "`version`" in answer.json()["detail"]) == (428, True)
    assert book.current().version == 2


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"candidate": {}}, "rules.candidate is no name that is known here"),
        ({"for_you": {"ranker": "din"}}, "rules.for_you.ranker is no name"),
        ({"for_you": {"diversity": 1}}, "rules.for_you.diversity is 1; Input should be less than 1"),
        (
            {"similar": {"of_a_series": -1}},
            "rules.similar.of_a_series is -1; Input should be greater than or equal to 0",
        ),
        ({"candidates": {"hidden": [-1]}}, "rules.candidates.hidden.0.constrained-int is -1"),
        ({"candidates": {"windows": [{}]}}, "name one of the two"),
        (
            {"candidates": {"windows": [{"movies": [1], "from": "2026-01-01T00:00"}]}},
            "windows.0.from is '2026-01-01T00:00'",
        ),
        ({"candidates": {"windows": [{"movies": [1], "regions": ["Germany"]}]}}, "windows.0.regions.0 is 'Germany'"),
        ({"candidates": {"age_ratings": [{"age": 12}]}}, "name one of the two"),
        ({"candidates": {"age_ratings": [{"age": -1, "movies": [1]}]}}, "age_ratings.0.age is -1"),
        ({"for_you": {"genre_caps": {"Western": 1}}}, "genre 'Western', which no movie has"),
        ({"for_you": {"genre_caps": {"Drama": 0}}}, "genre_caps.Drama is 0"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    client: Client, book: RuleBook, rules: dict[str, Any], words: str
) -> None:
    answer = put(client, rules, version=0)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert words in answer.json()["detail"]
    assert book.current().version == 0


def test_what_is_obeyed_is_told_beside_what_is_newest(client: Client, live: FakeLive) -> None:
    live.rules = {"rules": 5, "rules_problem": "the store has no rules any more"}
    answers = [
        client.get(RULES, headers=ADMIN),
        put(client, {}, version=0),
        client.post(f"{RULES}/undo", headers=ADMIN, json={}),
    ]
    for newest, answer in enumerate(answers):
        told = answer.json()
        assert (told["version"], told["obeyed"], told["problem"]) == (newest, 5, "the store has no rules any more")
    live.rules = {"rules": 2}
    told = client.get(RULES, headers=ADMIN).json()
    assert (told["version"], told["obeyed"], told["problem"]) == (2, 2, "")
    assert "obeyed" not in client.get(f"{RULES}/history", headers=ADMIN).json()["items"][0]
    live.current = None
    assert client.get(RULES, headers=ADMIN).json()["obeyed"] is None


def test_a_form_of_another_site_cannot_write(client: Client) -> None:
    answer = client.request("PUT", RULES, headers={**ADMIN, "Content-Type": "text/plain"}, content=b"{}")
    assert answer.status_code in (415, 422)


def test_the_region_of_a_request_reaches_every_list(client: Client, live: FakeLive) -> None:
    fake = live.current
    assert fake is not None
    for path in (
        "/api/v1/movies?region=de",
        "/api/v1/search?q=toy&region=De",
        "/api/v1/movies/1/similar?region=DE",
        "/api/v1/users/1/recommendations?region=dE",
    ):
        assert client.get(path).status_code == 200
        asked = fake.asked.popitem()[1]
        assert (asked["wanted"].region if isinstance(asked, dict) else asked) == "DE"
    guest = {"history": [], "region": "us-ca", "explainMovie": 50}
    assert client.post("/api/v1/recommendations", json=guest).status_code == 200
    assert fake.asked["for_history"]["wanted"] == Wanted(24, region="US-CA", explain_movie=50)
    for wrong in ("D", "Germany", "DE,FR", "../..", "DE%00"):
        answer = client.get(f"/api/v1/movies?region={wrong}")
        assert (answer.status_code, "ISO 3166" in answer.json()["detail"]) == (422, True)


def test_the_age_of_a_request_reaches_every_list(client: Client, live: FakeLive) -> None:
    fake = live.current
    assert fake is not None
    for path in ("/api/v1/movies?age=12", "/api/v1/search?q=toy&age=12"):
        assert client.get(path).status_code == 200
        assert fake.asked["age"] == 12
    for path, of in (
        ("/api/v1/movies/1/similar?age=12", "similar"),
        ("/api/v1/users/1/recommendations?age=12", "for_user"),
    ):
        assert client.get(path).status_code == 200
        assert fake.asked[of]["wanted"] == Wanted(24, age=12)
    assert client.post("/api/v1/recommendations", json={"history": [], "age": 12}).status_code == 200
    assert fake.asked["for_history"]["wanted"] == Wanted(24, age=12)
    for wrong in ("-1", "151", "twelve", "12.5"):
        answer = client.get(f"/api/v1/movies?age={wrong}")
        assert (answer.status_code, "age is" in answer.json()["detail"]) == (422, True)
