"""The search for settings: it starts at those at hand, moves what a model has, and keeps the best."""

from pathlib import Path

import orjson
import pytest

from sparrow.build.tune import searched, tune
from sparrow.config import Din, NeuralCF, Trained

pytestmark = pytest.mark.slow


def test_the_settings_at_hand_are_the_first_trial_and_the_best_one_wins(tmp_path: Path) -> None:
    tried: list[Trained] = []

    def merit(section: Trained) -> float:
        tried.append(section)
        return -abs(section.learning_rate - 2e-3)

    start = NeuralCF(learning_rate=1e-3)
    best = tune(start, 8, merit, tmp_path / "t.json")
    assert tried[0] == start
    assert len(tried) == 8
    assert abs(best.learning_rate - 2e-3) == min(abs(one.learning_rate - 2e-3) for one in tried)
    assert best.hidden == start.hidden  # type: ignore[attr-defined]
    told = orjson.loads((tmp_path / "t.json").read_bytes())
    assert [one["merit"] for one in told] == [-abs(one.learning_rate - 2e-3) for one in tried]
    assert set(told[0]["settings"]) == set(searched(start))


def test_a_search_never_ends_worse_than_it_began(tmp_path: Path) -> None:
    start = Din()
    best = tune(start, 5, lambda section: 1.0 if section == start else 0.5, tmp_path / "t.json")
    assert best == start


def test_it_repeats(tmp_path: Path) -> None:
    def run(name: str) -> bytes:
        tune(Din(), 4, lambda section: section.dropout, tmp_path / name)
        return b"".join(str(one["settings"]).encode() for one in orjson.loads((tmp_path / name).read_bytes()))

    assert run("a") == run("b")


def test_a_rate_that_is_switched_off_stays_so(tmp_path: Path) -> None:
    best = tune(Din(weight_decay=0.0), 4, lambda section: section.dropout, tmp_path / "t.json")
    assert best.weight_decay == 0
    assert best.dropout > Din().dropout
