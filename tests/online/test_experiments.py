"""Who is dealt to which arm: stable, by the shares, layers blind to each other; and what an arm does to a list."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sparrow.config import Experiments, Settings, arm_in
from sparrow.errors import InvalidInput, NotFound, SettingsError
from sparrow.online.answers import Listing
from sparrow.online.experiments import OUTSIDE, Assigner, uniform
from sparrow.online.live import LiveRelease
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from tests.conftest import Released
from tests.online.memory import ParityNetwork, make_recommender
from tests.worlds import checkerboard

PEOPLE = range(1, 20_001)


def arms(**shares: float) -> list[dict[str, Any]]:
    return [{"name": name, "share": share} for name, share in shares.items()]


def experiments(override: bool = False, **running: dict[str, Any]) -> Experiments:
    return Experiments.model_validate({"running": running, "override": override})


def dealt(settings: Experiments, name: str) -> np.ndarray:
    """Everybody's arm in one experiment, "" outside."""
    assigner = Assigner(settings)
    return np.array([arm_in(assigner.of(user).label, name) or "" for user in PEOPLE])


def test_the_hash_is_uniform_and_the_same_for_ever() -> None:
    assert uniform("arm", "spring", 1) == 0.7448002031974607
    drawn = [uniform("arm", "spring", user) for user in PEOPLE]
    assert stats.kstest(drawn, "uniform").pvalue > 0.001
    assert len(set(drawn)) == len(PEOPLE)


def test_people_are_dealt_by_the_shares_and_stay() -> None:
    settings = experiments(deep={"arms": arms(a=0.5, b=0.3, c=0.2)})
    found = dealt(settings, "deep")
    counts = [int((found == arm).sum()) for arm in "abc"]
    assert stats.chisquare(counts, np.array([0.5, 0.3, 0.2]) * len(PEOPLE)).pvalue > 0.001
    assert (found == dealt(settings, "deep")).all()


def test_another_salt_deals_anew() -> None:
    one = dealt(experiments(deep={"arms": arms(a=0.5, b=0.5)}), "deep")
    other = dealt(experiments(deep={"arms": arms(a=0.5, b=0.5), "salt": "again"}), "deep")
    assert (one == other).mean() == pytest.approx(0.5, abs=0.02)


def test_a_larger_share_keeps_who_was_there() -> None:
    """Growing the last arm moves people only into it."""
    before = dealt(experiments(deep={"arms": arms(a=0.9, b=0.1)}), "deep")
    after = dealt(experiments(deep={"arms": arms(a=0.5, b=0.5)}), "deep")
    assert (after[before == "b"] == "b").all()


def test_layers_know_nothing_of_each_other() -> None:
    settings = experiments(
        deep={"arms": arms(a=0.5, b=0.5), "layer": "one"}, draw={"arms": arms(off=0.7, on=0.3), "layer": "two"}
    )
    table = np.array(
        [[((dealt(settings, "deep") == a) & (dealt(settings, "draw") == b)).sum() for b in ("off", "on")] for a in "ab"]
    )
    assert table.sum() == len(PEOPLE)
    assert stats.chi2_contingency(table).pvalue > 0.001
    assert Assigner(settings).of(1).label.count(":") == 2


def test_experiments_of_one_layer_share_nobody_and_leave_the_rest_outside() -> None:
    settings = experiments(
        deep={"arms": arms(a=0.5, b=0.5), "traffic": 0.3}, other={"arms": arms(x=0.5, y=0.5), "traffic": 0.5}
    )
    one, other = dealt(settings, "deep"), dealt(settings, "other")
    assert not ((one != "") & (other != "")).any()
    assert (one != "").mean() == pytest.approx(0.3, abs=0.015)
    assert (other != "").mean() == pytest.approx(0.5, abs=0.015)
    inside = other[other != ""]
    assert (inside == "x").mean() == pytest.approx(0.5, abs=0.02), "arms are dealt apart from the layer"


def test_an_experiment_that_ended_takes_nobody() -> None:
    assert Assigner(experiments(deep={"arms": arms(a=0.5, b=0.5), "active": False})).of(1) == OUTSIDE
    assert Assigner(Experiments()).of(1) == OUTSIDE


WORLD = checkerboard()
RUNNING = experiments(
    override=True,
    deep={
        "arms": [
            {"name": "net", "share": 0.5, "ranker": "neural_cf"},
            {"name": "pop", "share": 0.5, "ranker": "popularity"},
        ]
    },
)


@pytest.fixture(scope="module")
def board() -> Recommender:
    return make_recommender(WORLD, Settings(experiments=RUNNING), ParityNetwork())


def for_user(board: Recommender, user: int, **asked: Any) -> Listing:
    return asyncio.run(board.for_user(user, Wanted(10), **asked))


def test_an_arm_chooses_the_ranker_and_the_list_says_so(board: Recommender) -> None:
    pipelines = {"deep:net": "for_you:neural_cf", "deep:pop": "for_you:popularity"}
    found = {user: for_user(board, user) for user in range(1, 31)}
    assert {listing.arm for listing in found.values()} == set(pipelines)
    for user, listing in found.items():
        assert listing.arm == Assigner(RUNNING).of(user).label
        assert listing.pipeline == pipelines[listing.arm]
        assert listing.propensities is None


def test_who_asks_for_a_model_and_who_has_no_id_are_outside(board: Recommender) -> None:
    assert for_user(board, 1, model="history").arm == ""
    assert asyncio.run(board.for_history([(2, 5.0)], Wanted(5))).arm == ""


def test_an_arm_can_be_tried_out_uncounted(board: Recommender) -> None:
    for arm, pipeline in (("deep:net", "for_you:neural_cf"), ("deep:pop", "for_you:popularity")):
        tried = for_user(board, 1, arm=arm)
        assert (tried.pipeline, tried.arm) == (pipeline, "")
    with pytest.raises(NotFound, match=r"'deep:nets'; there are: deep:net, deep:pop"):
        for_user(board, 1, arm="deep:nets")
    closed = make_recommender(WORLD, Settings(experiments=RUNNING.model_copy(update={"override": False})))
    with pytest.raises(InvalidInput, match=r"\[experiments\] override"):
        for_user(closed, 1, arm="deep:net")


def test_equal_arms_show_equal_lists() -> None:
    """A/A: the same pipeline twice, and only the label differs."""
    pair = experiments(same={"arms": arms(a=0.5, b=0.5)})
    board = make_recommender(WORLD, Settings(experiments=pair), ParityNetwork())
    plain = make_recommender(WORLD, Settings(), ParityNetwork())
    seen = set()
    for user in range(1, 15):
        listing = for_user(board, user)
        seen.add(listing.arm)
        assert [item.movie.movie_id for item in listing.items] == [
            item.movie.movie_id for item in for_user(plain, user).items
        ]
    assert seen == {"same:a", "same:b"}


def test_a_ranker_that_the_release_lacks_is_refused_at_start(released: Released, tmp_path: Path) -> None:
    wrong = experiments(deep={"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "ranker": "dinn"}]})
    board = make_recommender(WORLD, Settings(experiments=wrong))
    with pytest.raises(
        SettingsError, match=r"arm 'b' of the experiment 'deep' names the ranker 'dinn'.* has: .*history"
    ):
        board.check_settings()

    async def start() -> tuple[bool, dict[str, Any]]:
        live = LiveRelease(released.home, released.settings.model_copy(update={"experiments": wrong}))
        await live.refresh()
        return live.ready()

    ready, facts = asyncio.run(start())
    assert not ready
    assert "'dinn'" in facts["problem"]
