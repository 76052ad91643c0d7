"""The laboratory: lists side by side, bad cases marked and taken back, all of it without JavaScript."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from sparrow.config import Settings
from sparrow.errors import StoreUnavailable
from sparrow.online.wanted import Wanted
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.marks import Mark, MarkStore
from sparrow.stores.outside_ids import OutsideIds, surrogates
from sparrow.web.app import create_app
from sparrow.web.lab import FILMS, PLACES
from tests.online.memory import Dictionary
from tests.web.conftest import Client
from tests.web.fake import HUGE_ID, RELEASE, TITLES, FakeLive, FakeLog, FakeRecommender, make_movie
from tests.web.test_pages import links

BOTH = "/lab.html?movieId=1&movieId=589&embedding=item2vec&embedding=deepwalk&size=4"


@dataclass
class Form:
    """A form as a browser without JavaScript would send it."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page that write."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.all.append(Form(found.get("method", "get"), found.get("action", "")))
        elif tag in ("input", "button") and "name" in found and self.all:
            self.all[-1].fields[found["name"]] = found.get("value", "")


def writing(html: str, do: str) -> list[Form]:
    return [form for form in Forms(html).all if form.method == "post" and form.fields["do"] == do]


def send(client: Client, form: Form, **headers: str) -> httpx.Response:
    headers = {"Sec-Fetch-Site": "same-origin"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(form.action.partition("#")[0], data=form.fields, headers=headers)


def columns(html: str, film: int = 1) -> list[list[str]]:
    """Titles' addresses of one film's table, column by column."""
    table = html.split(f'id="film-{film}"')[1].split("</table>")[0]
    rows = [re.findall(r'class="neighbour-title"[^>]*href="([^"]*)"', row) for row in table.split("<tr>")[2:]]
    return [list(column) for column in zip(*rows, strict=True)]


def test_unasked_it_shows_the_most_rated_film_under_every_embedding(client: Client) -> None:
    html = client.get("/lab.html").text
    assert re.findall(r'<h2 id="name-\d"[^>]*><a[^>]*>(.*?)</a>', html) == ["Toy Story"]
    assert re.findall(r'<th scope="col">([^<]+)', html) == ["Item2vec", "DeepWalk"]
    assert [len(column) for column in columns(html)] == [10, 10]


def test_films_and_embeddings_stand_as_asked_each_once(client: Client, recommender: FakeRecommender) -> None:
    html = client.get(
        f"/lab.html?movieId=589&movieId=1&movieId=589&embedding=deepwalk&embedding=deepwalk&size={PLACES}"
    ).text
    assert re.findall(r'<h2 id="name-\d"[^>]*><a href="([^"]*)"', html) == [
        "/movie.html?movieId=589",
        "/movie.html?movieId=1",
    ]
    assert re.findall(r'<th scope="col">([^<]+)', html) == ["DeepWalk", "DeepWalk"]
    assert recommender.asked["similar"] == {"wanted": Wanted(PLACES), "embedding": "deepwalk"}
    assert "only here" not in html, "beside a single column nothing can be missing"


def test_each_neighbour_has_its_poster_title_year_kinds_popularity_and_score(client: Client) -> None:
    html = client.get("/lab.html?movieId=1&embedding=item2vec&size=1").text
    cell = html.split('class="neighbour"')[1].split("</td>")[0]
    assert 'src="/posters/604.jpg"' in cell
    assert 'href="/movie.html?movieId=604"' in cell
    told = " ".join(re.sub(r"<[^>]*>", " ", cell).split())
    assert "千と千尋の神隠し 2001 · Animation · Fantasy · 13 ratings score 1.000" in told


def test_what_stands_in_one_column_only_is_told_apart(client: Client) -> None:
    html = client.get("/lab.html?movieId=1&size=8").text
    first, second = columns(html)
    assert set(first) & set(second), "some stand in both"
    cells = html.split('<div class="neighbour')[1:]
    assert len(cells) == 16
    for cell in cells:
        address = re.findall(r'class="neighbour-title"[^>]*href="([^"]*)"', cell)[0]
        is_lone = (address in first) != (address in second)
        assert cell.startswith(' neighbour-lone"') == is_lone
        assert ("only here" in cell.split("</td>")[0]) == is_lone


@pytest.mark.parametrize("movie_id", [row[0] for row in TITLES])
def test_hostile_titles_are_text(client: Client, marks: MarkStore, movie_id: int) -> None:
    for other in (600, 601, 606):
        if other != movie_id:
            marks.add(movie_id, other, "item2vec", "'\"><script>alert(2)</script>")
    html = client.get("/lab.html", params={"movieId": movie_id, "size": 20, "add": '"><script>alert(3)</script>'}).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "{{" not in html.replace("{{ 7 * 7 }}", "")


def test_a_search_offers_films_to_add_and_keeps_what_is_there(client: Client) -> None:
    html = client.get(f"{BOTH}&add=night").text
    asked = "embedding=item2vec&embedding=deepwalk&size=4"
    assert f"/lab.html?movieId=1&movieId=589&movieId=602&{asked}" in [
        link.replace("&amp;", "&") for link in links(html)
    ]
    assert f"/lab.html?movieId=589&{asked}" in links(html), "a film can be taken away"
    assert "No film here" in client.get("/lab.html?add=zzzz").text
    form = next(form for form in Forms(html).all if form.action == "/lab.html")
    assert (form.method, form.fields["add"], form.fields["size"]) == ("get", "night", "4")


def test_a_bad_case_is_marked_kept_listed_and_taken_back(client: Client, marks: MarkStore) -> None:
    page = client.get(BOTH).text
    form = writing(page, "mark")[0]
    assert form.fields == {"movieId": "1", "neighbourId": "604", "embedding": "item2vec", "do": "mark"}
    answer = send(client, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, form.action.partition("#")[0])
    assert send(client, form).status_code == 303, "marking twice is marking once"
    assert marks.all() == [Mark(1, 604, "item2vec", "not_alike", RELEASE, 1_700_000_000)]
    page = client.get(answer.headers["Location"]).text
    assert page.count("neighbour-marked") == 1
    assert "2023-11-14" in page.split('id="marks"')[1]
    for undo in writing(page, "undo"):
        assert send(client, undo).status_code == 303
    assert marks.all() == []
    assert writing(client.get(BOTH).text, "undo") == []


def test_the_page_speaks_chinese(client: Client) -> None:
    html = client.get(BOTH, headers={"Accept-Language": "zh"}).text
    assert "哪些电影真的相似" in html
    assert html.count("仅此一列") == client.get(BOTH).text.count("only here") > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://sparrow.test"},
        {"Origin": "http://elsewhere.test"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_cannot_write(client: Client, marks: MarkStore, headers: dict[str, str]) -> None:
    form = writing(client.get(BOTH).text, "mark")[0]
    answer = client.post("/lab.html", data=form.fields, headers=headers)
    assert (answer.status_code, marks.all()) == (403, [])
    assert "another site" in answer.text


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://sparrow.test"}, {"Sec-Fetch-Site": "none"}])
def test_its_own_form_and_programs_can(client: Client, marks: MarkStore, headers: dict[str, str]) -> None:
    form = writing(client.get(BOTH).text, "mark")[0]
    assert client.post("/lab.html", data=form.fields, headers=headers).status_code == 303
    assert len(marks.all()) == 1


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("movieId=424242", 404, "424242"),
        ("movieId=1&embedding=gpt", 404, "gpt"),
        ("movieId=abc", 422, "movieId is"),
        ("size=0", 422, "size is"),
        (f"size={PLACES + 1}", 422, f"from 1 to {PLACES}"),
        ("&".join(f"movieId={row[0]}" for row in TITLES), 422, f"names {len(TITLES)} films; this page compares {FILMS} at most"),
        ("add=" + "a" * 201, 422, "add is"),
    ],
)  # fmt: skip
def test_bad_addresses_are_told(client: Client, query: str, status: int, words: str) -> None:
    answer = client.get(f"/lab.html?{query}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert words in answer.text


GOOD = {"movieId": "1", "neighbourId": "589", "embedding": "item2vec", "do": "mark"}


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"do": "dance"}, 422, "do=mark or do=undo"),
        ({"movieId": None}, 422, "movieId"),
        ({"movieId": "424242"}, 404, "424242"),
        ({"neighbourId": "424242"}, 404, "424242"),
        ({"neighbourId": "1"}, 422, "not its own neighbour"),
        ({"embedding": "gpt"}, 404, "gpt"),
        ({"movieId": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")}, 422, "movieId is"),
        ({f"x{place}": "" for place in range(30)}, 422, "cannot be read"),
    ],
)
def test_bad_forms_are_told_and_keep_nothing(
    client: Client, marks: MarkStore, changed: dict[str, Any], status: int, words: str
) -> None:
    fields = {name: value for name, value in (GOOD | changed).items() if value is not None}
    answer = client.post("/lab.html", data=fields)
    assert (answer.status_code, marks.all()) == (status, [])
    assert words in answer.text


def test_six_films_are_compared_and_no_more_can_be_added(client: Client) -> None:
    html = client.get("/lab.html?" + "&".join(f"movieId={row[0]}" for row in TITLES[:FILMS])).text
    assert html.count('<table class="lists">') == FILMS
    assert 'name="add"' not in html


def test_without_marks_the_lists_are_there_and_no_buttons(monkeypatch: pytest.MonkeyPatch, marks: MarkStore) -> None:
    client = Client(create_app(FakeLive(), FakeLog(), Settings()))
    html = client.get(BOTH).text
    assert len(columns(html)) == 2
    assert writing(html, "mark") == []
    assert client.post("/lab.html", data=GOOD).status_code == 503

    def away() -> list[Mark]:
        raise StoreUnavailable("The disk is gone.")

    monkeypatch.setattr(marks, "all", away)
    client = Client(create_app(FakeLive(), FakeLog(), Settings(), marks))
    assert client.get(BOTH).status_code == 200
    assert client.get("/api/v1/marks").status_code == 503


def test_a_release_without_embeddings_has_its_lists_by_content(client: Client, recommender: FakeRecommender) -> None:
    recommender.embeddings = ()
    html = client.get("/lab.html?movieId=1").text
    assert re.findall(r'<th scope="col">([^<]+)', html) == ["Content"]
    assert writing(html, "mark") == [], "there is no embedding to blame"


def test_degraded_lists_say_so(client: Client, recommender: FakeRecommender) -> None:
    assert "X-Sparrow-Degraded" not in client.get(BOTH).headers
    recommender.degraded = ("ranker",)
    answer = client.get(BOTH)
    assert answer.headers["X-Sparrow-Degraded"] == "ranker"
    assert "next best recipe" in answer.text


def test_pages_lead_to_it(client: Client) -> None:
    assert "/lab.html" in links(client.get("/").text)
    assert f"/lab.html?movieId={HUGE_ID}" in links(client.get(f"/movie.html?movieId={HUGE_ID}").text)


MARK = {"movieId": 1, "neighbourId": 589, "embedding": "item2vec"}


def test_programs_mark_list_and_take_back(client: Client) -> None:
    assert client.get("/api/v1/marks").json() == {"release": RELEASE, "total": 0, "items": []}
    assert client.post("/api/v1/marks", json=MARK).json() == {"release": RELEASE, "added": True}
    assert client.post("/api/v1/marks", json=MARK | {"verdict": "not_alike"}).json()["added"] is False
    assert client.get("/api/v1/marks").json()["items"] == [
        {
            "movieId": 1, "title": "Toy Story", "neighbourId": 589, "neighbourTitle": "Terminator 2: Judgment Day",
            "embedding": "item2vec", "verdict": "not_alike", "release": RELEASE, "timestamp": 1_700_000_000,
        }
    ]  # fmt: skip
    assert client.delete("/api/v1/marks", params=MARK).json() == {"release": RELEASE, "removed": True}
    assert client.delete("/api/v1/marks", params=MARK).json() == {"release": RELEASE, "removed": False}
    assert client.get("/api/v1/marks").json()["total"] == 0


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"movieId": 424242}, 404), ({"neighbourId": 424242}, 404), ({"neighbourId": 1}, 422), ({"embedding": "gpt"}, 404),
        ({"verdict": "alike"}, 422), ({"movieId": "abc"}, 422), ({"movieId": 2**63}, 422), ({"movieId": True}, 422),
        ({"embedding": None}, 422), ({"colour": "red"}, 422), ({"embedding": "x" * 101}, 422),
    ],
)  # fmt: skip
def test_bad_marks_are_problems(client: Client, marks: MarkStore, changed: dict[str, Any], status: int) -> None:
    answer = client.post("/api/v1/marks", json=MARK | changed)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert marks.all() == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_does_not_say_it_is_json_cannot_mark(client: Client, marks: MarkStore, kind: str) -> None:
    body = b'{"movieId":1,"neighbourId":589,"embedding":"item2vec"}'
    assert client.post("/api/v1/marks", content=body, headers={"Content-Type": kind}).status_code == 415
    assert marks.all() == []


def test_marks_outlive_their_release_their_movies_and_their_embedding(
    client: Client, recommender: FakeRecommender
) -> None:
    client.post("/api/v1/marks", json=MARK)
    recommender.release, recommender.embeddings = "20300101-000000-later", ("fusion",)
    del recommender.by_id[589]  # type: ignore[attr-defined]
    [told] = client.get("/api/v1/marks").json()["items"]
    assert (told["release"], told["neighbourTitle"]) == (RELEASE, "Movie 589")
    undo = writing(client.get("/lab.html?movieId=1").text, "undo")
    assert [send(client, form).status_code for form in undo] == [303]
    assert client.get("/api/v1/marks").json()["total"] == 0


def test_a_catalogue_of_text_ids_is_marked_by_them(
    client: Client, marks: MarkStore, recommender: FakeRecommender
) -> None:
    name = 'a/b "é" & <c>'
    raw = next(surrogates(name))
    movie = make_movie(raw, "Named", 2001, ("Animation",), [5.0] * 12)
    movie = type(movie)(*[getattr(movie, one) for one in movie.__slots__[:-1]], outside_id=name)
    recommender.catalogue.append(movie)
    recommender.__post_init__()
    recommender.ids = OutsideIds({raw: name}, FeatureStore(Dictionary()))
    form = next(
        form
        for form in writing(client.get("/lab.html?movieId=1&size=20").text, "mark")
        if form.fields["neighbourId"] == name
    )
    assert send(client, form).status_code == 303
    assert [(mark.movie_id, mark.neighbour_id) for mark in marks.all()] == [(1, raw)]
    assert client.get("/api/v1/marks").json()["items"][0]["neighbourId"] == name
    told = client.post("/api/v1/marks", json=MARK | {"neighbourId": "nobody's"})
    assert (told.status_code, "nobody's" in told.json()["detail"]) == (404, True)
    gone = client.delete("/api/v1/marks", params=MARK | {"neighbourId": name, "embedding": form.fields["embedding"]})
    assert (gone.json()["removed"], marks.all()) == (True, [])
