"""What may be shown, where and when: windows, regions, a clock that jumps, conditions in SQL that cannot leave their table."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from sparrow.config import Candidates, Rules
from sparrow.errors import InvalidInput
from sparrow.online.availability import Availability, check_genres, unknown_movies
from sparrow.online.catalog import Catalog, build_catalog
from sparrow.online.condition import meets
from sparrow.schema import Movie, MovieId, Rating, UserId
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.outside_ids import OutsideIds, surrogates
from tests.online.memory import Dictionary, movie_record

ROWS = [
    (1, 'Coraline\'s "Door"', 2009, ("Children", "Horror")),
    (2, "Alien", 1979, ("Horror", "Sci-Fi")),
    (3, "Bambi", 1942, ("Children",)),
    (4, "Nothing Known \ud800", 0, ()),
]


@pytest.fixture
def catalog() -> Catalog:
    ratings = [Rating(UserId(user), MovieId(2), 4.0, 1) for user in range(5)]
    movies = [Movie(MovieId(movie), title, year, genres) for movie, title, year, genres in ROWS]
    return build_catalog([movie_record(one, ratings if one.movie_id == 2 else ()) for one in movies])


class Clock:
    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


def shown(catalog: Catalog, available: Availability, region: str = "") -> list[int]:
    mask: Any = catalog.ids[available.mask(region)].tolist()
    return list(mask)


def test_without_rules_everything_is_shown(catalog: Catalog) -> None:
    assert shown(catalog, Availability(catalog, Candidates())) == [1, 2, 3, 4]


def test_hidden_movies_are_named_by_number_or_by_text(catalog: Catalog) -> None:
    hidden = Candidates(hidden=frozenset({1, "3", "tt0103064", 77}))
    assert shown(catalog, Availability(catalog, hidden)) == [2, 4]
    assert unknown_movies(catalog, hidden.hidden, None) == [77, "tt0103064"]


def test_outside_ids_name_movies_of_a_catalogue_that_has_them() -> None:
    raw = next(surrogates("tt1"))
    movies = [Movie(MovieId(raw), "One", 2000, ()), Movie(MovieId(2), "Two", 2000, ())]
    catalog = build_catalog([movie_record(one) for one in movies], {raw: "tt1"})
    ids = OutsideIds({raw: "tt1"}, FeatureStore(Dictionary()))
    assert shown(catalog, Availability(catalog, Candidates(hidden=frozenset({"tt1"})), ids)) == [2]
    assert unknown_movies(catalog, ["tt1", "2", "tt9"], ids) == ["tt9"]


def test_few_ratings_keep_a_movie_out_of_every_list(catalog: Catalog) -> None:
    available = Availability(catalog, Candidates(min_ratings=5))
    assert shown(catalog, available) == [2]
    assert (available.reasons(0), available.reasons(1)) == (["min_ratings"], [])


def test_a_window_opens_and_closes_by_itself(catalog: Catalog) -> None:
    window = {"movies": [2, 999], "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00+01:00"}
    clock = Clock("2025-12-31T23:59:59")
    available = Availability(catalog, Candidates.model_validate({"windows": [window]}), clock=clock)
    assert shown(catalog, available) == [1, 3, 4]
    assert available.reasons(1) == ["window"]
    clock.set("2026-01-01T00:00:00")
    assert shown(catalog, available) == [1, 2, 3, 4]
    assert available.reasons(1) == []
    clock.set("2026-01-31T23:00:00")
    assert shown(catalog, available) == [1, 3, 4]


def test_a_clock_that_is_set_back_opens_the_window_again(catalog: Catalog) -> None:
    window = {"movies": [2], "until": "2026-02-01T00:00:00Z"}
    clock = Clock("2026-03-01T00:00:00")
    available = Availability(catalog, Candidates.model_validate({"windows": [window]}), clock=clock)
    assert shown(catalog, available) == [1, 3, 4]
    clock.set("2026-01-31T00:00:00")
    assert shown(catalog, available) == [1, 2, 3, 4]


def test_one_open_window_of_several_is_enough(catalog: Catalog) -> None:
    windows = [
        {"movies": [2], "until": "2026-01-01T00:00:00Z"},
        {"movies": [2], "from": "2026-06-01T00:00:00Z"},
    ]
    clock = Clock("2026-03-01T00:00:00")
    available = Availability(catalog, Candidates.model_validate({"windows": windows}), clock=clock)
    assert 2 not in shown(catalog, available)
    clock.set("2026-07-01T00:00:00")
    assert 2 in shown(catalog, available)


def test_regions_are_closed_to_those_who_do_not_say(catalog: Catalog) -> None:
    windows = [{"movies": [2], "regions": ["DE", "US-CA"]}]
    available = Availability(catalog, Candidates.model_validate({"windows": windows}))
    assert 2 in shown(catalog, available, "DE")
    assert 2 in shown(catalog, available, "US-CA")
    assert 2 not in shown(catalog, available)
    assert 2 not in shown(catalog, available, "US")
    assert available.reasons(1, "FR") == ["region"]


def test_a_movie_that_both_kinds_of_window_name_must_have_both_open(catalog: Catalog) -> None:
    windows = [{"genres": ["Horror"], "regions": ["DE"]}, {"movies": [1], "regions": ["DE", "FR"]}]
    available = Availability(catalog, Candidates.model_validate({"windows": windows}))
    assert shown(catalog, available, "DE") == [1, 2, 3, 4]
    assert shown(catalog, available, "FR") == [3, 4]


def test_callers_cannot_make_it_keep_masks(catalog: Catalog) -> None:
    windows = [{"movies": [2], "regions": ["DE"]}]
    available = Availability(catalog, Candidates.model_validate({"windows": windows}))
    masks = {id(available.mask(f"X{number}")) for number in range(50)}
    assert len(masks) == 1


@pytest.mark.parametrize(
    ("condition", "movies"),
    [
        ("", [1, 2, 3, 4]),
        ("year >= 1950 AND NOT has(genres, 'Children')", [2]),
        ("has(genres, 'Horror') OR year = 0 -- a comment", [1, 2, 4]),
        ("rating_count >= 5 AND rating_mean BETWEEN 3.9 AND 4.1", [2]),
        ("movie_id IN (1, 3) AND lower(title) LIKE '%bambi%'", [3]),
        ("rating_count = (SELECT max(rating_count) FROM movies)", [2]),
        ("NULL", []),
        ("'no number'", []),
        ("rating_count / 2", [2]),
    ],
)
def test_a_condition_is_sql_over_the_catalogue(catalog: Catalog, condition: str, movies: list[int]) -> None:
    assert catalog.ids[meets(catalog, condition)].tolist() == movies


@pytest.mark.parametrize(
    "condition",
    [
        "yaer > 1950",
        "year >",
        "1) UNION SELECT name FROM sqlite_master WHERE (1",
        "1); DROP TABLE movies; SELECT (1",
        "(SELECT count(*) FROM sqlite_master) > 0",
        "load_extension('x')",
        "randomblob(1000000000) = 1",
        "date('now') > '2026-01-01'",
        "CURRENT_TIMESTAMP > 1",
        "EXISTS (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n)",
        "has(genres)",
        "0) UNION SELECT (999",
        "0) UNION SELECT ('a'",
        "1) LIMIT (3",
        "0) UNION ALL SELECT (-1",
        "1) UNION ALL SELECT a.place FROM movies a, movies b WHERE (1",
        "1) FROM movies UNION ALL SELECT place, (0",
        "1) FROM movies UNION ALL SELECT 999, (0",
        "1) FROM movies LIMIT 3 /*",
        "1) FROM movies a, movies b /*",
        "1) FROM (SELECT 1 AS place FROM movies) /*",
        "1), (2",
        "1, 2",
        "year\x00",
        "title = '\ud800'",
    ],
)
def test_what_is_no_condition_is_refused_in_words(catalog: Catalog, condition: str) -> None:
    with pytest.raises(InvalidInput, match=r"candidates.where is .* write an SQL condition over movie_id, title"):
        meets(catalog, condition)


def test_a_condition_that_would_never_end_is_ended() -> None:
    catalog = build_catalog([movie_record(Movie(MovieId(movie), f"Movie {movie}", 2000, ())) for movie in range(300)])
    endless = "(SELECT count(*) FROM movies a, movies b, movies c, movies d) > 0"
    with pytest.raises(InvalidInput, match="interrupted"):
        meets(catalog, endless)


def test_masks_are_not_to_be_written_to_by_accident(catalog: Catalog) -> None:
    available = Availability(catalog, Candidates())
    with pytest.raises(ValueError, match="read-only"):
        available.mask()[:] = False
    assert np.all(available.mask())


AGES = [
    {"age": 16, "genres": ["Horror"]},
    {"age": 0, "genres": ["Children"]},
    {"age": 12, "movies": ["1"]},
    {"age": 6, "movies": [1]},
]


def to_people_of(catalog: Catalog, available: Availability, age: int | None) -> list[int]:
    mask: Any = catalog.ids[available.mask(age=age)].tolist()
    return list(mask)


def test_age_ratings_by_id_count_before_those_by_genre_and_the_highest_of_a_kind(catalog: Catalog) -> None:
    available = Availability(catalog, Candidates.model_validate({"age_ratings": AGES}))
    assert to_people_of(catalog, available, None) == [1, 2, 3, 4], "who does not say sees all"
    by_age = {age: to_people_of(catalog, available, age) for age in (0, 11, 12, 15, 16, 17, 18, 99)}
    assert by_age[0] == by_age[11] == [3]
    assert by_age[12] == by_age[15] == [1, 3]
    assert by_age[16] == by_age[17] == [1, 2, 3]
    assert by_age[18] == by_age[99] == [1, 2, 3, 4], "what nobody rated counts as 18"
    assert (available.reasons(1, age=15), available.reasons(1, age=16), available.reasons(1)) == (["age"], [], [])


def test_what_nobody_rated_counts_as_the_rule_says(catalog: Catalog) -> None:
    trusting = Candidates.model_validate({"age_ratings": AGES, "unrated_age": 0})
    assert to_people_of(catalog, Availability(catalog, trusting), 3) == [3, 4]
    assert to_people_of(catalog, Availability(catalog, Candidates()), 17) == [], "nothing is rated at all"


def test_age_and_window_and_region_hold_together(catalog: Catalog) -> None:
    windows = [{"movies": [3], "regions": ["DE"]}]
    available = Availability(catalog, Candidates.model_validate({"age_ratings": AGES, "windows": windows}))
    assert to_people_of(catalog, available, 0) == []
    assert catalog.ids[available.mask("DE", 0)].tolist() == [3]
    assert available.reasons(2, "FR", 0) == ["region"]


def test_movies_of_an_age_rating_are_looked_up_and_its_genres_checked(catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match=r"candidates\.age_ratings\.0 names the genre 'Romance'"):
        check_genres(
            catalog, Rules.model_validate({"candidates": {"age_ratings": [{"age": 6, "genres": ["Romance"]}]}})
        )
