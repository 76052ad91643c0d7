"""`/why.html`: why a movie stands in a list or does not, drawn from what the recommender tells; the panel shows the same page."""

import pytest

from sparrow.online.wanted import Wanted
from tests.web.conftest import Client
from tests.web.fake import FakeRecommender
from tests.web.test_pages import Tags, links


def test_every_card_of_a_list_asks_why_about_that_very_list(client: Client) -> None:
    asked = [link for link in links(client.get("/user.html?userId=1&model=din&size=3").text) if "/why.html" in link]
    assert asked == [f"/why.html?userId=1&model=din&size=3&movieId={movie}" for movie in (50, 601, 602)]
    similar = links(client.get("/movie.html?movieId=589&embedding=deepwalk").text)
    assert "/why.html?like=589&embedding=deepwalk&movieId=50" in similar
    assert not [link for link in links(client.get("/").text) if "/why.html" in link], "a shelf has no reasons"


def test_it_asks_for_the_same_list_and_only_then(client: Client, recommender: FakeRecommender) -> None:
    client.get("/user.html?userId=1&model=din")
    wanted = recommender.asked["for_user"]["wanted"]
    assert (wanted.explain, wanted.explain_movie) == (False, None)
    client.get("/why.html?userId=1&model=din&size=3&movieId=50")
    assert recommender.asked["for_user"]["model"] == "din"
    assert recommender.asked["for_user"]["wanted"] == Wanted(3, explain=True, explain_movie=50)


def test_a_listed_movie_shows_routes_parts_attention_inputs_and_moves(client: Client) -> None:
    html = client.get("/why.html?like=1&movieId=602").text
    assert "It stands in the list, at place " in html
    assert ("Closest by vector" in html, "score 0.9" in html) == (True, True)
    assert ("Ordered by DIN" in html, "+2" in html, "-1" in html) == (True, True, True)
    assert ("75 %" in html, "25 %" in html, "Comedy · War" in html, "2 films" in html) == (True, True, True, True)
    assert "Variety" in html
    widths = [
        attrs["width"] for tag, attrs in Tags(html).found if tag == "rect" and "part" in (attrs["class"] or "").split()
    ]
    assert widths == ["50.0", "25.0"]


def test_a_movie_that_is_not_listed_is_told_what_became_of_it(client: Client) -> None:
    html = client.get("/why.html?userId=1&movieId=1").text
    assert "It is no candidate for this list" in html
    assert "This person has seen it" in html
    chinese = client.get("/why.html?userId=1&movieId=1", headers={"Accept-Language": "zh"}).text
    assert "这位观众看过它" in chinese


def test_the_search_works_as_a_plain_form(client: Client) -> None:
    html = client.get("/why.html?userId=1&model=din&title=usual").text
    assert "/why.html?userId=1&model=din&movieId=50" in links(html)
    assert "No film has “zzz”" in client.get("/why.html?userId=1&title=zzz").text
    hidden = [attrs for tag, attrs in Tags(html).found if tag == "input" and attrs.get("type") == "hidden"]
    assert {(one["name"], one["value"]) for one in hidden} >= {("userId", "1"), ("model", "din")}


def test_a_guest_is_answered_from_the_history_in_the_question(client: Client) -> None:
    question = {"history": [{"movieId": 1, "rating": 5}], "explain": True}
    cards = client.post("/api/v1/recommendations", json=question, headers={"Accept": "text/html"}).text
    assert 'data-why="50"' in cards
    about = client.post(
        "/api/v1/recommendations", json=question | {"explainMovie": 50}, headers={"Accept": "text/html"}
    ).text
    assert 'id="why"' in about
    assert "The Usual Suspects" in about
    assert not [link for link in links(about) if "/why.html" in link], "nobody else can ask for a guest's list"


@pytest.mark.parametrize(
    ("page", "status"),
    [("/why.html?movieId=1", 422), ("/why.html?userId=1&movieId=424242", 404), ("/why.html?like=424242", 404)],
)
def test_what_cannot_be_asked_is_a_friendly_page(client: Client, page: str, status: int) -> None:
    answer = client.get(page)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
