"""Requests that no client would send, drawn from /openapi.json and by hand, against a real server: refused in words.

No answer is a 5xx, none holds a traceback, none takes longer than `PATIENCE_S`; and the server is as well afterwards as before.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import GenerationMode

from tests.conftest import BARE, FARTHEST, UNRATED, Released
from tests.test_journey import serving

pytestmark = pytest.mark.slow

SHORT: Final = 6
"""Requests drawn for each operation."""

LONG_FIT, LONG_UNFIT = 720, 60
"""The same in `make soak`: more than 10,000 that fit; those that do not are slow to draw, not to answer."""

OPERATIONS: Final = 14
"""At least so many operations have more to draw than that; others have a handful of requests in all."""

PATIENCE_S: Final = 20

TOKEN: Final = "for the fuzz"
ADMIN: Final = {"Authorization": f"Bearer {TOKEN}"}

IDS: Final = [
    "0", "-1", "007", "1e3", "1.0", "+1", " 1", "1_000", "٣", "９", "²", "NaN", "Infinity", "null", "true", "[]", "{}",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 500, "a" * 5000, "..", "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e", "%00", "1%00", "%0d%0aSet-Cookie:x=1", "%ff", "%f0%9f%8e%ac", "%ed%a0%80",
    "%E2%80%AE1", "'; DROP TABLE movies; --", "${7*7}", "{{7*7}}", "<script>", "1,2", "1;2", "1/2", "1%2F2", "1?size=2", "1#2",
]  # fmt: skip
ROUTES: Final = [
    "/api/v1/movies/{}", "/api/v1/movies/{}/similar", "/api/v1/users/{}", "/api/v1/users/{}/recommendations", "/posters/{}.jpg",
    "/api/v1/movies?genre={}", "/api/v1/movies?size={}&offset={}", "/api/v1/movies?year={}", "/api/v1/movies?sort={}",
    "/api/v1/search?q={}", "/api/v1/movies/1/similar?exclude={}&embedding={}", "/api/v1/movies/1/similar?region={}",
    "/api/v1/movies/1/similar?explain_movie={}&explain={}", "/api/v1/users/1/recommendations?model={}&size={}",
    "/movie.html?movieId={}", "/user.html?userId={}", "/user.html?id={}", "/collection.html?type=genre&value={}&offset={}",
    "/collection.html?type={}", "/lab.html?movieId={}", "/getmovie?id={}", "/getuser?id={}",
    "/getsimilarmovie?movieId={}&model={}",
    "/getrecommendation?genre={}&sortby={}", "/getrecforyou?id={}&size={}", "/admin/v1/rules/history?size={}", "/static/{}",
    "/{}",
]  # fmt: skip
BODIES: Final = [
    b"", b"null", b"[]", b"{}", b"7", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"NaN", b'{"history": NaN}',
    b'{"history": [{"movieId": 1e400}]}', b'{"history": [{"movieId": 1, "rating": 1e-400}]}', b'{"history": null, "size": true}',
    b'{"history": [{"movieId": "\\ud800"}]}', b'{"history": [], "exclude": [[[]]], "region": "\\u0000"}', b'{"size": 1e18}',
    b'{"history": [{"movieId": 9223372036854775808}]}', b'{"type": "rating", "userId": 1, "movieId": 1, "value": 1e999}',
    b'{"type": "click", "userId": "\\ud800", "movieId": "\\udfff"}',
    b'[{"type": "click", "userId": 1, "movieId": 1, "eventId": 7}]',
    b'{"type": "watch", "userId": 1, "movieId": 1, "value": 5, "timestamp": 99999999999999999999}',
    b'{"movieId": 1, "neighbourId": 2, "embedding": "\\ud800"}',
    b'{"rules": {"candidates": {"where": "1 = 1 -- \\u0000"}}, "version": 0}',
    b'{"rules": {"candidates": {"where": "\\ud800"}}, "version": 0}',
    b'{"rules": {"similar": {"apart": [[1, 1e30]]}}, "version": 0}',
    b'{"rules": {"candidates": {"hidden": [1e300]}}, "version": 99999999999999999999}',
    b'{"rules": {"for_you": {"freshness_years": 1e-320, "freshness": NaN}}, "version": 0}',
    b'{"rules": {"candidates": {"windows": [{"movies": [1], "from": "0001-01-01T00:00:00+23:59"}]}}, "version": 0}',
    b'{"rules": {"candidates": {"windows": [{"movies": [1], "until": "9999-12-31T23:59:59-23:59"}]}}, "version": 0}',
]  # fmt: skip
MOVIES: Final = (1, 8, 9001, UNRATED, BARE, FARTHEST)
HELD: Final[dict[str, list[Any]]] = {
    **{name: list(MOVIES) for name in ("movieId", "id", "neighbourId", "explain_movie", "explainMovie")},
    "userId": [1, 2, 40, 65, 5_000, FARTHEST],
    "embedding": ["item2vec", "content", "fusion", "emb", ""],
    "model": ["neural_cf", "collaborative", "history", "popularity", "emb", ""],
    "genre": ["Comedy", "Horror", ""],
    "region": ["DE", "us-ca", ""],
    "age": [0, 12, 150],
}
"""By name, what the small release has or nearly has."""

WRITES: Final = [
    ("POST", "/api/v1/recommendations"), ("POST", "/api/v1/events"), ("POST", "/api/v1/marks"), ("PUT", "/admin/v1/rules"),
    ("POST", "/admin/v1/rules/undo"),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = released.fresh(tmp_path_factory.mktemp("fuzz") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARROW_WEB__ADMIN_TOKEN", TOKEN)
        with serving(home) as client:
            yield client
            assert client.get("/readyz").json()["status"] == "ready"


def look(status: int, text: str, what: Any) -> None:
    """Refuse what no answer may be."""
    assert status < 500, f"{what!r:.400}: {status} {text:.400}"
    assert "Traceback (most recent" not in text, f"{what!r:.400}: {text:.400}"


def grounded(schema: Any) -> Any:
    """The description with ids and names that the release holds: drawn ones would all be refused at the door."""
    if isinstance(schema, list):
        return [grounded(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("in") in ("query", "path") and schema.get("name") in HELD:
        return schema | {"schema": {"enum": HELD[schema["name"]]}}
    return {key: {"enum": HELD[key]} if key in HELD else grounded(one) for key, one in schema.items()}


@pytest.mark.parametrize(
    ("mode", "examples"),
    [
        pytest.param(GenerationMode.POSITIVE, SHORT, id="fits"),
        pytest.param(GenerationMode.NEGATIVE, SHORT, id="does not fit"),
        pytest.param(GenerationMode.POSITIVE, LONG_FIT, id="fits, long", marks=pytest.mark.soak),
        pytest.param(GenerationMode.NEGATIVE, LONG_UNFIT, id="does not fit, long", marks=pytest.mark.soak),
    ],
)
def test_what_the_description_allows_and_what_it_does_not(
    site: httpx.Client, mode: GenerationMode, examples: int, tmp_path: Path
) -> None:
    document = site.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(grounded(document) if mode is GenerationMode.POSITIVE else document)
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def send(case: schemathesis.Case) -> None:
            nonlocal sent
            sent += 1
            headers = ADMIN if case.path.startswith("/admin") and sent % 5 else None
            answer = case.call(base_url=str(site.base_url), timeout=PATIENCE_S, headers=headers)
            look(answer.status_code, answer.text, case)

        try:
            send()
        except hypothesis.errors.Unsatisfiable:
            continue  # an operation without anything to get wrong
    assert sent > examples * OPERATIONS


@pytest.mark.parametrize("route", ROUTES)
def test_hostile_ids_in_every_place(site: httpx.Client, route: str) -> None:
    for one in IDS:
        answer = ask(site, "GET", route.replace("{}", one.replace(" ", "%20")), ADMIN if "admin" in route else {})
        look(*answer, (route, one))
        assert "root:" not in answer[1], "nothing outside the web root is read"


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_hostile_bodies(site: httpx.Client, method: str, route: str) -> None:
    for body in BODIES:
        for kind in (
            "application/json",
            "text/plain",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=x",
        ):
            answer = site.request(method, route, content=body, headers={**ADMIN, "Content-Type": kind})
            look(answer.status_code, answer.text, (route, body[:200], kind))


def test_repeated_and_conflicting_parameters(site: httpx.Client) -> None:
    for query in (
        "size=1&size=2&size=x", "size=&size=5", "explain=1&explain=0&explain=", "region=DE&region=FR", "&&&&", "=&=", "size",
        "size=5;size=6", "exclude=1&exclude=2,3&exclude=,,,&exclude=", "exclude=" + ",".join(map(str, range(5000))), "%ff=%ff",
        "model[]=din", "unknown=1" * 100, "size=5&" * 2000,
    ):  # fmt: skip
        for path in (
            "/api/v1/users/1/recommendations",
            "/api/v1/movies/1/similar",
            "/api/v1/movies",
            "/getrecforyou?id=1",
        ):
            look(*ask(site, "GET", f"{path}{'&' if '?' in path else '?'}{query}"), (path, query))


def test_hostile_headers(site: httpx.Client) -> None:
    for name, value in (
        ("Authorization", "Bearer \xff\xfe"), ("Authorization", "Bearer " + "x" * 20_000), ("If-Match", '"' + "9" * 90 + '"'),
        ("If-Match", "\xb2"), ("Accept-Language", "zh;q=nan,*;q=1e400," * 50), ("Accept", "text/html;" * 500), ("Cookie",
        "=;" * 900),
        ("Host", "evil.example"), ("X-Request-Id", "a b\x7f\xff" * 50), ("Origin", "null"), ("Range", "bytes=9-1,-"),
        ("If-None-Match", "*"), ("If-Modified-Since", "yesterday"), ("Content-Length", "0"), ("Accept-Encoding", "br;q=x"),
    ):  # fmt: skip
        for method, path in (
            ("GET", "/"),
            ("GET", "/api/v1/movies/1/similar"),
            ("GET", "/static/base.css"),
            ("GET", "/admin/v1/rules"),
        ):
            look(*ask(site, method, path, {name: value}), (name, value, path))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/api/v1/movies/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_hardly_http(site: httpx.Client, sent: bytes) -> None:
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=PATIENCE_S) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        told = b""
        while more := connection.recv(65_536):
            told += more
    text = told.decode("latin-1")
    look(int(text[9:12]) if text.startswith("HTTP/1.1 ") else 400, text, sent[:200])
    assert "root:" not in text
    assert site.get("/healthz").status_code == 200


def test_a_body_is_no_larger_than_it_may_be(site: httpx.Client) -> None:
    large = json.dumps([{"type": "click", "userId": 1, "movieId": 1}] * 40_000)
    for path in ("/api/v1/events", "/api/v1/recommendations", "/api/v1/marks"):
        answer = site.post(path, content=large, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        pieces = (large[at : at + 10_000].encode() for at in range(0, len(large), 10_000))
        answer = site.post(path, content=pieces, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413


def ask(site: httpx.Client, method: str, target: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """(status, text) of a request whose target is sent as it stands: clients mend what servers must be tried with."""
    lines = {"Host": "sparrow.test", "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\n".encode() + head + b"\r\n")
        told = b""
        while more := connection.recv(65_536):
            told += more
    assert told.startswith(b"HTTP/1.1 "), (target, told[:200])
    return int(told[9:12]), told.decode("utf-8", "replace")
