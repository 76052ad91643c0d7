"""Retraining by command: from an earlier release, with a search for settings; and the card beside what comes out."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from tests.cli.commands import Command
from tests.conftest import Released

pytestmark = pytest.mark.slow


def card(home: Path, release: str, served: str = "recmodel") -> dict:
    return orjson.loads((home / "releases" / release / served / "assets.extra" / "card.json").read_bytes())


def test_the_card_tells_data_settings_and_figures(released: Released) -> None:
    told = card(released.home, released.release)
    assert (told["model"], told["served_as"], told["release"]) == ("neural_cf", "recmodel", released.release)
    assert told["settings"]["dim"] == 8
    assert told["data"]["name"] == str(released.dataset)
    assert told["inputs"]["movieId"]["kind"] == "ids"
    assert told["metrics"]["ranking"]["next"]["metrics"]["ndcg@10"] > 0
    assert 0 <= told["metrics"]["liking"]["next"]["metrics"]["auc"] <= 1
    assert told["tuning"] == []
    assert told["trained"]["started_from"] == ""
    placed = released.home / "models" / "recmodel" / "1" / "assets.extra" / "card.json"
    assert placed.is_file(), "the card goes along to the model server's folder"


def test_a_release_starts_from_the_live_one_with_searched_settings(
    sparrow: Command, home: Path, released: Released
) -> None:
    words = ("build", "--dataset", released.dataset, "--home", home, "--warm-start", "live", "--tune", "2", "--json")
    made = sparrow(*words).json
    assert made["reused"] is False
    told = card(home, made["release"])
    assert Path(told["trained"]["started_from"]).name == released.release
    assert len(told["tuning"]) == 2
    assert told["tuning"][0]["settings"]["dim"] == 8
    best = max(told["tuning"], key=lambda trial: trial["merit"])
    assert {name: told["settings"][name] for name in best["settings"]} == best["settings"]
    weights = np.load(home / "releases" / made["release"] / "recmodel.weights.npz")
    assert weights["movieId_vector/embeddings"].shape[1] == 2 * told["settings"]["dim"] + 2


def test_what_cannot_be_started_from_is_refused_before_any_work(
    sparrow: Command, home: Path, released: Released, tmp_path: Path
) -> None:
    start = ("build", "--dataset", released.dataset, "--warm-start")
    sparrow(*start, "live", "--home", tmp_path / "none").check_failed(1, "No release is live", "--warm-start")
    sparrow(*start, "20000101-000000-abcdef", "--home", home).check_failed(1, "There is no release", released.release)
    lacking = ("build", "--dataset", released.dataset, "--profile", "standard", "--warm-start", "live", "--home", home)
    sparrow(*lacking).check_failed(1, "has no din to start from", "recmodel")
