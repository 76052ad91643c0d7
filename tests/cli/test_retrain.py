"""Retraining: the loop by command, from an earlier release, with a search for settings; and the card beside what comes out."""

import signal
from pathlib import Path

import numpy as np
import orjson
import pytest

from sparrow.cli.retrain import Stop
from sparrow.stores.locks import exclusive
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


def test_a_round_with_nothing_new_says_so(sparrow: Command, home: Path, released: Released) -> None:
    words = ("retrain", "--dataset", released.dataset, "--home", home)
    [decision] = sparrow(*words, "--json").json
    assert (decision["action"], decision["live"]) == ("unchanged", released.release)
    assert "nothing has changed" in sparrow(*words, "--without", "--watch", "0").out
    told = [orjson.loads(line) for line in (home / "retrain.log").read_bytes().splitlines()]
    assert [one["action"] for one in told] == ["unchanged", "unchanged"]


def test_a_round_that_fails_ends_with_1_and_leaves_what_is_live(
    sparrow: Command, home: Path, released: Released, tmp_path: Path
) -> None:
    before = (home / "current").read_bytes()
    words = ("retrain", "--dataset", tmp_path / "nowhere", "--home", home)
    sparrow(*words).check_failed(1, f"the release {released.release} stays live")
    told = sparrow(*words, "--json")
    assert (told.code, [one["action"] for one in told.json]) == (1, ["failed"])
    assert (home / "current").read_bytes() == before


@pytest.mark.parametrize("span", ["24", "0h", "a day", "-1h"])
def test_a_clock_that_cannot_be_read_is_told(sparrow: Command, span: str) -> None:
    ended = sparrow("retrain", "--every", span)
    assert ended.code == 2
    assert "no length of time; write 24h" in ended.err


def test_one_retrains_a_home_at_a_time(sparrow: Command, home: Path) -> None:
    with exclusive(home, "retrain"):
        sparrow("retrain", "--home", home).check_failed(1, "Another `sparrow retrain`")


def test_ctrl_c_waits_for_the_step_and_ends_a_pause(capfd: pytest.CaptureFixture[str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have had it ignored
    stop = Stop()
    with stop.listening():
        stop.pause(0)
        signal.raise_signal(signal.SIGINT)
        assert "Stopping after this step" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            stop.pause(3600)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
