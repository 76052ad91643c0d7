"""The site: complete without JavaScript, escaped, in two languages, and with nothing from another host."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.online.answers import Census, Listing, Reason, UserFacts
from sparrow.online.wanted import Wanted
from sparrow.web import language
from sparrow.web.rendering import HERE
from sparrow.web.views import hidden_gems
from tests.web.conftest import Client
from tests.web.fake import HUGE_ID, TITLES, FakeLive, FakeRecommender, make_movie

PAGES = (
    "/",
    "/movie.html?movieId=589",
    "/user.html?userId=1",
    "/collection.html?type=genre&value=Comedy",
    "/collection.html?type=search&value=toy",
    "/collection.html",
    "/lab.html",
    "/why.html?userId=1&movieId=600",
    "/why.html?like=1&title=toy",
    "/lab.html?movieId=1&movieId=600&embedding=deepwalk&size=3&add=night",
    "/about.html",
    "/docs",
)


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def links(html: str) -> list[str]:
    return [attrs["href"] or "" for tag, attrs in Tags(html).found if tag == "a" and "href" in attrs]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_pages_load_nothing_from_elsewhere_and_run_no_inline_code(client: Client, page: str, lang: str) -> None:
    answer = client.get(page, headers={"Accept-Language": lang})
    assert answer.status_code == 200
    assert answer.headers["Content-Language"] == language.texts_of(lang).tag
    for tag, attrs in Tags(answer.text).found:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, attrs)
            assert name != "style", (tag, attrs)
            # A link that a reader may follow is the one thing that names another host; nothing is loaded from there.
            if name in {"src", "href", "action"} and not (tag == "a" and attrs.get("rel") == "external noreferrer"):
                assert value and value.startswith(("/", "#", "?")) and not value.startswith("//"), (tag, attrs)
        assert tag != "script" or attrs.get("src"), attrs


@pytest.mark.parametrize("movie_id", [row[0] for row in TITLES])
def test_hostile_titles_are_text(client: Client, movie_id: int) -> None:
    html = client.get(f"/movie.html?movieId={movie_id}").text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "49" not in re.findall(r"<h1[^>]*>(.*?)</h1>", html)[0]
    scripts = [attrs.get("src") for tag, attrs in Tags(html).found if tag == "script"]
    assert scripts == [f"/static/{name}.js" for name in ("swap", "search", "feedback", "rate", "why")]


def test_home_has_rows_search_picker_and_genres(client: Client) -> None:
    html = client.get("/").text
    found = links(html)
    assert ("Just released" in html, "data-because" in html) == (True, True)
    for wanted in ("/movie.html?movieId=1", f"/movie.html?movieId={HUGE_ID}", "/user.html?userId=7"):
        assert wanted in found
    assert "/collection.html?type=genre&value=Western+%26+%3Cb%3E" in found
    assert 'name="userId"' in html
    assert 'role="search"' in html


def test_movie_page_shows_facts_spread_and_reasons(client: Client) -> None:
    html = client.get("/movie.html?movieId=50").text
    assert "The Usual Suspects" in html
    assert "Usual Suspects, The" not in html
    assert html.count('class="bar"') == 10
    assert "/collection.html?type=genre&value=Crime" in links(html)
    assert "https://www.imdb.com/title/tt0114709/" in links(html)
    assert "themoviedb" not in html, "its number there is not known"
    # On its own page "close to The Usual Suspects" would say nothing: the next reason is shown.
    assert "Same kind: Crime · Mystery" in html
    assert "/movie.html?movieId=50&embedding=deepwalk" in links(html)


def test_movie_without_ratings_or_neighbours(client: Client, recommender: FakeRecommender) -> None:
    recommender.catalogue = [recommender.by_id[607]]
    html = client.get("/movie.html?movieId=607").text
    assert "Not yet rated" in html
    assert "too little about this film" in html


@pytest.mark.parametrize("query", ["userId=1", "id=1"])
def test_user_page_shows_taste_history_and_list(client: Client, query: str) -> None:
    html = client.get(f"/user.html?{query}").text
    assert "Person 1" in html
    assert "Because Terminator 2: Judgment Day was liked" in html or "Because Toy Story was liked" in html
    assert "rated 4.5" in html
    assert "/user.html?userId=1&model=din" in links(html)


def test_chosen_model_is_marked_and_used(client: Client, recommender: FakeRecommender) -> None:
    html = client.get("/user.html?userId=1&model=din").text
    assert recommender.asked["for_user"]["model"] == "din"
    marked = [
        attrs["href"]
        for tag, attrs in Tags(html).found
        if tag == "a" and "aria-current" in attrs and "model" in (attrs["href"] or "")
    ]
    assert "/user.html?userId=1&model=din" in marked


def test_load_more_walks_through_everything_once(client: Client) -> None:
    page, seen = "/collection.html?size=5", []
    while page:
        html = client.get(page).text
        seen += re.findall(r"/posters/(\d+)\.jpg", html)
        more = [attrs["href"] for tag, attrs in Tags(html).found if "data-more" in attrs]
        page = more[0] if more else None
    assert sorted(map(int, seen)) == sorted(row[0] for row in TITLES)


def test_search_page_says_what_it_found(client: Client) -> None:
    assert "Results for “toy”" in client.get("/collection.html?type=search&value=toy").text
    nothing = client.get("/collection.html", params={"type": "search", "value": '"><script>x</script>'}).text
    assert "No film here" in nothing
    assert "<script>x" not in nothing


@pytest.mark.parametrize(
    ("page", "status", "words"),
    [
        ("/movie.html?movieId=424242", 404, "424242"),
        ("/user.html?userId=424242", 404, "424242"),
        ("/collection.html?type=genre&value=Opera", 404, "Opera"),
        ("/movie.html?movieId=abc", 422, "movieId is"),
        ("/movie.html", 422, "movieId is missing"),
        ("/user.html", 422, "userId is missing"),
        ("/movie.html?movieId=1&size=0", 422, "from 1 to 500"),
    ],
)
def test_errors_are_friendly_pages_with_true_statuses(client: Client, page: str, status: int, words: str) -> None:
    answer = client.get(page)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert words in answer.text


def test_a_page_that_cannot_be_made_yet_asks_again_by_itself(client: Client, live: FakeLive) -> None:
    assert "Refresh" not in client.get("/movie.html?movieId=424242").headers
    live.current = None
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "10")


def test_hidden_gems_are_loved_by_few() -> None:
    movies = [make_movie(number, "A", 2000, (), [4.0] * ratings) for number, ratings in enumerate([200, 20, 21, 3, 9])]
    assert [movie.rating_count for movie in hidden_gems(movies, most=200)] == [20, 9]


def test_an_unknown_address_is_a_page_for_browsers_only(client: Client) -> None:
    browser = client.get("/nowhere", headers={"Accept": "text/html,*/*"})
    assert (browser.status_code, browser.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert client.get("/nowhere").headers["Content-Type"] == "application/problem+json"


def test_a_list_by_content_does_not_claim_an_audience(
    client: Client, recommender: FakeRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Films like Toy Story in kind" in client.get("/movie.html?movieId=1").text
    listing = recommender._listing("similar:content", recommender.catalogue[3:], (Reason("shared_genres"),), Wanted(24))

    async def by_content(*_asked: object) -> Listing:
        return listing

    monkeypatch.setattr(recommender, "similar", by_content)
    page = client.get("/movie.html?movieId=1").text
    assert "Too few people rated this film yet" in page
    assert "in kind, theme and audience" not in page


def test_degraded_lists_say_so_on_the_page(client: Client, recommender: FakeRecommender) -> None:
    recommender.degraded = ("ranker",)
    answer = client.get("/user.html?userId=1")
    assert answer.headers["X-Sparrow-Degraded"] == "ranker"
    assert "next best recipe" in answer.text


def test_a_person_has_a_list_while_the_store_is_away(
    client: Client, recommender: FakeRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_user_id: int) -> UserFacts:
        raise StoreUnavailable("The feature store cannot be reached.")

    monkeypatch.setattr(recommender, "user", away)
    for degraded, told in [((), "store"), (("ranker",), "ranker,store"), (("store",), "store")]:
        recommender.degraded = degraded
        answer = client.get("/user.html?userId=1")
        assert (answer.status_code, answer.headers["X-Sparrow-Degraded"]) == (200, told)
        assert "Usual Suspects" in answer.text
        assert 'id="history"' not in answer.text
    assert [client.get(path).status_code for path in ("/getuser?id=1", "/api/v1/users/1")] == [503, 503]


def test_language_is_asked_remembered_or_preferred(client: Client) -> None:
    asked = client.get("/?lang=zh")
    assert 'lang="zh-Hans"' in asked.text
    assert "lang=zh" in asked.headers["Set-Cookie"]
    assert "今晚上映" in client.get("/", headers={"Cookie": "lang=zh"}).text
    assert "今晚上映" in client.get("/", headers={"Accept-Language": "zh-TW,zh;q=0.9,en;q=0.5"}).text
    assert "Tonight" in client.get("/?lang=xx", headers={"Accept-Language": "fr;q=x"}).text
    assert "Set-Cookie" not in client.get("/?lang=xx").headers


def test_about_tells_live_numbers(
    client: Client, recommender: FakeRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = client.get("/about.html").text
    figures = re.findall(r"<strong>(.*?)</strong>", html)
    ratings = sum(movie.rating_count for movie in recommender.catalogue)
    assert figures[:4] == [str(ratings), str(len(TITLES)), "2", "2"]
    assert ("2 people" in html, "NeuralCF" in html, recommender.release in html) == (True, True, True)
    assert "/about.html" in links(html)

    def away() -> Census:
        raise StoreUnavailable("The feature store cannot be reached.")

    monkeypatch.setattr(recommender, "census", away)
    assert re.findall(r"<strong>(.*?)</strong>", client.get("/about.html").text)[0] == "–"


def test_switching_language_keeps_the_rest_of_the_address(client: Client) -> None:
    assert "?movieId=589&lang=zh" in links(client.get("/movie.html?movieId=589").text)


def test_an_address_that_names_another_host_becomes_no_link_to_it(client: Client) -> None:
    answer = client.get("http://sparrow.test//elsewhere.example/x", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "//elsewhere.example/x" in answer.text
    assert not [link for link in links(answer.text) if "elsewhere" in link]


def test_catalogues_have_the_same_keys_and_placeholders() -> None:
    english, chinese = (language.texts_of(code).catalogue for code in ("en", "zh"))
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", chinese[key])), key


def test_every_text_that_templates_use_exists_and_none_is_idle() -> None:
    catalogue = language.texts_of("en").catalogue
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "pages").glob("*.html")))
    used = set(re.findall(r"""\bt\(["']([\w.-]+)["'][,)]""", source))
    used |= {
        f"{key}.{form}" for key in re.findall(r"""\bt\.count\(["'](\w+)["']""", source) for form in ("one", "other")
    }
    built = ("row.", "sort.", "error.", "reason.", "genre.", "model.", "metric.", "verdict.", "guardrail.")
    built += ("about.", "told.", "barred.", "route.", "rule.", "stage.", "retrain.", "age.", "case.")
    assert used <= set(catalogue)
    assert {key for key in catalogue if key not in used and not key.startswith(built)} == set()


def test_templates_hold_no_words_of_their_own() -> None:
    """What is not a tag or an expression is punctuation: words belong in the catalogue."""
    for path in sorted((HERE / "pages").glob("*.html")):
        bare = path.read_text("utf-8")
        for markup in (r"\{% block (kind|asked) %\}.*?\{% endblock %\}", r"\{[{%#].*?[}%#]\}", r"<[^>]*>", r"&\w+;"):
            bare = re.sub(markup, " ", bare, flags=re.DOTALL)
        assert not re.findall(r"[A-Za-z]{2,}", bare), path.name


def test_static_files_name_no_other_host() -> None:
    for path in Path(HERE / "static").iterdir():
        hosts = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text(encoding="utf-8"))
        assert set(hosts) <= {"http://www.w3.org"}, path.name


def test_a_collection_of_one_year_keeps_it_wherever_one_goes(client: Client) -> None:
    html = client.get("/collection.html?type=genre&value=Animation&year=2001&size=1").text
    assert "Animation · 2001" in html
    assert re.findall(r'data-movie="(\d+)"', html) == ["604"]
    kept = [link for link in links(html) if link.startswith("/collection.html?") and "year=2001" in link]
    assert {"sort=rating" in link for link in kept} == {True, False}
    assert "/collection.html?type=genre&value=Animation&sort=popularity&size=1" in links(html), "back to all years"
    assert client.get("/collection.html?year=0").status_code == 422
