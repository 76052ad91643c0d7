"""`/api/v1`: shapes, parameters, and what reaches the recommender."""

import pytest

from sparrow.online.wanted import Wanted
from tests.web.conftest import Client
from tests.web.fake import HUGE_ID, RELEASE, TITLES, FakeRecommender


def test_movie_has_all_facts_and_its_raw_title(client: Client) -> None:
    body = client.get("/api/v1/movies/50").json()
    assert body["release"] == RELEASE
    assert body["title"] == "Usual Suspects, The"
    assert body["genres"] == ["Crime", "Mystery", "Thriller"]
    assert sum(body["ratingSpread"]) == body["ratingCount"] > 0
    assert set(body["topRatings"][0]) == {"userId", "movieId", "score", "timestamp"}


def test_the_largest_id_comes_back_exactly(client: Client) -> None:
    assert client.get(f"/api/v1/movies/{HUGE_ID}").json()["movieId"] == HUGE_ID


def test_catalogue_pages_follow_each_other(client: Client) -> None:
    pages = [client.get(f"/api/v1/movies?sort=year&size=5&offset={offset}").json() for offset in (0, 5, 10)]
    ids = [movie["movieId"] for page in pages for movie in page["items"]]
    assert len(ids) == len(set(ids)) == pages[0]["total"] == len(TITLES)
    years = [movie["releaseYear"] for page in pages for movie in page["items"]]
    assert years == sorted(years, reverse=True)


def test_catalogue_filters_by_genre_and_year(client: Client) -> None:
    body = client.get("/api/v1/movies?genre=Comedy&year=1995").json()
    assert [movie["movieId"] for movie in body["items"]] == [1]
    assert client.get("/api/v1/movies?genre=").json()["total"] == len(TITLES)


def test_search_finds_titles_and_an_empty_question_finds_nothing(client: Client) -> None:
    assert [m["movieId"] for m in client.get("/api/v1/search?q=usual").json()["items"]] == [50]
    assert client.get("/api/v1/search?q=%20").json()["items"] == []
    assert client.get("/api/v1/search").status_code == 422


def test_similar_list_has_the_contract_shape(client: Client) -> None:
    body = client.get("/api/v1/movies/589/similar?size=3").json()
    assert list(body) == ["release", "movieId", "recommendationId", "pipeline", "arm", "items", "degraded"]
    assert list(body["items"][0]) == ["movieId", "title", "releaseYear", "genres", "score", "reasons"]
    assert body["items"][0]["reasons"] == [
        {"kind": "similar", "movieId": 589, "title": "Terminator 2: Judgment Day"},
        {"kind": "shared_genres", "genres": ["Action", "Sci-Fi"]},
    ]
    assert len(body["items"]) == 3
    assert body["movieId"] == 589


def test_explain_adds_traces_and_timings(client: Client) -> None:
    body = client.get("/api/v1/movies/589/similar?explain=true&size=1").json()
    assert body["items"][0]["trace"]["routes"]["embedding"] == {"place": 1, "score": 0.9}
    assert body["timings"] == {"recall": 0.5}


@pytest.mark.parametrize("query", ["exclude=1,50", "exclude=1&exclude=50", "exclude=%2050%20,,1"])
def test_exclude_takes_lists_and_repetition(client: Client, recommender: FakeRecommender, query: str) -> None:
    ids = [item["movieId"] for item in client.get(f"/api/v1/movies/589/similar?{query}").json()["items"]]
    assert recommender.asked["similar"]["wanted"].exclude == {1, 50}
    assert not {1, 50} & set(ids)


@pytest.mark.parametrize(("asked", "passed"), [("", None), ("emb", None), ("nerualcf", None), ("deepwalk", "deepwalk")])
def test_original_names_mean_the_default_embedding(
    client: Client, recommender: FakeRecommender, asked: str, passed: str | None
) -> None:
    client.get(f"/api/v1/movies/589/similar?embedding={asked}")
    assert recommender.asked["similar"]["embedding"] == passed


def test_default_size_is_the_setting(client: Client, recommender: FakeRecommender) -> None:
    client.get("/api/v1/users/1/recommendations")
    assert recommender.asked["for_user"] == {"wanted": Wanted(24), "model": None, "arm": None}
    client.get("/api/v1/users/1/recommendations?arm=deep:din")
    assert recommender.asked["for_user"]["arm"] == "deep:din"


def test_user_and_their_list(client: Client) -> None:
    user = client.get("/api/v1/users/1").json()
    assert [rating["movieId"] for rating in user["ratings"]] == [600, 589, 1, 999_999]
    assert user["favouriteGenres"][0]["count"] == 1
    body = client.get("/api/v1/users/1/recommendations?model=din").json()
    assert body["userId"] == 1
    assert not {1, 589, 600} & {item["movieId"] for item in body["items"]}


def test_unknown_person_gets_a_list_and_no_facts(client: Client) -> None:
    answer = client.get("/api/v1/users/424242/recommendations")
    assert (answer.status_code, answer.json()["pipeline"]) == (200, "for_you:popular")
    assert client.get("/api/v1/users/424242").status_code == 404


def test_guest_sends_a_history(client: Client, recommender: FakeRecommender) -> None:
    """Oldest first, as the recommender takes it."""
    guest = {"history": [{"movieId": 1, "rating": 5}, {"movieId": "589"}], "size": 2, "exclude": [50]}
    body = client.post("/api/v1/recommendations", json=guest).json()
    history = [(1, 5.0), (589, None)]
    assert recommender.asked["for_history"] == {"history": history, "wanted": Wanted(2, frozenset({50}))}
    assert len(body["items"]) == 2
    assert "userId" not in body


@pytest.mark.parametrize(
    "guest",
    [
        {},
        {"history": "1,2"},
        {"history": [{"movieId": -1}]},
        {"history": [{"movieId": True}]},
        {"history": [{"movieId": 1, "rating": 9}]},
        {"history": [], "size": 0},
        {"history": [], "size": 501},
        {"history": [], "colour": "red"},
        {"history": [{"movieId": 1}] * 1001},
        [1, 2],
    ],
)
def test_bad_guests_are_refused_in_words(client: Client, guest: object) -> None:
    answer = client.post("/api/v1/recommendations", json=guest)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_degraded_is_said_in_body_header_and_metric(client: Client, recommender: FakeRecommender) -> None:
    recommender.degraded = ("ranker", "store")
    answer = client.get("/api/v1/users/1/recommendations")
    assert answer.json()["degraded"] == ["ranker", "store"]
    assert answer.headers["X-Sparrow-Degraded"] == "ranker,store"
    assert 'sparrow_degraded_lists_total{part="ranker"} 1.0' in client.get("/metrics").text
