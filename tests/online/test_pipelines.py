"""Pipelines as lists in the settings, and what a stage does when its time is up."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sparrow.config import Experiments, ForYou, Pipelines, Settings, load_settings
from sparrow.errors import SettingsError
from sparrow.online.answers import Listing
from sparrow.online.catalog import Rows
from sparrow.online.deep import Arrays
from sparrow.online.pipeline import Deadlines
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from tests.conftest import small_world
from tests.online.memory import ParityNetwork, make_recommender, out_of_order

WORLD = small_world()
STRANGER = 999
PAST = -1.0


def board(people: Mapping[str, Any], network: ParityNetwork | None = None, **sections: Any) -> Recommender:
    pipelines = Pipelines.model_validate({"people": people})
    return make_recommender(WORLD, Settings(pipelines=pipelines, **sections), network or ParityNetwork())


def ask(recommender: Recommender, model: str | None = None, user: int = 1, size: int = 12) -> Listing:
    return asyncio.run(recommender.for_user(user, Wanted(size, explain=True), model))


def rankers(listing: Listing) -> set[str]:
    return {item.trace["ranker"] for item in listing.items if item.trace}


def routes(listing: Listing) -> set[str]:
    return {name for item in listing.items if item.trace for name in item.trace["routes"]}


def movies(listing: Listing) -> list[int]:
    return [item.movie.movie_id for item in listing.items]


def test_a_listed_pipeline_is_made_of_its_routes_and_its_rankers() -> None:
    quick = board({"quick": {"recall": {"popular": 7, "rated": 2}, "rankers": ["history", "neural_cf"]}})
    listing = ask(quick, "quick")
    assert (listing.pipeline, listing.degraded, rankers(listing)) == ("for_you:quick", (), {"history"})
    assert routes(listing) == {"popular", "rated"}
    assert 7 <= len(listing.items) <= 9
    assert ask(quick).pipeline == "for_you:blend", "the others stay as they are"
    assert "quick" in quick.models


def test_what_is_left_out_is_as_everywhere() -> None:
    plain = board({"plain": {"rankers": ["neural_cf"]}})
    assert movies(ask(plain, "plain")) == movies(ask(plain, "neural_cf"))
    assert routes(ask(plain, "plain", size=40)) == routes(ask(plain, "neural_cf", size=40))


def test_the_next_ranker_answers_for_whom_the_first_does_not_know_and_when_it_cannot() -> None:
    people = {"deep": {"rankers": ["neural_cf", "history"]}}
    assert rankers(ask(board(people), "deep")) == {"neural_cf"}
    stranger = ask(board(people), "deep", STRANGER)
    assert (stranger.pipeline, stranger.degraded, rankers(stranger)) == ("for_you:deep", (), {"popularity"})
    fallen = ask(board(people, ParityNetwork(out_of_order)), "deep")
    assert (fallen.degraded, rankers(fallen)) == (("ranker",), {"history"})


def test_rules_follow_in_the_order_and_with_the_weights_of_the_list() -> None:
    capped = {"rankers": ["neural_cf"], "lists": {"genre_caps": {"Comedy": 1, "Drama": 1}, "diversity": 0.5}}
    people = {"varied": capped, "capped": capped | {"rules": ["genre_caps"]}, "bare": capped | {"rules": []}}
    recommender = board(people, for_you=ForYou(freshness=1.0))

    def rules(name: str) -> list[str]:
        return [rule.name for rule in recommender.rankers.pipeline(name).rules]

    assert rules("varied") == ["seen_out", "varied", "genre_caps"]
    assert rules("capped") == ["seen_out", "genre_caps"]
    assert rules("bare") == ["seen_out"]
    assert rules("neural_cf") == ["seen_out", "fresh"]
    flipped = board({"flipped": capped | {"rules": ["genre_caps", "varied"]}})
    assert [rule.name for rule in flipped.rankers.pipeline("flipped").rules][1:] == ["genre_caps", "varied"]


def test_a_listed_pipeline_is_the_default_or_an_arm_where_it_is_named() -> None:
    people = {"quick": {"rankers": ["popularity"]}}
    default = board(people, for_you=ForYou(ranker="quick"))
    assert (default.models[0], ask(default).pipeline) == ("quick", "for_you:quick")
    arms = [{"name": "now", "share": 0.5}, {"name": "fast", "share": 0.5, "ranker": "quick"}]
    tried = board(people, experiments=Experiments.model_validate({"running": {"speed": {"arms": arms}}}))
    tried.check_settings()
    shown = {(one.arm, one.pipeline) for one in (ask(tried, user=user) for user in range(1, 31))}
    assert shown == {("speed:now", "for_you:blend"), ("speed:fast", "for_you:quick")}


@pytest.mark.parametrize(
    ("people", "named"),
    [
        ({"a": {"rankers": ["history"], "recall": {"populr": 5}}}, r"pipelines\.people\.a\.recall .*'populr'.*popular"),
        ({"din": {"rankers": ["history"]}}, r"pipelines\.people\.din has the name of a ranker"),
        ({"history": {"rankers": ["neural_cf"]}}, r"pipelines\.people\.history has the name of a ranker"),
    ],
)
def test_what_there_is_not_is_refused_by_name(people: Mapping[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        board(people)


def test_a_ranker_that_the_release_lacks_is_refused_at_start() -> None:
    for lacking in ("sasrec", "other"):
        recommender = board({"other": {"rankers": ["history"]}, "wrong": {"rankers": ["history", lacking]}})
        with pytest.raises(SettingsError, match=rf"people\.wrong names the ranker '{lacking}'.*has: .*history"):
            recommender.check_settings()


@pytest.mark.parametrize(
    "table",
    [
        "{}",
        "{rankers = []}",
        '{rankers = ["history"], rules = ["seen_out"]}',
        '{rankers = ["history"], recall = {popular = 0}}',
    ],
)
def test_the_settings_refuse_what_is_no_pipeline(table: str) -> None:
    with pytest.raises(SettingsError, match=r"pipelines\.people"):
        load_settings(environ={"SPARROW_PIPELINES__PEOPLE": f"{{ a = {table} }}"})


def hurried(recommender: Recommender, model: str, deadlines: Deadlines) -> Recommender:
    """The same with other deadlines on one pipeline."""
    built = dict(recommender.rankers.pipelines)
    built[f"for_you:{model}"] = replace(built[f"for_you:{model}"], deadlines=deadlines)
    object.__setattr__(recommender, "rankers", replace(recommender.rankers, pipelines=built))
    return recommender


def test_when_time_is_up_recall_asks_only_routes_that_are_ready() -> None:
    listing = ask(hurried(board({}), "blend", Deadlines(recall=PAST)), size=40)
    assert listing.degraded == ("recall",)
    assert routes(listing) == {"rated", "recent", "popular"}
    assert listing.items


class Silent(ParityNetwork):
    """A server that never answers; whoever gives it up is noticed."""

    given_up = 0

    async def predict(self, person: Arrays, rows: Rows) -> NDArray[np.float32]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return await super().predict(person, rows)


def test_a_ranker_that_waits_for_another_server_is_given_up_for_the_next_one() -> None:
    network = Silent()
    listing = ask(hurried(board({}, network), "neural_cf", Deadlines(ranking=0.01)), "neural_cf")
    assert (listing.degraded, rankers(listing), network.given_up) == (("ranker",), {"history"}, 1)


def with_server(network: ParityNetwork) -> Recommender:
    """NeuralCF asked through `network`, and in process where that cannot answer."""
    recommender = board({}, ParityNetwork())
    deep = recommender.deep["neural_cf"]
    far = replace(deep, predictor=network, local=deep.predictor)
    network.movies = recommender.catalog.ids
    return replace(recommender, deep={"neural_cf": far})


@pytest.mark.parametrize("model", ["neural_cf", "blend"])
def test_behind_a_ranker_on_another_server_stands_the_same_one_in_process(model: str) -> None:
    healthy, dead = (
        asyncio.run(with_server(network).for_user(1, Wanted(12), model))
        for network in (ParityNetwork(), ParityNetwork(out_of_order))
    )
    assert (healthy.degraded, dead.degraded) == ((), ("ranker",))
    assert (dead.ranker, movies(dead)) == (model, movies(healthy))
    here = [ranker.name for ranker in board({}).rankers.pipeline(model).rankers]
    assert here.count(model) == 1, "asked in process already, it is not asked twice"


def test_a_ranker_that_computes_here_answers_however_late() -> None:
    listing = ask(hurried(board({}), "neural_cf", Deadlines(ranking=PAST)), "neural_cf")
    assert (listing.degraded, rankers(listing)) == ((), {"neural_cf"})


def test_when_time_is_up_rules_of_taste_are_left_out_and_promises_kept() -> None:
    rules = ForYou(diversity=0.9, genre_caps={"Comedy": 2})
    late = hurried(board({}, for_you=rules), "neural_cf", Deadlines(reranking=PAST))
    listing = ask(late, "neural_cf")
    assert listing.degraded == ("reranking",)
    assert movies(listing) == movies(ask(board({}, for_you=ForYou(genre_caps={"Comedy": 2})), "neural_cf"))
    last = movies(listing)[-1]
    told = asyncio.run(late.for_user(1, Wanted(12, explain_movie=last), "neural_cf")).told
    assert told["position"] == len(listing.items)
    assert "varied" not in {move["rule"] for move in told["moves"]}, "what was left out moved nothing"


def test_deadlines_come_from_the_settings_and_judging_has_none() -> None:
    settings = Settings(pipelines=Pipelines(recall_ms=10, ranking_ms=0, reranking_ms=30))
    made = make_recommender(WORLD, settings, ParityNetwork()).rankers.pipeline("blend").deadlines
    assert made == Deadlines(recall=0.01, reranking=0.03)
    judged = make_recommender(WORLD, settings.unhurried(), ParityNetwork()).rankers.pipeline("blend").deadlines
    assert judged == Deadlines()


def test_a_cancelled_request_is_no_failed_ranker() -> None:
    """Only the deadline means the next ranker; a visitor who leaves means nothing more is done."""

    async def scenario() -> None:
        asking = asyncio.create_task(board({}, Silent()).for_user(1, Wanted(5), "neural_cf"))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(scenario())
