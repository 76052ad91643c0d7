"""Interleaved lists as the request path makes them: both rankings, one list, and who added what."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import Experiments, Settings
from sparrow.errors import SettingsError
from sparrow.online.answers import Listing
from sparrow.online.experiments import Assigner
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.stores.served import ServedList, ServedLog
from tests.online.memory import ParityNetwork, make_recommender
from tests.worlds import checkerboard

WORLD = checkerboard()
ARMS: list[dict[str, Any]] = [
    {"name": "pop", "share": 0.5, "ranker": "popularity"},
    {"name": "net", "share": 0.5, "ranker": "neural_cf"},
]


def rules(**more: Any) -> Experiments:
    return Experiments.model_validate({"running": {"both": {"arms": ARMS, "interleave": True, **more}}})


def board(experiments: Experiments) -> Recommender:
    return make_recommender(WORLD, Settings(experiments=experiments), ParityNetwork())


def asked(recommender: Recommender, user: int, size: int = 6, **wanted: Any) -> Listing:
    return asyncio.run(recommender.for_user(user, Wanted(size, **wanted)))


def ids(listing: Listing) -> list[int]:
    return [int(item.movie.movie_id) for item in listing.items]


def test_a_list_is_drafted_from_both_rankings_and_says_who_added_what() -> None:
    recommender = board(rules())
    alone = [ids(asyncio.run(recommender.for_user(1, Wanted(40), model))) for model in ("popularity", "neural_cf")]
    assert alone[0][:6] != alone[1][:6]
    starts = set()
    for _ in range(30):
        listing = asked(recommender, 1)
        assert listing.arm == "both:interleaved"
        assert listing.pipeline == "for_you:popularity+for_you:neural_cf"
        assert listing.propensities is None
        assert listing.teams is not None
        assert len(listing.teams) == len(set(ids(listing))) == 6
        shown: set[int] = set()
        for movie, team in zip(ids(listing), listing.teams, strict=True):
            assert movie == next(one for one in alone[team] if one not in shown), "each captain's best that is left"
            shown.add(movie)
        for round_ in range(0, 6, 2):
            assert set(listing.teams[round_ : round_ + 2]) == {0, 1}, "each has one pick a round"
        starts.add(listing.teams[0])
        assert not shown & WORLD.rated_by(1)
    assert starts == {0, 1}, "a coin says who is first"


def test_every_movie_is_told_of_by_the_ranking_that_added_it() -> None:
    recommender = board(rules())
    listing = asked(recommender, 2, explain=True)
    assert listing.teams is not None
    rankers = [item.trace["ranker"] if item.trace else "" for item in listing.items]
    assert rankers == [("popularity", "neural_cf")[team] for team in listing.teams]
    assert all(item.reasons for item in listing.items)
    assert [item.trace["position"] for item in listing.items if item.trace] == list(range(1, len(listing.items) + 1))
    assert not any(move["rule"] == "explored" for item in listing.items if item.trace for move in item.trace["moves"])
    assert listing.ranker == "popularity+neural_cf"
    assert sum(listing.routes.values()) >= len(listing.items), "what both sides' routes brought is counted"
    for movie in (2, 30, 40):
        told = asked(recommender, 2, explain_movie=movie)
        place = ids(told).index(movie) + 1 if movie in ids(told) else None
        assert (told.told["verdict"] == "listed") == (place is not None)
        assert place is None or told.told["position"] == place


def test_outside_of_it_are_guests_those_who_name_a_model_and_who_has_no_part() -> None:
    recommender = board(rules(traffic=0.5))
    labels = {user: asked(recommender, user).arm for user in range(1, 61)}
    assert set(labels.values()) == {"", "both:interleaved"}
    assert 15 < sum(label == "" for label in labels.values()) < 45
    user = next(user for user, label in labels.items() if label)
    assert asyncio.run(recommender.for_user(user, Wanted(6), "popularity")).teams is None
    assert asyncio.run(recommender.for_history([(2, 5.0)], Wanted(6))).teams is None


def test_another_layer_s_exploration_leaves_a_drafted_list_alone() -> None:
    both = {"both": {"arms": ARMS, "interleave": True}}
    draw = {"draw": {"layer": "x", "arms": [{"name": name, "share": 0.5, "explore": 1.0} for name in "ab"]}}
    experiments = Experiments.model_validate({"running": both | draw})
    assigned = Assigner(experiments).of(1)
    assert assigned.label in ("draw:a,both:interleaved", "draw:b,both:interleaved")
    assert (assigned.explore, assigned.draft) == (None, ("popularity", "neural_cf"))
    assert asked(board(experiments), 1).propensities is None


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([{"name": name, "share": 0.25} for name in "abcd"], "4 arms"),
        ([{"name": "a", "share": 0.5, "explore": 0.1}, {"name": "b", "share": 0.5}], "has explore"),
        ([{"name": "interleaved", "share": 0.5}, {"name": "b", "share": 0.5}], "called 'interleaved'"),
    ],
)
def test_what_cannot_be_interleaved_is_refused_in_words(arms: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rules(arms=arms)


def test_a_ranker_that_the_release_lacks_is_named() -> None:
    with pytest.raises(SettingsError, match="'net' of the experiment 'both' names the ranker 'din'"):
        board(rules(arms=[ARMS[0], {**ARMS[1], "ranker": "din"}])).check_settings()


def test_teams_are_logged_and_older_homes_get_a_place_for_them(tmp_path: Path) -> None:
    listing = asked(board(rules()), 1)
    with closing(sqlite3.connect(tmp_path / "live.sqlite")) as old, old:
        old.execute(
            "CREATE TABLE served (recommendation_id TEXT PRIMARY KEY, timestamp INTEGER NOT NULL, user_id INTEGER, "
            "release TEXT NOT NULL, pipeline TEXT NOT NULL, arm TEXT NOT NULL, movies TEXT NOT NULL, propensities TEXT)"
        )
        old.execute("INSERT INTO served VALUES ('old', 1, 1, 'r', 'p', '', '[1,2]', NULL)")
    for _ in range(2):
        with closing(ServedLog(tmp_path)) as log:
            one = ServedList("new", 2, 1, "r", listing.pipeline, listing.arm, tuple(ids(listing)), None, listing.teams)
            log.append([one])
            assert [(found.recommendation_id, found.teams) for found in log.since()] == [
                ("old", None),
                ("new", listing.teams),
            ]
