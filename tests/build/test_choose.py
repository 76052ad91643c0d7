"""Which ranker becomes the default: the lead it needs, the weights it learns, and what the release says of it."""

import asyncio
from dataclasses import replace

import numpy as np
import orjson
import pytest

from sparrow.build import choose
from sparrow.build.choose import Case, Scored, choose_ranker, open_judging
from sparrow.evaluation.ranking import Judged
from sparrow.online.ensemble import FILE, Chosen
from sparrow.online.people import person_from_history
from sparrow.online.recommender import Recommender
from sparrow.stores.releases import list_releases, releases_folder
from tests.conftest import Released, small_world
from tests.online.memory import ParityNetwork, make_recommender
from tests.online.test_collaborative import interactions, served

BOARD = small_world()


@pytest.fixture(scope="module")
def board() -> Recommender:
    plain = make_recommender(BOARD, network=ParityNetwork())
    return replace(plain, collaborative=served(plain, interactions(BOARD.ratings)))


def cases(board: Recommender) -> list[Case]:
    """People 1 to 40: all but their last rated movie of the own parity is history, it is the hit."""
    found = []
    for user in range(1, 41):
        own = [(row.movie_id, row.score) for row in BOARD.ratings if row.user_id == user]
        hit = next(movie for movie, stars in reversed(own) if stars > 3)
        history = [pair for pair in own if pair[0] != hit]
        person = replace(person_from_history(board.catalog, history), user_id=user)
        found.append(Case(person, np.array([hit])))
    return found


def test_a_release_says_what_it_chose_and_how_the_others_did(released: Released) -> None:
    folder = releases_folder(released.home) / released.release
    told = orjson.loads((folder / FILE).read_bytes())
    assert told["ranker"] in choose.CANDIDATES
    assert told["judged"]["people"] == 60
    assert {"collaborative", "history", "blend"} <= told["judged"]["rows"].keys()
    assert told["judged"]["why"]
    [manifest] = list_releases(released.home)
    assert manifest.metrics["for_you"] == told
    assert {FILE, "collaborative.npz", "next_item.npz"} <= manifest.files.keys()
    assert {row["route"] for row in told["judged"]["recall"]} == {*told["quotas"], "merged"}


def test_the_first_candidate_stands_unless_another_leads_beyond_doubt_on_both_kinds_of_rows(
    board: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.3, 200)
    leads = {"stop": {"history": noise + 0.01, "blend": noise * 0 + 0.02}, "last": {"blend": noise * 0 + 0.01}}
    few = {"stop": cases(board)[:2], "last": cases(board)[:1]}

    def judged(_: Recommender, models: list[str], asked: list[Case]) -> dict[str, Judged]:
        kind = leads["stop" if asked is few["stop"] else "last"]
        return {model: Judged(model, {choose.METRIC: 0.3 + kind.get(model, noise * 0)}) for model in models}

    monkeypatch.setattr(choose, "judge_models", judged)
    chosen = choose._choose(board, few)
    assert (chosen.ranker, chosen.judged["rows"]["blend"]["last"]["lead"]) == ("blend", 0.01)
    assert chosen.judged["rows"]["history"]["interval"][0] < 0
    leads["last"]["blend"] -= 0.02
    chosen = choose._choose(board, few)
    assert chosen.ranker == "collaborative", "what leads on stop rows alone has seen them"
    assert chosen.judged["why"].startswith("no other leads collaborative")


def test_weights_go_to_who_orders_better() -> None:
    """Of two rankers one knows the answer of half the people, the other that of the other half: both get a weight."""
    chance = np.random.default_rng(1)
    told = []
    for person in range(60):
        movies = np.arange(30)
        right = chance.choice(30, 3, replace=False)
        knowing, blind = chance.normal(0, 1, 30), chance.normal(0, 1, 30)
        knowing[right] += 2.5
        parts = (
            {"collaborative": knowing, "neural_cf": blind}
            if person % 2
            else {"collaborative": blind, "neural_cf": knowing}
        )
        told.append((Scored(movies, {name: scores.astype(np.float32) for name, scores in parts.items()}), right))
    alone = choose._reached(told, {"collaborative": 1.0, "neural_cf": 0.0})
    both = choose._reached(told, {"collaborative": 1.0, "neural_cf": 1.0})
    assert both.mean() > 1.2 * alone.mean()
    assert choose._least_weight({0.0: alone, 1.0: both}) == 1


def test_of_weights_that_cannot_be_told_apart_the_smallest_is_chosen() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 400)
    noise = (noise - noise.mean()) / noise.std() * 20  # a standard error of 1
    flat = np.full(400, 5.0)
    assert choose._least_weight({0.0: flat, 0.5: flat + noise + 0.1, 1.0: flat + noise}) == 0
    assert choose._least_weight({0.0: flat, 0.5: flat + noise + 1, 1.0: flat + 2 * noise + 5}) == 1
    assert choose._least_weight({0.0: flat, 0.5: flat + noise + 5, 1.0: flat + 2 * noise + 5.1}) == 0.5


def test_a_network_that_knows_the_answer_joins_and_one_that_knows_nothing_does_not(board: Recommender) -> None:
    weights = asyncio.run(choose._learn_weights(board, cases(board)))
    assert weights == {} or weights["collaborative"] == 1
    blind = ParityNetwork(lambda scores: np.full_like(scores, 0.5))
    lost = replace(make_recommender(BOARD, network=blind), collaborative=board.collaborative)
    assert asyncio.run(choose._learn_weights(lost, cases(lost))) == {}


def test_without_anything_to_judge_by_the_first_candidate_is_served(
    released: Released, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(choose, "_cases", lambda *_: {"stop": [], "last": []})
    folder = releases_folder(released.home) / released.release
    features = next((released.home / "work").glob("features-*"))
    told = choose_ranker(folder, features, released.settings, [tmp_path])
    assert told == {"ranker": "collaborative", "weights": {}, "quotas": {}, "people": 0}
    assert Chosen.load(tmp_path / FILE).ranker == "collaborative"
    assert open_judging(folder, released.settings).models[0] in choose.CANDIDATES
