"""The border between raw ids and dense rows, and what the catalogue computes once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import NotFound
from sparrow.online.catalog import PRIOR_RATINGS, Catalog, build_catalog
from sparrow.schema import MAX_ID, Movie, MovieId, Rating, UserId
from tests.online.memory import movie_record


def movie(movie_id: int, *genres: str, year: int = 1990) -> Movie:
    return Movie(MovieId(movie_id), f"Movie {movie_id}", year, genres)


def stars(*scores: float) -> list[Rating]:
    return [Rating(UserId(user), MovieId(1), score, 100 + user) for user, score in enumerate(scores)]


@pytest.fixture
def catalog() -> Catalog:
    records = [
        movie_record(movie(MAX_ID, "Drama", "War")),
        movie_record(movie(3)),
        movie_record(movie(1, "Comedy", "Drama"), stars(5.0, 5.0, 2.0)),
        movie_record(movie(2, "Comedy"), stars(1.0)),
    ]
    return build_catalog(records)


def test_rows_follow_ascending_ids(catalog: Catalog) -> None:
    assert catalog.ids.tolist() == [1, 2, 3, MAX_ID]
    assert [catalog.facts[row].movie_id for row in range(4)] == [1, 2, 3, MAX_ID]
    assert [catalog.row(int(movie_id)) for movie_id in catalog.ids] == [0, 1, 2, 3]


@pytest.mark.parametrize("unknown", [0, -1, 4, MAX_ID - 1, -(2**63)])
def test_an_unknown_movie_is_named(catalog: Catalog, unknown: int) -> None:
    with pytest.raises(NotFound, match=rf"There is no movie {unknown} in this release"):
        catalog.row(unknown)


def test_an_empty_catalogue_knows_nothing_and_says_so() -> None:
    empty = build_catalog([])
    with pytest.raises(NotFound, match="no movie 1"):
        empty.row(1)
    rows, known = empty.known_rows(np.array([1, 2]))
    assert (len(rows), known.tolist()) == (0, [False, False])


@given(st.lists(st.integers(-(2**63), MAX_ID), max_size=20))
def test_known_rows_are_exactly_the_ids_there_are(asked: list[int]) -> None:
    catalog = build_catalog([movie_record(movie(movie_id)) for movie_id in (1, 7, 30, MAX_ID)])
    mixed = [*asked, 7, MAX_ID]
    rows, known = catalog.known_rows(np.array(mixed, dtype=np.int64))
    assert catalog.ids[rows].tolist() == [one for one in mixed if one in (1, 7, 30, MAX_ID)]
    assert known.tolist() == [one in (1, 7, 30, MAX_ID) for one in mixed]


def test_the_weighted_rating_draws_few_ratings_to_the_mean_of_all(catalog: Catalog) -> None:
    average = (5 + 5 + 2 + 1) / 4
    expected = [
        (12 + PRIOR_RATINGS * average) / (3 + PRIOR_RATINGS),
        (1 + PRIOR_RATINGS * average) / (1 + PRIOR_RATINGS),
    ]
    assert catalog.weighted_rating[:2] == pytest.approx(expected)
    assert catalog.weighted_rating[2:] == pytest.approx([average, average])


def test_without_any_rating_nothing_divides_by_zero() -> None:
    assert build_catalog([movie_record(movie(1))]).weighted_rating.tolist() == [0.0]


def test_genre_overlap_is_jaccard_and_zero_without_genres(catalog: Catalog) -> None:
    assert catalog.genre_overlap(0).tolist() == pytest.approx([1, 1 / 2, 0, 1 / 3])
    assert catalog.genre_overlap(2).tolist() == [0, 0, 0, 0]


def test_facts_carry_the_statistics(catalog: Catalog) -> None:
    facts = catalog.facts[0]
    assert (facts.rating_count, facts.rating_mean) == (3, 4.0)
    assert facts.rating_spread == (0, 0, 0, 1, 0, 0, 0, 0, 0, 2)
    assert [rating.score for rating in facts.top_ratings] == [5.0, 5.0, 2.0]
    assert catalog.facts[2].rating_mean == 0.0


def test_genres_are_named_by_size_then_name(catalog: Catalog) -> None:
    assert catalog.genre_names == ("Comedy", "Drama", "War")
