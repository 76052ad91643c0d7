"""The rules of similar movies, each on a catalogue small enough to see through."""

import asyncio

import numpy as np
import pytest

from sparrow.config import Settings, Similar
from sparrow.online.catalog import Catalog, build_catalog
from sparrow.online.people import Person, person_from_history
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked
from sparrow.online.rules import POOL, EnoughRatings, FamilyKind, OfASeries, Varied, earlier_equals, similar_rules
from sparrow.online.similarity import MovieSimilarity
from sparrow.online.wanted import Wanted
from sparrow.schema import Movie, MovieId, Rating, UserId
from tests.online.memory import make_recommender, movie_record
from tests.worlds import checkerboard

TITLES = [
    ("Bambi", ("Animation", "Children")),
    ("Fantasia", ("Animation", "Children")),
    ("Gremlins", ("Comedy", "Horror")),
    ("Coraline", ("Animation", "Children", "Horror")),
    ("Alien", ("Horror", "Sci-Fi")),
    ("Aliens", ("Horror", "Sci-Fi")),
    ("Alien: Resurrection", ("Horror", "Sci-Fi")),
    ("Alien 3", ("Horror", "Sci-Fi")),
]
BAMBI, GREMLINS, CORALINE, ALIEN = 0, 2, 3, 4


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    movies = [Movie(MovieId(10 + n), title, 1990, genres, "", "") for n, (title, genres) in enumerate(TITLES)]
    rated = {n: [Rating(UserId(user), MovieId(10 + n), 4.0, 1) for user in range(n)] for n in range(len(TITLES))}
    return build_catalog([movie_record(movie, rated[n]) for n, movie in enumerate(movies)])


def nobody(catalog: Catalog) -> Person:
    return person_from_history(catalog, ())


def asked(catalog: Catalog, movie: int | None) -> Request:
    return Request(movie, nobody(catalog), np.ones(len(catalog), np.bool_))


def ranked(*rows: int) -> Ranked:
    return Ranked(np.array(rows, np.int32), np.linspace(1, 0.1, len(rows)).astype(np.float32))


def test_a_family_movie_keeps_company_that_suits_it(catalog: Catalog) -> None:
    rule = FamilyKind(catalog, ["Children"], ["Horror"])
    kept = rule.rerank(ranked(CORALINE, 1, GREMLINS), asked(catalog, BAMBI))
    assert kept.rows.tolist() == [1]
    assert kept.scores.tolist() == pytest.approx([0.55])


@pytest.mark.parametrize(
    "movie", [ALIEN, CORALINE, None], ids=["not for the family", "unfit itself", "a person's list"]
)
def test_others_keep_what_they_have(catalog: Catalog, movie: int | None) -> None:
    rule = FamilyKind(catalog, ["Children"], ["Horror"])
    assert rule.rerank(ranked(CORALINE, 1, GREMLINS), asked(catalog, movie)).rows.tolist() == [CORALINE, 1, GREMLINS]


def test_few_ratings_are_left_out(catalog: Catalog) -> None:
    assert EnoughRatings(catalog, 3).rerank(ranked(7, 2, 3), asked(catalog, BAMBI)).rows.tolist() == [7, 3]


def test_of_a_series_only_the_best_are_kept(catalog: Catalog) -> None:
    rule = OfASeries(catalog, 2)
    assert rule.rerank(ranked(7, 1, ALIEN, 6, GREMLINS), asked(catalog, BAMBI)).rows.tolist() == [7, 1, ALIEN, GREMLINS]


def likeness(vectors: np.ndarray) -> MovieSimilarity:
    count = len(vectors)
    return MovieSimilarity(
        "v", "cosine", np.ones(count, np.bool_), vectors.astype(np.float32), np.empty((count, 0), np.int32),
        np.empty((count, 0), np.float32),
    )  # fmt: skip


def test_variety_puts_the_unlike_before_the_second_best(catalog: Catalog) -> None:
    near = likeness(np.array([[1, 0]] * 4 + [[0, 1]] * 4))
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    rows = Ranked(np.array([0, 1, 2, 5, 6], np.int32), scores)
    varied = Varied(near, 0.5).rerank(rows, asked(catalog, ALIEN))
    assert varied.rows.tolist() == [0, 5, 1, 2, 6]
    assert varied.scores.tolist() == scores[[0, 3, 1, 2, 4]].tolist()
    assert Varied(near, 0.01).rerank(rows, asked(catalog, ALIEN)).rows.tolist() == rows.rows.tolist()


def test_variety_loses_nobody_and_leaves_what_lies_beyond_the_pool(catalog: Catalog) -> None:
    vectors = np.random.default_rng(1).normal(size=(POOL + 20, 4))
    rows = Ranked(np.arange(POOL + 20, dtype=np.int32), np.linspace(1, 0, POOL + 20).astype(np.float32))
    varied = Varied(likeness(vectors), 0.7).rerank(rows, asked(catalog, None)).rows.tolist()
    assert sorted(varied) == list(range(POOL + 20))
    assert varied[POOL:] == list(range(POOL, POOL + 20))
    assert varied[:POOL] != list(range(POOL))
    nothing = Ranked(np.empty(0, np.int32), np.empty(0, np.float32))
    assert len(Varied(likeness(vectors), 0.7).rerank(nothing, asked(catalog, None)).rows) == 0


def test_settings_say_which_rules_there_are(catalog: Catalog) -> None:
    near = likeness(np.eye(len(TITLES)))

    def names(settings: Similar) -> list[str]:
        return [rule.name for rule in similar_rules(catalog, near, settings)]

    assert names(Similar()) == ["family_kind"]
    assert names(Similar(family=())) == []
    every = Similar(min_ratings=1, of_a_series=1, diversity=0.3)
    assert names(every) == ["family_kind", "enough_ratings", "of_a_series", "varied"]
    assert "varied" not in [rule.name for rule in similar_rules(catalog, None, every)]


def test_a_release_obeys_them() -> None:
    world = checkerboard()
    movie = world.movies[0].movie_id
    counts = {one.movie_id: sum(rating.movie_id == one.movie_id for rating in world.ratings) for one in world.movies}
    most = max(counts.values())
    board = make_recommender(world, settings=Settings(similar=Similar(min_ratings=most)))
    listing = asyncio.run(board.similar(movie, Wanted(20)))
    assert all(counts[item.movie.movie_id] == most for item in listing.items)
    assert len(listing.items) < len(world.movies) - 1


def test_earlier_equals_counts_from_nought() -> None:
    assert earlier_equals(np.array([], np.int64)).tolist() == []
    assert earlier_equals(np.array([-1, 3, -1, 3, 3])).tolist() == [0, 0, 1, 1, 2]
