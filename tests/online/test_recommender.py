"""Lists of the whole request path: what may never appear, sizes, strangers, reasons, the catalogue and its search."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from sparrow.config import Online, Settings
from sparrow.config import Recall as RecallSettings
from sparrow.errors import NotFound
from sparrow.online.answers import Listing
from sparrow.online.later_events import LaterEvents
from sparrow.online.recommender import Recommender
from sparrow.online.shelf import fold
from sparrow.online.wanted import Wanted
from sparrow.schema import MAX_ID
from tests.conftest import BARE, FARTHEST, UNRATED, small_world
from tests.online.memory import ParityNetwork, make_recommender, make_similarity, parity_vectors
from tests.worlds import World

WORLD: World = small_world()
MOVIES = sorted(movie.movie_id for movie in WORLD.movies)
LIKES = {
    user: {rating.movie_id for rating in WORLD.ratings if rating.user_id == user and rating.score >= 3.5}
    for user in range(1, 61)
}
EXCLUDES = st.frozensets(st.sampled_from([*MOVIES, -5, 0, 777_777]), max_size=50)


@pytest.fixture(scope="module")
def board() -> Recommender:
    return make_recommender(WORLD, network=ParityNetwork())


def run(asked: Coroutine[Any, Any, Listing]) -> Listing:
    return asyncio.run(asked)


def for_user(board: Recommender, user: int, size: int = 10, model: str | None = None, **wanted: Any) -> Listing:
    return run(board.for_user(user, Wanted(size, **wanted), model))


def similar(board: Recommender, movie: int, size: int = 10, embedding: str | None = None, **wanted: Any) -> Listing:
    return run(board.similar(movie, Wanted(size, **wanted), embedding))


def ids(listing: Listing) -> list[int]:
    return [item.movie.movie_id for item in listing.items]


def check(listing: Listing, banned: set[int], size: int) -> None:
    """What holds of every list."""
    shown = ids(listing)
    assert len(shown) == len(set(shown)) <= size
    assert not set(shown) & banned
    scores = [item.score for item in listing.items]
    assert scores == sorted(scores, reverse=True)


@given(
    user=st.integers(1, 70),
    size=st.integers(1, 60),
    exclude=EXCLUDES,
    model=st.sampled_from([None, "neural_cf", "history", "popularity"]),
)
def test_nothing_seen_or_excluded_is_ever_recommended(
    board: Recommender, user: int, size: int, exclude: frozenset[int], model: str | None
) -> None:
    listing = for_user(board, user, size, exclude=exclude, model=model)
    check(listing, WORLD.rated_by(user) | exclude, size)


@given(movie=st.sampled_from(MOVIES), size=st.integers(1, 60), exclude=EXCLUDES)
def test_neither_the_movie_itself_nor_anything_excluded_is_similar(
    board: Recommender, movie: int, size: int, exclude: frozenset[int]
) -> None:
    check(similar(board, movie, size, exclude=exclude), exclude | {movie}, size)


@given(
    history=st.lists(
        st.tuples(st.sampled_from([*MOVIES, 777_777]), st.sampled_from([None, 0.5, 3.5, 5.0])), max_size=45
    ),
    size=st.integers(1, 60),
    exclude=EXCLUDES,
)
def test_a_guests_own_movies_never_come_back(
    board: Recommender, history: list[tuple[int, float | None]], size: int, exclude: frozenset[int]
) -> None:
    listing = run(board.for_history(history, Wanted(size, exclude)))
    check(listing, {movie for movie, _ in history} | exclude, size)
    assert listing.degraded == ()


@effort(max_examples=25)
@given(hidden=st.frozensets(st.sampled_from(MOVIES), max_size=40), user=st.integers(1, 62))
def test_hidden_movies_are_in_no_list_no_page_and_no_search(hidden: frozenset[int], user: int) -> None:
    settings = Settings.model_validate({"candidates": {"hidden": sorted(hidden)}})
    board = make_recommender(WORLD, settings, ParityNetwork())
    lists = [for_user(board, user, 60), similar(board, 1, 60), similar(board, BARE, 60)]
    shown = {movie for listing in lists for movie in ids(listing)}
    page, total = board.movies(None, "popularity", 100, 0)
    found = board.search("square", 100)
    assert not hidden & (shown | {movie.movie_id for movie in [*page, *found]})
    assert total == len(MOVIES) - len(hidden)


@pytest.mark.parametrize("size", [1, 7, 43, 10**9])
def test_a_list_is_as_long_as_asked_and_as_there_are_movies(board: Recommender, size: int) -> None:
    unseen = len(MOVIES) - len(WORLD.rated_by(1))
    recallable = unseen - 2  # nobody rated the bare movie and the comedy, and no route leads from horror to them
    assert len(for_user(board, 1, size).items) == min(size, recallable)
    assert len(similar(board, 1, size).items) == min(size, len(MOVIES) - 3)


def test_whoever_has_seen_everything_gets_an_empty_list(board: Recommender) -> None:
    for model in board.models:
        listing = for_user(board, 1, exclude=frozenset(MOVIES), model=model)
        assert (listing.items, listing.degraded) == ((), ())


@pytest.mark.parametrize("user", [999, 0, -3, MAX_ID])
def test_a_stranger_gets_the_popular_list(board: Recommender, user: int) -> None:
    listing = for_user(board, user, 10, model="neural_cf")
    assert (listing.pipeline, len(listing.items), listing.degraded) == ("for_you:popularity", 10, ())


def test_a_strangers_first_like_changes_the_next_list() -> None:
    events = {999: LaterEvents(ratings=[(4, 5.0)], rated_at={4: 1_700_000_000})}
    board = make_recommender(WORLD, network=ParityNetwork(), later=lambda user: events.get(user, LaterEvents()))
    listing = for_user(board, 999)
    assert listing.pipeline == "for_you:history"
    assert 4 not in ids(listing)
    assert all(movie % 2 == 0 for movie in ids(listing))


def test_a_guest_whose_likes_have_no_vector_is_no_failure(board: Recommender) -> None:
    listing = run(board.for_history([(UNRATED, 5.0)], Wanted(10)))
    assert (listing.pipeline, listing.degraded, len(listing.items)) == ("for_you:popularity", (), 10)


@pytest.mark.parametrize("movie", [UNRATED, BARE, FARTHEST])
def test_a_movie_without_a_vector_gets_neighbours_by_content(board: Recommender, movie: int) -> None:
    listing = similar(board, movie)
    assert (listing.pipeline, len(listing.items)) == ("similar:content", 10)
    own = set(board.movie(movie).genres)
    if own:
        assert all(own & set(item.movie.genres) for item in listing.items)


def test_without_any_embedding_content_and_popularity_answer() -> None:
    board = make_recommender(WORLD, with_vectors=False)
    assert (similar(board, 1).pipeline, for_user(board, 1).pipeline) == ("similar:content", "for_you:popularity")
    assert board.models == ("history", "popularity")


@pytest.mark.parametrize(
    ("alias", "pipeline"), [("nerualcf", "neural_cf"), ("neuralcf", "neural_cf"), ("emb", "history")]
)
def test_the_originals_model_names(board: Recommender, alias: str, pipeline: str) -> None:
    assert for_user(board, 1, model=alias).pipeline == f"for_you:{pipeline}"
    assert similar(board, 1, embedding="emb").pipeline == "similar:item2vec"


def test_unknown_names_are_told_with_those_there_are(board: Recommender) -> None:
    with pytest.raises(NotFound, match=r"no model 'din'; it has: blend, neural_cf, history, popularity"):
        for_user(board, 1, model="din")
    with pytest.raises(NotFound, match=r"no embedding 'deepwalk'; it has: item2vec"):
        similar(board, 1, embedding="deepwalk")
    with pytest.raises(NotFound, match="no movie 777777"):
        similar(board, 777_777)


@given(user=st.integers(1, 60))
def test_reasons_are_true(board: Recommender, user: int) -> None:
    listing = for_user(board, user, 30)
    kinds = {reason.kind for item in listing.items for reason in item.reasons}
    assert "because_liked" in kinds
    liked_genres = {genre for movie in LIKES[user] for genre in board.movie(movie).genres}
    for item in listing.items:
        assert 1 <= len(item.reasons) <= 2
        for reason in item.reasons:
            if reason.kind == "because_liked":
                assert reason.movie_id in LIKES[user]
                assert reason.title == board.movie(reason.movie_id).title
            if reason.kind == "shared_genres":
                assert reason.genres
                assert set(reason.genres) <= set(item.movie.genres) & liked_genres


@given(movie=st.sampled_from(MOVIES))
def test_reasons_of_similar_movies_are_true(board: Recommender, movie: int) -> None:
    for item in similar(board, movie, 30).items:
        for reason in item.reasons:
            assert reason.kind != "because_liked", "nobody told us what they like"
            if reason.kind in ("similar", "similar_content"):
                assert (reason.movie_id, reason.title) == (movie, board.movie(movie).title)
            if reason.kind == "shared_genres":
                assert set(reason.genres) == set(item.movie.genres) & set(board.movie(movie).genres) != set()


def test_the_trace_tells_the_list(board: Recommender) -> None:
    plain, listing = for_user(board, 1, 20), for_user(board, 1, 20, explain=True)
    assert ids(plain) == ids(listing)
    assert all(item.trace is None for item in plain.items)
    assert set(listing.timings) == {"recall", "ranking", "reranking"}
    for position, item in enumerate(listing.items):
        assert item.trace is not None
        assert item.trace["position"] == position + 1
        assert item.trace["ranker"] == listing.pipeline.partition(":")[2]
        assert item.trace["score"] == item.score
        assert item.trace["routes"], "somebody brought it"
    ranks = [item.trace["ranked"] for item in listing.items if item.trace]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1


def test_every_list_has_its_own_id(board: Recommender) -> None:
    assert for_user(board, 1).recommendation_id != for_user(board, 1).recommendation_id


def test_a_person_with_later_ratings() -> None:
    later = LaterEvents(ratings=[(2, 0.5)], rated_at={2: 2_000_000_000})
    board = make_recommender(WORLD, later=lambda user: later if user in (1, 900) else LaterEvents())
    facts, plain = board.user(1), make_recommender(WORLD).user(1)
    scores = [rating.score for rating in facts.ratings]
    assert (facts.ratings[0].movie_id, facts.ratings[0].timestamp) == (2, 2_000_000_000)
    assert facts.rating_count == len(scores) == plain.rating_count + (2 not in WORLD.rated_by(1))
    assert (facts.rating_mean, facts.rating_lowest) == (pytest.approx(sum(scores) / len(scores)), 0.5)
    assert facts.favourite_genres == (("Horror", 12),)
    assert [one.timestamp for one in plain.ratings] == sorted((one.timestamp for one in plain.ratings), reverse=True)
    assert board.user(900).rating_count == 1


def test_somebody_who_only_watched_is_known_and_nobody_else() -> None:
    board = make_recommender(WORLD, later=lambda user: LaterEvents(seen=frozenset({4}) if user == 900 else frozenset()))
    assert board.user(900).rating_count == 0
    with pytest.raises(NotFound, match="no person 901"):
        board.user(901)


def test_people_are_listed_by_id(board: Recommender) -> None:
    assert board.user_ids(3) == [1, 2, 3]
    assert len(board.user_ids(10_000)) == 66


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amelie", [UNRATED]),
        ("AMÉLIE destin", [UNRATED]),
        ("le: (fabuleux)", [UNRATED]),
        ("destin amelie", [UNRATED]),
        ("oceans", [FARTHEST]),
        ("Ocean’s", [FARTHEST]),
        ("far end", [FARTHEST]),
        ("square 17", [17]),
        ("nothing", [BARE]),
        ("amelei", [UNRATED]),
        ("ameli destn", [UNRATED]),
        ("oceens", [FARTHEST]),
        ("sqaure 17", [17]),
        ("《ＡＭＥＬＩＥ》，destin！", [UNRATED]),
        ("ｓｑｕａｒｅ　１７", [17]),
    ],
)
def test_search_finds_words_whatever_their_dress(board: Recommender, text: str, expected: list[int]) -> None:
    assert [movie.movie_id for movie in board.search(text, 10)] == expected


@pytest.mark.parametrize("text", ["", "   ", "?!…", "zebra", "square zebra", "frr", "oceeens", "sqr"])
def test_search_without_words_or_matches_is_empty(board: Recommender, text: str) -> None:
    assert board.search(text, 10) == []


def test_search_puts_the_very_title_first(board: Recommender) -> None:
    for movie in range(1, 41):
        assert board.search(f"SQUARE: {movie}", 40)[0].movie_id == movie


def test_search_is_cut_to_size_most_rated_first(board: Recommender) -> None:
    found = board.search("square", 5)
    counts = [movie.rating_count for movie in found]
    assert len(found) == 5
    assert counts == sorted(counts, reverse=True)


@given(st.text(max_size=30))
def test_folding_is_stable(text: str) -> None:
    assert all(letter.isalnum() or letter == " " for letter in fold(text))
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(("sort", "key"), [("year", "release_year"), ("popularity", "rating_count")])
def test_the_catalogue_sorts_downwards(board: Recommender, sort: Any, key: str) -> None:
    page, total = board.movies(None, sort, 100, 0)
    values = [getattr(movie, key) for movie in page]
    assert (values, total) == (sorted(values, reverse=True), len(MOVIES))


def test_pages_tile_the_catalogue(board: Recommender) -> None:
    whole, total = board.movies("Comedy", "rating", 100, 0)
    pages = [movie for offset in range(0, total, 4) for movie in board.movies("Comedy", "rating", 4, offset)[0]]
    assert pages == whole
    assert {movie.genres for movie in whole} == {("Comedy",)}
    assert board.movies("Comedy", "rating", 4, total + 10) == ([], total)
    assert board.movies(None, "rating", 10, 0, year=1900) == ([], 0)
    assert {movie.release_year for movie in board.movies(None, "rating", 10, 0, year=1990)[0]} == {1990}


def test_an_unknown_genre_is_told_with_those_there_are(board: Recommender) -> None:
    with pytest.raises(NotFound, match=r"no genre 'Western'; the genres are: Comedy, Horror"):
        board.movies("Western", "rating", 10, 0)


def test_similar_movies_and_histories_may_go_by_different_embeddings() -> None:
    plain = make_recommender(WORLD, with_vectors=False)
    vectors = parity_vectors({rating.movie_id for rating in WORLD.ratings})
    one = make_similarity(plain.store, plain.catalog, vectors)
    moved = dict(zip(vectors, np.random.default_rng(1).permutation(list(vectors.values())), strict=True))
    far = replace(make_similarity(plain.store, plain.catalog, moved), name="far")
    settings = Settings(online=Online(embedding="far"), recall=RecallSettings(embedding=one.name))
    board = replace(plain, similarities={one.name: one, "far": far}, settings=settings)
    assert board.embeddings == ("far", one.name)
    assert similar(board, MOVIES[0]).pipeline == "similar:far"
    same = replace(board, settings=Settings(online=Online(embedding=one.name)))
    assert ids(for_user(board, 3)) == ids(for_user(same, 3))
    other = replace(board, settings=Settings(recall=RecallSettings(embedding="far")))
    assert ids(for_user(other, 3)) != ids(for_user(same, 3))


def test_where_nobody_rated_only_content_is_named_as_the_reason() -> None:
    plain = make_recommender(WORLD, with_vectors=False)
    every = make_similarity(plain.store, plain.catalog, parity_vectors(MOVIES))
    board = replace(plain, similarities={every.name: every})
    listing = similar(board, UNRATED)
    assert listing.pipeline == f"similar:{every.name}"
    kinds = [{reason.kind for reason in item.reasons} for item in listing.items]
    assert all("similar_content" in mine and "similar" not in mine for mine in kinds)
    beside = {reason.kind for item in similar(board, 1, 60).items for reason in item.reasons if item.movie.rating_count}
    assert "similar" in beside and "similar_content" not in beside
