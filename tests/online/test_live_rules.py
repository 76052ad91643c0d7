"""Rules over a whole release: fresher, capped, explained; changed under requests, by another worker, by a store that forgot."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.config import Recall, Rules, Settings
from sparrow.errors import InvalidInput, NotFound, ReleaseError, StoreUnavailable
from sparrow.online.answers import Listing
from sparrow.online.live import LiveRelease
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.online.reranking import Ranked
from sparrow.online.rules import Fresh, GenreCaps
from sparrow.online.wanted import Wanted
from sparrow.stores.publishing import publish
from sparrow.stores.rules import RuleBook, open_rules
from tests.conftest import Released
from tests.online.memory import make_recommender
from tests.online.test_live import SECOND, add_release
from tests.worlds import checkerboard

BOARD = checkerboard()


@pytest.fixture(scope="module")
def board() -> Recommender:
    return make_recommender(BOARD)


def similar(recommender: Recommender, movie: int = 8, size: int = 10, **wanted: Any) -> Listing:
    return asyncio.run(recommender.similar(movie, Wanted(size, **wanted)))


def for_user(recommender: Recommender, user: int = 1, size: int = 40, **wanted: Any) -> Listing:
    return asyncio.run(recommender.for_user(user, Wanted(size, **wanted)))


def movies(listing: Listing) -> list[int]:
    return [item.movie.movie_id for item in listing.items]


def rules(**sections: Any) -> Rules:
    return Rules.model_validate(sections)


def ranked(board: Recommender, *ids: int) -> tuple[Ranked, Request]:
    rows = np.array([board.catalog.row(movie) for movie in ids], np.int32)
    everybody = np.ones(len(board.catalog), np.bool_)
    person: Any = None
    return Ranked(rows, np.linspace(1, 0, len(rows)).astype(np.float32)), Request(None, person, everybody)


def test_newer_movies_gain_what_the_rule_says(board: Recommender) -> None:
    rule = Fresh(board.catalog, 0.5, 10.0)
    # Of 2009, 1999 and 1981: they gain 1/2, 1/4 and 0.07 on scores of 0, 0.5 and 1.
    told = rule.rerank(*ranked(board, 1, 19, 29))
    assert board.catalog.ids[told.rows].tolist() == [1, 19, 29]
    assert told.scores.tolist() == pytest.approx([1 + 0.5 * 2**-2.8, 0.75, 0.5])
    strong = Fresh(board.catalog, 2.0, 10.0)
    assert board.catalog.ids[strong.rerank(*ranked(board, 1, 19, 29)).rows].tolist() == [29, 19, 1]


def test_a_genre_is_capped_and_others_keep_their_places(board: Recommender) -> None:
    capped = GenreCaps(board.catalog, {"Horror": 2, "No Such": 1}).rerank(*ranked(board, 1, 2, 3, 5, 4, 7, 6))
    assert board.catalog.ids[capped.rows].tolist() == [1, 2, 3, 4, 6]


def test_every_list_obeys_and_the_release_before_stays_as_it_was(board: Recommender) -> None:
    before = movies(for_user(board, 2))
    other = board.with_rules(
        rules(
            candidates={"hidden": [before[0]], "windows": [{"movies": [before[1]], "regions": ["DE"]}]},
            for_you={"genre_caps": {"Comedy": 3}},
        )
    )
    after = movies(for_user(other, 2))
    assert not {before[0], before[1]} & set(after)
    assert sum(movie % 2 == 0 for movie in after) == 3
    assert before[1] in movies(for_user(other, 2, region="DE"))
    assert movies(for_user(board, 2)) == before
    assert before[0] not in [movie.movie_id for movie in other.movies(None, "popularity", 100, 0)[0]]
    assert before[1] not in [movie.movie_id for movie in other.search(f"square {before[1]}", 100, "FR")]
    assert dict(other.genres)["Comedy"] == dict(board.genres)["Comedy"] - 2


def test_rules_are_checked_against_the_catalogue(board: Recommender) -> None:
    assert board.check_rules(rules(candidates={"hidden": [8, 7777, "x"]})) == [7777, "x"]
    with pytest.raises(InvalidInput, match=r"similar.genre_caps names the genre 'Comdey'.* Comedy, Horror"):
        board.check_rules(rules(similar={"genre_caps": {"Comdey": 1}}))
    with pytest.raises(InvalidInput, match=r"windows.0 names the genre 'x'"):
        board.check_rules(rules(candidates={"windows": [{"genres": ["x"]}]}))
    with pytest.raises(InvalidInput, match=r"candidates.where is 'yeer > 1'"):
        board.check_rules(rules(candidates={"where": "yeer > 1"}))


def test_every_verdict_on_a_movie(board: Recommender) -> None:
    def verdict(recommender: Recommender, movie: int, **asked: Any) -> tuple[str, list[str]]:
        told = similar(recommender, explain_movie=movie, **asked).told
        return told["verdict"], list(told["because"])

    listed = movies(similar(board))
    told = similar(board, explain_movie=listed[2])
    assert told.asked_about is not None
    assert (told.asked_about.movie_id, told.told["verdict"], told.told["position"]) == (listed[2], "listed", 3)
    assert told.told["routes"]["embedding"]["place"] >= 1
    assert verdict(board, 8) == ("no_candidate", ["itself"])
    assert verdict(board, 10, exclude=frozenset({10})) == ("no_candidate", ["excluded"])
    ruled = board.with_rules(
        rules(
            candidates={"hidden": [10], "windows": [{"movies": [12], "until": "2001-01-01T00:00:00Z"}]},
            similar={"apart": [[14, 8]], "genre_caps": {"Horror": 1}},
        )
    )
    assert verdict(ruled, 10) == ("no_candidate", ["hidden"])
    assert verdict(ruled, 12, region="DE") == ("no_candidate", ["window"])
    assert verdict(ruled, 14) == ("no_candidate", ["apart"])
    assert verdict(ruled, movies(similar(board, size=40))[-1], size=40) == ("removed", ["genre_caps"])
    last = similar(board, size=1, explain_movie=listed[1]).told
    assert (last["verdict"], last["position"], last["ranked"]) == ("too_far_behind", 2, 2)
    seen = next(rating.movie_id for rating in BOARD.ratings if rating.user_id == 1)
    assert for_user(board, 1, explain_movie=seen).told["because"] == ["seen"]
    with pytest.raises(NotFound, match="no movie 7777"):
        similar(board, explain_movie=7777)


def test_what_no_route_brought_is_told() -> None:
    narrow = make_recommender(BOARD, Settings(recall=Recall(quotas={"popular": 1})))
    told = similar(narrow, explain_movie=11).told
    assert (told["verdict"], told["because"]) == ("not_recalled", ["popular"])


def test_nobody_who_does_not_ask_pays(board: Recommender) -> None:
    listing = similar(board)
    assert (listing.asked_about, listing.told) == (None, {})


def put(book: RuleBook, document: Rules) -> None:
    book.put(document.model_dump_json(), book.current().version, "", "")


def test_workers_follow_a_change_that_another_made(released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    book = open_rules(home, "", 1.0)

    async def scenario() -> None:
        live = LiveRelease(home, released.settings, None, open_rules(home, "", 1.0))
        await live.refresh()
        held = live.recommender
        before = await held.similar(8, Wanted(5))
        put(book, rules(candidates={"hidden": [before.items[0].movie.movie_id]}))
        await live.refresh()
        after = await live.recommender.similar(8, Wanted(5))
        assert movies(before)[0] not in movies(after)
        again = await held.similar(8, Wanted(5))
        assert movies(again) == movies(before), "a request keeps the rules it began with"
        assert live.ready()[1]["rules"] == 1
        assert live.recommender.store is held.store, "nothing of the release was loaded again"
        add_release(home, released.release, SECOND)
        publish(home, SECOND, 3)
        await live.refresh()
        swapped = await live.recommender.similar(8, Wanted(5))
        assert (swapped.release, movies(swapped)) == (SECOND, movies(after))
        book.undo(None, "", "")
        await live.refresh()
        back = await live.recommender.similar(8, Wanted(5))
        assert movies(back) == movies(before)
        await live.stop()

    asyncio.run(scenario())


class Forgetful:
    """A rule store that can be emptied, can hold nonsense, and can be away."""

    def __init__(self, book: RuleBook) -> None:
        self.inner, self.away, self.empty, self.nonsense = book, False, False, False

    def newest(self, count: int) -> list[Any]:
        if self.away:
            raise StoreUnavailable("the rules are away")
        found = [] if self.empty else [one for one in self.inner.history(count) if one.version]
        return [replace(one, version=99, document='{"candidates": 7}') for one in found] if self.nonsense else found

    def number(self) -> int:
        return max((one.version for one in self.newest(1)), default=0)

    def find(self, number: int) -> Any:
        raise NotImplementedError

    def add(self, version: Any) -> bool:
        raise NotImplementedError

    def close(self) -> None: ...


def test_whatever_the_store_does_the_rules_of_before_stay(released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    book = open_rules(home, "", 1.0)
    put(book, rules(candidates={"hidden": [8]}))
    store = Forgetful(book)

    async def scenario() -> None:
        live = LiveRelease(home, released.settings, None, RuleBook(store))
        await live.refresh()
        for fault, words in (
            ("away", "the rules are away"),
            ("empty", "has no rules any more"),
            ("nonsense", "candidates"),
        ):
            setattr(store, fault, True)
            await live.refresh()
            ready, facts = live.ready()
            assert (ready, facts["rules"]) == (True, 1)
            assert words in facts["rules_problem"]
            assert 8 not in [movie.movie_id for movie in live.recommender.movies(None, "popularity", 500, 0)[0]]
            setattr(store, fault, False)
            await live.refresh()
            assert "rules_problem" not in live.ready()[1]
        await live.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["away", "nonsense"])
def test_a_worker_that_starts_without_the_rules_waits_for_them(released: Released, tmp_path: Path, fault: str) -> None:
    home = released.fresh(tmp_path / "home")
    book = open_rules(home, "", 1.0)
    put(book, rules(candidates={"hidden": [8]}))
    store = Forgetful(book)
    setattr(store, fault, True)

    async def scenario() -> None:
        live = LiveRelease(home, released.settings, None, RuleBook(store))
        for _ in range(2):
            await live.refresh()
            ready, facts = live.ready()
            assert (ready, facts["release"]) == (False, None)
            with pytest.raises(ReleaseError, match="before the rules can be read"):
                _ = live.recommender
        setattr(store, fault, False)
        await live.refresh()
        ready, facts = live.ready()
        assert (ready, facts["rules"], "problem" in facts) == (True, 1, False)
        assert 8 not in [movie.movie_id for movie in live.recommender.movies(None, "popularity", 500, 0)[0]]
        await live.stop()

    asyncio.run(scenario())


def test_a_store_without_rules_is_no_obstacle(released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    live = LiveRelease(home, released.settings, None, open_rules(home, "", 1.0))

    async def scenario() -> None:
        await live.refresh()
        assert (live.ready()[0], live.ready()[1]["rules"]) == (True, 0)
        await live.stop()

    asyncio.run(scenario())


def test_age_keeps_movies_out_of_every_list_and_is_told(board: Recommender) -> None:
    rated = board.with_rules(rules(candidates={"age_ratings": [{"age": 16, "genres": ["Horror"]}], "unrated_age": 0}))
    grown = movies(for_user(rated, 1, age=16))
    assert grown == movies(for_user(board, 1)) and any(movie % 2 for movie in grown), "odd movies are horror"
    young = for_user(rated, 1, age=15, explain_movie=grown[0] if grown[0] % 2 else 1)
    assert all(movie % 2 == 0 for movie in movies(young) + movies(similar(rated, age=15)))
    assert "age" in young.told["because"]
    assert {item.movie_id % 2 for item in rated.movies(None, "year", 50, 0, age=15)[0]} == {0}
    title = rated.movie(1).title
    found = {item.movie_id % 2 for item in rated.search(title, 50, age=15)}
    assert (found, rated.search(title, 5)[0].movie_id) == ({0}, 1)
