"""A pipeline of a real release, judged from lists that another one drew, against people whose taste is known."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sparrow.build.off_policy import Judged, judge_from_events
from sparrow.build.off_policy_trial import START, KnownTaste, true_value, write_drawn
from sparrow.config import load_settings
from sparrow.errors import DataError, NotFound
from sparrow.evaluation.off_policy import Values
from sparrow.online.live import open_folder
from sparrow.online.recommender import Recommender
from sparrow.stores.live import LiveStore
from sparrow.stores.releases import read_manifest, releases_folder
from sparrow.stores.served import ServedLog
from tests.conftest import Released

PEOPLE = range(1, 61)
SIZE = 8
"""Five times as many are drawn from: everything that these people have not seen, so that any pipeline is covered."""


def opened(released: Released, steepness: str) -> Recommender:
    environ = {"SPARROW_EXPERIMENTS__STEEPNESS": steepness}
    settings = load_settings(released.home / "sparrow.toml", environ=environ)
    manifest = read_manifest(released.home, released.release)
    return open_folder(releases_folder(released.home) / released.release, manifest, settings)


@pytest.fixture
def recommender(released: Released) -> Iterator[Recommender]:
    yield opened(released, "0.7")


def judged(home: Path, recommender: Recommender, model: str | None, places: int = 2, through: int = 0) -> Judged:
    return judge_from_events(home, recommender, through, model, places)


@dataclass(frozen=True)
class OfParity(KnownTaste):
    """Even people like comedies, which are the even movies; odd ones rather horror, and click less."""

    names: tuple[str, ...] = ()

    def weights(self, user_id: int) -> Values:
        even = user_id % 2 == 0
        return np.array([(2.0 if even else 0.0) if (name == "Comedy") == even else -2.0 for name in self.names])


def taste_of(recommender: Recommender) -> KnownTaste:
    return OfParity(recommender.catalog.genres.astype(np.float64), names=recommender.catalog.genre_names)


def test_another_pipeline_is_worth_what_the_truth_says(recommender: Recommender, tmp_path: Path) -> None:
    taste = taste_of(recommender)
    asyncio.run(write_drawn(tmp_path, recommender, taste, PEOPLE, SIZE, times=60, seed=1))
    truths = {
        model: asyncio.run(true_value(recommender, model, taste, PEOPLE, size=SIZE, places=2, times=400, seed=2))
        for model in (None, "popularity")
    }
    same, other = (judged(tmp_path, recommender, model) for model in truths)
    assert (same.lists, same.people, same.left_out) == (3600, 60, 0)
    assert same.effective_lists == pytest.approx(3600), "the very pipeline that drew them: every weight is 1"
    assert same.estimates["ips"].value == pytest.approx(same.live.value)
    assert same.lead[0] == pytest.approx(0.0, abs=3 * same.lead[1])
    assert abs(truths["popularity"] - truths[None]) > 0.02, "two pipelines that earn the same would prove nothing"
    assert other.is_believed
    assert other.covered == pytest.approx(1.0, abs=0.1)
    for found, truth in ((same, truths[None]), (other, truths["popularity"])):
        for name, one in found.estimates.items():
            assert one.value == pytest.approx(truth, abs=4 * one.error), name
    assert abs(other.estimates["doubly_robust"].value - truths["popularity"]) < abs(
        other.live.value - truths["popularity"]
    ), "the live clicks taken for its own are farther off"


def test_intervals_go_by_person(recommender: Recommender, tmp_path: Path) -> None:
    asyncio.run(write_drawn(tmp_path, recommender, taste_of(recommender), PEOPLE, SIZE, times=40, seed=1))
    found = judged(tmp_path, recommender, "popularity")
    alone = found.live.values.std(ddof=1) / np.sqrt(found.lists)
    assert found.live.error > 1.5 * alone, "lists of one person are alike, so they are fewer than they seem"
    told = found.as_json()
    low, high = told["estimates"]["doubly_robust"]["interval"]
    assert low < told["estimates"]["doubly_robust"]["value"] < high
    assert told["believed"] is found.is_believed


def test_without_exploration_there_is_nothing_to_go_by(recommender: Recommender, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nobody explores.*explore = 0.02"):
        judged(tmp_path / "none", recommender, None)
    assert not (tmp_path / "none").exists(), "asking makes no log"
    with closing(ServedLog(tmp_path)):
        pass
    with pytest.raises(NotFound, match="nobody explores"):
        judged(tmp_path, recommender, None)


def test_what_was_never_shown_cannot_be_judged(released: Released, tmp_path: Path) -> None:
    steep = opened(released, "4.0")
    asyncio.run(write_drawn(tmp_path, steep, taste_of(steep), PEOPLE, 3, times=5, seed=1))
    with pytest.raises(DataError, match=r"the rest was never shown, or too seldom.*--places"):
        judged(tmp_path, steep, "popularity")


def test_a_release_that_knows_what_came_of_a_list_is_not_judged_by_it(recommender: Recommender, tmp_path: Path) -> None:
    asyncio.run(write_drawn(tmp_path, recommender, taste_of(recommender), PEOPLE, SIZE, times=3, seed=1))
    with closing(LiveStore(tmp_path)) as live:
        live.append([{"type": "rating", "userId": 1, "movieId": 2, "value": 5.0, "timestamp": START + 99}])
        through = live.last_seq()
    assert judged(tmp_path, recommender, None).left_out == 0
    assert judged(tmp_path, recommender, None, through=through).left_out == 100
    with closing(LiveStore(tmp_path)) as live:
        live.append([{"type": "rating", "userId": 1, "movieId": 2, "value": 5.0, "timestamp": START + 10**6}])
        through = live.last_seq()
    with pytest.raises(DataError, match="older than the newest event"):
        judged(tmp_path, recommender, None, through=through)


def test_a_pipeline_is_asked_as_of_the_second_of_the_list(recommender: Recommender, tmp_path: Path) -> None:
    asyncio.run(write_drawn(tmp_path, recommender, taste_of(recommender), PEOPLE, SIZE, times=5, seed=1))
    before = judged(tmp_path, recommender, None)
    shown = next(iter(_lists(tmp_path))).movies[0]
    with closing(LiveStore(tmp_path)) as live:
        live.append([{"type": "dislike", "userId": 1, "movieId": shown, "timestamp": START + 10**6}])
    assert judged(tmp_path, recommender, None).estimates == before.estimates, "what came later changes nothing"
    with closing(LiveStore(tmp_path)) as live:
        live.append([{"type": "dislike", "userId": 1, "movieId": shown, "timestamp": START - 1}])
    assert judged(tmp_path, recommender, None).estimates != before.estimates, "that movie would not have been shown"


def _lists(home: Path) -> list[object]:
    with closing(ServedLog(home)) as served:
        return list(served.since())
