"""`kill -9` at random moments: half a stage is never taken for one, the live release stands, and the end is the same."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sparrow.build.publish import build
from sparrow.config import load_settings
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import check_release, list_releases
from tests.build.kill_loop import FILES
from tests.conftest import Released, Silent


def killed(work: Path, kills: int, seed: int) -> Any:
    command = [sys.executable, "-m", "tests.build.kill_loop", str(work), str(kills), str(seed)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("kills", [10, pytest.param(300, marks=pytest.mark.soak)])
def test_stages_survive_kills_at_random_moments(tmp_path: Path, kills: int) -> None:
    found = killed(tmp_path / "work", kills, seed=random.randrange(10**6))
    assert found["struck"] >= 1, "no kill met a build at work"
    assert found["half"] == []
    assert found["made"] == ["7"] * FILES, "1 + two (1 + one) + three (1 + one + two)"


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_a_build_killed_again_and_again_makes_the_same_release(released: Released, tmp_path: Path, kills: int) -> None:
    """The real command, from nothing; the release beside is the same build, left in peace."""
    home = released.fresh(tmp_path / "home")
    shutil.rmtree(home / "work")
    # Hides a movie that no list holds anyway: another release, the same content.
    with (home / "sparrow.toml").open("a") as file:
        file.write("[candidates]\nhidden = [9003]\n")
    live, chance = read_pointer(home), random.Random()
    command = [
        sys.executable,
        "-m",
        "sparrow.cli.main",
        "build",
        "--dataset",
        str(released.dataset),
        "--home",
        str(home),
    ]
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_for_work(home / "work", process)
            time.sleep(chance.uniform(0, 10))
            process.kill()
        assert read_pointer(home) == live
        check_release(home, released.release)
    settings = load_settings(home / "sparrow.toml", environ={})
    manifest = build(home, str(released.dataset), settings, Silent()).manifest
    [undisturbed, *_] = list_releases(home)
    assert manifest.counts == undisturbed.counts
    assert manifest.files.keys() == undisturbed.files.keys()
    assert manifest.metrics["next"]["people"] == undisturbed.metrics["next"]["people"]
    assert manifest.files["features.lmdb"] == undisturbed.files["features.lmdb"]
    assert manifest.files["recmodel.encoding.json"] == undisturbed.files["recmodel.encoding.json"]
    check_release(home, manifest.release)


def wait_for_work(work: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not work.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "the build did not start"
        time.sleep(0.02)
