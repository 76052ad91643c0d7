"""Fatigue: shown n times without a click, a movie stands behind all others; off, nobody reads impressions."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import Rules, Settings
from sparrow.errors import StoreUnavailable
from sparrow.online.answers import Listing
from sparrow.online.fatigue import shown_lately
from sparrow.online.later_events import LaterEvents
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.stores.live import MAX_EXPOSURES, LiveStore
from tests.conftest import small_world
from tests.online.memory import make_recommender

WORLD = small_world()
ANN = 1
NOW = int(time.time())
TWICE = {"for_you": {"fatigue": 2}}


@pytest.fixture
def log(tmp_path: Path) -> Any:
    live = LiveStore(tmp_path)
    yield live
    live.close()


@pytest.fixture
def board(log: LiveStore) -> Recommender:
    quiet = make_recommender(WORLD)
    object.__setattr__(quiet, "shown", lambda user, days: shown_lately(log, user, days))
    return quiet


def tired(board: Recommender, **for_you: Any) -> Recommender:
    return board.with_rules(Rules.model_validate({"for_you": {"fatigue": 2} | for_you}))


def note(log: LiveStore, kind: str, movie: int, shown_in: str | None, **changed: Any) -> None:
    happened = {"type": kind, "userId": ANN, "movieId": movie, "recommendationId": shown_in, "timestamp": NOW}
    log.append([happened | changed])


def for_ann(board: Recommender, size: int = 100, **wanted: Any) -> Listing:
    return asyncio.run(board.for_user(ANN, Wanted(size, **wanted)))


def movies(listing: Listing) -> list[int]:
    return [item.movie.movie_id for item in listing.items]


def test_what_was_shown_twice_stands_behind_all_others_and_nothing_is_lost(board: Recommender, log: LiveStore) -> None:
    first, second, *others = before = movies(for_ann(board))
    for shown_in in ("a", "b"):
        note(log, "impression", first, shown_in)
    note(log, "impression", second, "a")
    assert movies(for_ann(board)) == before, "off unless asked for"
    assert movies(for_ann(tired(board))) == [second, *others, first]


def test_a_click_begins_the_count_anew(board: Recommender, log: LiveStore) -> None:
    first, *others = before = movies(for_ann(board))
    for shown_in in ("a", "b"):
        note(log, "impression", first, shown_in)
    note(log, "click", first, "b")
    note(log, "impression", first, "c")
    assert movies(for_ann(tired(board))) == before
    note(log, "impression", first, "d")
    assert movies(for_ann(tired(board))) == [*others, first]


def test_one_list_counts_once_and_impressions_of_no_list_one_by_one(board: Recommender, log: LiveStore) -> None:
    first, second, *_ = before = movies(for_ann(board))
    for _ in range(3):
        note(log, "impression", first, "a")
    assert movies(for_ann(tired(board))) == before
    for _ in range(2):
        note(log, "impression", second, None)
    assert movies(for_ann(tired(board)))[-1] == second


def test_impressions_of_long_ago_and_of_others_do_not_tire(board: Recommender, log: LiveStore) -> None:
    first, *_ = before = movies(for_ann(board))
    for shown_in in ("a", "b"):
        note(log, "impression", first, shown_in, timestamp=NOW - 3 * 86_400)
        note(log, "impression", first, shown_in, userId=2)
    assert movies(for_ann(tired(board, fatigue_days=2))) == before
    assert movies(for_ann(tired(board, fatigue_days=4)))[-1] == first


def test_only_the_newest_exposures_are_read(log: LiveStore) -> None:
    rows = [("impression", 5, "first")] + [("impression", 6, str(n)) for n in range(MAX_EXPOSURES)]
    log.append(
        [
            {"type": kind, "userId": ANN, "movieId": movie, "recommendationId": shown_in, "timestamp": NOW}
            for kind, movie, shown_in in rows
        ]
    )
    assert dict(shown_lately(log, ANN, 1)) == {6: MAX_EXPOSURES}
    assert log.exposures_of(ANN, NOW + 1) == []


def test_an_explanation_names_it(board: Recommender, log: LiveStore) -> None:
    first, second, *_ = before = movies(for_ann(board))
    for shown_in in ("a", "b"):
        note(log, "impression", first, shown_in)
    listing = for_ann(tired(board), size=5, explain=True, explain_movie=first)
    assert listing.told["verdict"] == "too_far_behind"
    assert listing.told["moves"] == [{"rule": "fatigue", "from": 1, "to": len(before)}]
    assert listing.items[0].movie.movie_id == second
    assert listing.items[0].trace is not None
    assert listing.items[0].trace["moves"] == [{"rule": "fatigue", "from": 2, "to": 1}]


def test_later_rules_mix_those_that_will_be_seen(board: Recommender, log: LiveStore) -> None:
    """The best hundred are varied or calibrated; tired ones must not use up their places, nor be drawn forward by freshness."""
    first, *_ = movies(for_ann(board))
    for shown_in in ("a", "b"):
        note(log, "impression", first, shown_in)
    fresher = movies(for_ann(tired(board, freshness=10.0, freshness_years=100.0)))
    assert fresher[-1] == first
    assert movies(for_ann(tired(board, calibration=0.3), size=5)).count(first) == 0


def test_nobody_reads_impressions_while_it_is_off_and_guests_never_tire(board: Recommender) -> None:
    asked: list[tuple[int, int]] = []
    object.__setattr__(board, "shown", lambda user, days: asked.append((user, days)) or {})
    for_ann(board)
    assert asked == []
    for_ann(tired(board, fatigue_days=9))
    assert asked == [(ANN, 9)]
    asyncio.run(tired(board).for_history([(2, 5.0)], Wanted(5)))
    asyncio.run(tired(board).similar(8, Wanted(5)))
    assert asked == [(ANN, 9)]


def test_a_log_that_cannot_be_read_costs_the_rule_and_says_so(board: Recommender) -> None:
    def broken(user: int, days: int) -> dict[int, int]:
        raise StoreUnavailable("the log is gone")

    object.__setattr__(board, "shown", broken)
    listing = for_ann(tired(board))
    assert listing.degraded == ("store",)
    assert movies(listing) == movies(for_ann(board))


def test_settings_and_the_document_take_it() -> None:
    settings = Settings.model_validate(TWICE)
    assert settings.rules.for_you.fatigue == 2
    assert Settings().with_rules(settings.rules).for_you.fatigue == 2
    assert not LaterEvents(shown={1: 5}), "who only looked on has shown no taste"
