"""The original API: exact names and types, so that its pages work unchanged."""

from sparrow.config import Settings
from sparrow.web.app import create_app
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeRecommender

MOVIE = {
    "movieId": int,
    "title": str,
    "releaseYear": int,
    "imdbId": str,
    "tmdbId": str,
    "genres": list,
    "ratingNumber": int,
    "averageRating": float,
    "topRatings": list,
}


def check_movie(movie: dict[str, object]) -> None:
    assert {name: type(value) for name, value in movie.items()} == MOVIE


def test_movie(client: Client) -> None:
    movie = client.get("/getmovie?id=1").json()
    check_movie(movie)
    rating = movie["topRatings"][0]["rating"]
    assert {name: type(value) for name, value in rating.items()} == {
        "userId": int,
        "movieId": int,
        "score": float,
        "timestamp": int,
    }
    assert client.get("/getmovie?id=605").json()["releaseYear"] == 0


def test_user(client: Client) -> None:
    user = client.get("/getuser?id=1").json()
    assert list(user) == ["userId", "averageRating", "highestRating", "lowestRating", "ratingCount", "ratings"]
    assert (user["ratingCount"], user["highestRating"], user["lowestRating"]) == (4, 5.0, 0.5)
    assert user["ratings"][0]["rating"]["movieId"] == 600


def test_lists_are_arrays_of_movies(client: Client) -> None:
    for path in (
        "/getsimilarmovie?movieId=589&size=4&model=emb",
        "/getrecommendation?genre=Comedy&size=2&sortby=releaseYear",
        "/getrecforyou?id=1&size=5&model=nerualcf",
    ):
        movies = client.get(path).json()
        assert len(movies) >= 2
        for movie in movies:
            check_movie(movie)


def test_sorting_is_downwards(client: Client) -> None:
    years = [movie["releaseYear"] for movie in client.get("/getrecommendation?sortby=releaseYear").json()]
    assert years == sorted(years, reverse=True)
    assert client.get("/getrecommendation?sortby=colour").status_code == 422


def test_model_names_reach_the_recommender(client: Client, recommender: FakeRecommender) -> None:
    client.get("/getrecforyou?id=1&model=neuralcf")
    assert recommender.asked["for_user"]["model"] == "neuralcf"


def test_other_origins_are_let_in_only_where_and_when_asked(client: Client) -> None:
    assert "access-control-allow-origin" not in client.get("/getmovie?id=1").headers
    settings = Settings.model_validate({"web": {"legacy_cors": True}})
    opened = Client(create_app(FakeLive(), None, settings))
    assert opened.get("/getmovie?id=1").headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in opened.get("/api/v1/movies/1").headers
    assert "access-control-allow-origin" not in opened.post("/getmovie").headers
