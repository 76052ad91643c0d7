"""A token per person: off, nothing changes; on, what is about a person is for that person alone, on every route."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from sparrow.config import Settings, load_settings
from sparrow.errors import SettingsError
from sparrow.web.app import create_app
from sparrow.web.person_token import LONGEST, subject
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog, FakeRecommender

SECRET = "correct horse battery staple, and more"
NOW = 1_700_000_000


def part(told: Any) -> str:
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def mint(name: str = "1", secret: str = SECRET, head: Any = None, digest: Any = hashlib.sha256, **claims: Any) -> str:
    """What docs/operations.md tells a gateway to do."""
    told = {"sub": name, "exp": int(time.time()) + 60} | claims
    signed = f"{part(head or {'alg': 'HS256', 'typ': 'JWT'})}.{part({k: v for k, v in told.items() if v is not None})}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def bearer(*args: Any, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(*args, **claims)}"}


@pytest.fixture
def guarded(live: FakeLive, log: FakeLog) -> Client:
    return Client(create_app(live, log, Settings.model_validate({"web": {"person_secret": SECRET}})))


OF_ONE = (
    "/api/v1/users/1",
    "/api/v1/users/1/recommendations",
    "/getuser?id=1",
    "/getrecforyou?id=1",
    "/user.html?userId=1",
    "/user.html?id=1",
    "/why.html?userId=1&movieId=50",
)


@pytest.mark.parametrize("path", OF_ONE)
def test_only_the_persons_own_token_opens(guarded: Client, path: str) -> None:
    none = guarded.get(path)
    assert (none.status_code, none.headers["WWW-Authenticate"]) == (401, "Bearer")
    other = guarded.get(path, headers=bearer("7"))
    assert other.status_code == 403
    if not path.partition("?")[0].endswith(".html"):
        assert {none.headers["Content-Type"], other.headers["Content-Type"]} == {"application/problem+json"}
        assert "send the person's own as `Authorization: Bearer" in none.json()["detail"]
        assert "another person" in other.json()["detail"]
    assert guarded.get(path, headers=bearer("1")).status_code == 200


def test_nobody_learns_who_exists(guarded: Client) -> None:
    for path in ("/api/v1/users/1", "/api/v1/users/424242"):
        assert guarded.get(path).status_code == 401
        assert guarded.get(path, headers=bearer("7")).status_code == 403
    assert guarded.get("/api/v1/users/424242", headers=bearer("424242")).status_code == 404


def test_a_number_is_the_same_person_however_it_is_written(guarded: Client) -> None:
    assert guarded.get("/api/v1/users/01", headers=bearer("1")).status_code == 200
    assert guarded.get("/api/v1/users/1", headers=bearer("01")).status_code == 403


def test_what_is_about_nobody_stays_open_and_names_nobody(guarded: Client) -> None:
    for path in ("/", "/movie.html?movieId=1", "/api/v1/movies/1/similar", "/api/v1/search?q=toy", "/healthz"):
        assert guarded.get(path).status_code == 200
    assert guarded.post("/api/v1/recommendations", json={"history": [{"movieId": 1}]}).status_code == 200
    assert guarded.get("/api/v1/movies/1").json()["topRatings"] == []
    assert guarded.get("/getmovie?id=1").json()["topRatings"] == []
    assert "userId=1" not in guarded.get("/").text


def test_events_are_kept_from_their_own_person_only(guarded: Client, log: FakeLog) -> None:
    mine = {"type": "click", "userId": 1, "movieId": 50}
    assert guarded.post("/api/v1/events", json=mine).status_code == 401
    mixed = guarded.post("/api/v1/events", json=[mine, mine | {"userId": 7}], headers=bearer("1"))
    assert (mixed.status_code, log.kept) == (403, []), "a batch about others is refused whole"
    assert guarded.post("/api/v1/events", json=[mine, mine], headers=bearer("1")).status_code == 202
    assert len(log.kept) == 2


def test_it_is_off_unless_a_secret_is_set(client: Client) -> None:
    for path in OF_ONE:
        assert client.get(path).status_code == 200
    assert client.get("/api/v1/movies/1").json()["topRatings"]


BAD = {
    "nothing": lambda: "",
    "a word": lambda: "x",
    "two dots": lambda: "..",
    "three words": lambda: "a.b.c",
    "no ASCII": lambda: "Ä.Ä.Ä",
    "too long": lambda: "x" * (LONGEST + 1),
    "another secret": lambda: mint(secret="another secret, as long as the right one"),
    "unsigned": lambda: mint(head={"alg": "none"}).rpartition(".")[0] + ".",
    "signed, and says it is not": lambda: mint(head={"alg": "none"}),
    "another way of signing": lambda: mint(head={"alg": "HS512"}, digest=hashlib.sha512),
    "a head that is no object": lambda: mint(head=[1]),
    "a head that is no JSON": lambda: mint(head=b"{"),
    "for ever": lambda: mint(exp=None),
    "until a text": lambda: mint(exp="2999"),
    "until true": lambda: mint(exp=True),
    "until infinity": lambda: mint(exp=float("inf")),
    "expired": lambda: mint(exp=int(time.time()) - 1),
    "not yet": lambda: mint(nbf=int(time.time()) + 60),
    "of nobody": lambda: mint(sub=None),
    "of an empty name": lambda: mint(sub=""),
    "of a number": lambda: mint(sub=1),
    "cut": lambda: mint()[:-2],
    "longer": lambda: mint() + "AA",
    "padded": lambda: mint().replace(".", "=.", 1),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_a_token_that_is_none_is_refused_in_words(guarded: Client, make: Callable[[], str]) -> None:
    token = make()
    answer = guarded.get("/api/v1/users/1", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith(("The token ", "What is about a person needs a token"))
    assert "invalid_token" in answer.headers["WWW-Authenticate"] or not token


@pytest.mark.parametrize("header", ["Basic MTox", "Bearer", "{}", "Token {}"])
def test_another_scheme_is_no_token(guarded: Client, header: str) -> None:
    assert guarded.get("/api/v1/users/1", headers={"Authorization": header.format(mint())}).status_code == 401


def test_time_bounds_hold_to_the_second() -> None:
    token = mint("Ann", exp=NOW + 10, nbf=NOW)
    assert subject(token, SECRET, NOW) == subject(token, SECRET, NOW + 9.9) == "Ann"
    for now in (NOW - 1, NOW + 10):
        with pytest.raises(ValueError, match="expired, or does not count yet"):
            subject(token, SECRET, now)


def test_a_weak_secret_is_refused_and_a_good_one_is_in_no_dump() -> None:
    with pytest.raises(SettingsError, match="person_secret"):
        load_settings(flags={"web": {"person_secret": "short"}}, environ={})
    settings = load_settings(environ={"SPARROW_WEB__PERSON_SECRET": SECRET})
    assert settings.web.person_secret == SECRET
    assert SECRET not in settings.model_dump_json() + repr(settings)


def test_outside_ids_are_compared_as_they_are_written(log: FakeLog) -> None:
    recommender = FakeRecommender(ids=Outside())  # type: ignore[arg-type]
    client = Client(create_app(FakeLive(recommender), log, Settings.model_validate({"web": {"person_secret": SECRET}})))
    assert client.get("/api/v1/users/ann%2Fb/recommendations", headers=bearer("ann/b")).status_code == 200
    assert client.get("/api/v1/users/1/recommendations", headers=bearer("ann/b")).status_code == 403
    event = {"type": "click", "userId": "bob", "movieId": "50"}
    assert client.post("/api/v1/events", json=event, headers=bearer("ann/b")).status_code == 403
    assert client.post("/api/v1/events", json=event, headers=bearer("bob")).status_code == 202


class Outside:
    """Outside ids of a release in which ann/b is number 1."""

    def movie(self, text: str) -> int:
        return int(text)

    def movie_name(self, raw: int) -> int | str:
        return raw

    def person(self, text: str) -> int:
        return {"ann/b": 1, "bob": 7}.get(text, 99)

    def people(self, texts: Any) -> dict[str, int]:
        return {text: self.person(text) for text in texts}
