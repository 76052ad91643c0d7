"""A person drawn: stars and decades as counted by hand, and what another model changes in their list."""

import re

from sparrow.online.answers import ListedMovie
from sparrow.online.wanted import Wanted
from sparrow.schema import MovieId, Rating, UserId
from sparrow.web.taste import DECADES, DRAWN, draw_taste, moves_between
from tests.web.conftest import Client
from tests.web.fake import FakeRecommender


def test_stars_and_decades_are_counted_and_a_lost_movie_has_no_year(recommender: FakeRecommender) -> None:
    taste = draw_taste(recommender, recommender.user(1).ratings)
    assert {stars: number for stars, number, _ in taste.stars if number} == {0.5: 1, 3.0: 1, 4.5: 1, 5.0: 1}
    assert [(one.start, one.number, one.mean) for one in taste.decades if one.number] == [
        (1990, 2, 4.75),
        (2000, 1, 0.5),
    ]
    assert (len(taste.decades), taste.decades[-1].start, taste.decades[-1].height) == (DECADES, 2000, 50.0)


def test_nobody_and_unknown_years_draw_no_decades(recommender: FakeRecommender) -> None:
    yearless = Rating(UserId(1), MovieId(605), 4.0, 0)
    assert draw_taste(recommender, []).decades == draw_taste(recommender, [yearless]).decades == []


def test_only_the_newest_ratings_are_drawn(recommender: FakeRecommender) -> None:
    ratings = [Rating(UserId(1), MovieId(1), 4.0, 1)] * (DRAWN + 5)
    assert sum(number for _, number, _ in draw_taste(recommender, ratings).stars) == DRAWN


def test_moves_tell_what_rose_fell_stayed_and_is_new(recommender: FakeRecommender) -> None:
    first, second, third, fourth = (ListedMovie(movie, 1.0, ()) for movie in recommender.catalogue[:4])
    moves = moves_between([first, second, third], [third, second, first, fourth])
    assert [moves[one.movie.movie_id] for one in (first, second, third, fourth)] == [-2, 0, 2, None]


def test_the_page_draws_them_and_marks_what_a_model_changes(client: Client, recommender: FakeRecommender) -> None:
    usual = client.get("/user.html?userId=1&size=4").text
    assert ("When their films were made" in usual, "1990s: 2 films, 4.8 stars on average" in usual) == (True, True)
    assert "card-move" not in usual
    catalogue = recommender.catalogue
    listing = recommender.for_user

    async def turned(user_id: int, wanted: Wanted, model: str | None = None) -> object:
        recommender.catalogue = catalogue[::-1] if model else catalogue
        return await listing(user_id, wanted, model)

    recommender.for_user = turned  # type: ignore[method-assign, assignment]
    changed = client.get("/user.html?userId=1&size=5&model=din").text
    assert re.findall(r'class="hidden">(\d places \w+)<', changed) == [], "the fifth stays where it was"
    assert changed.count("card-new") == 4
    assert "4 of 5 are new here" in changed
    everything = client.get("/user.html?userId=1&size=9&model=din").text
    assert "8 places up" in everything
    assert "8 places down" in everything
