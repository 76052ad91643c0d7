"""Builds of the small release: found again, resumed after a kill, refused while another is at work, live release untouched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from sparrow.build import publish as building
from sparrow.build.lookup import find_release
from sparrow.build.plan import DONE
from sparrow.build.publish import build
from sparrow.config import Settings
from sparrow.errors import BuildError, Busy, DataError, InvalidInput
from sparrow.stores.locks import exclusive
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import check_release, list_releases
from tests.conftest import Released, Silent
from tests.worlds import checkerboard, write_movielens

EARLY = ["data", "features", "samples", "embeddings", "recall"]


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    return released.fresh(tmp_path / "home")


def settings_with(released: Released, section: str, **values: object) -> Settings:
    changed = getattr(released.settings, section).model_copy(update=values)
    return released.settings.model_copy(update={section: changed})


def test_the_same_data_settings_and_code_are_the_same_release(home: Path, released: Released) -> None:
    reporter = Silent()
    built = build(home, str(released.dataset), released.settings, reporter)
    assert built is not None
    assert (built.reused, built.manifest.release, reporter.ran) == (True, released.release, [])
    served_otherwise = settings_with(released, "web", port=7000)
    assert find_release(home, str(released.dataset), served_otherwise) == built.manifest
    assert find_release(home, str(released.dataset), settings_with(released, "neural_cf", dim=4)) is None


def test_a_setting_of_recall_rebuilds_only_what_stands_on_it(home: Path, released: Released) -> None:
    reporter = Silent()
    built = build(home, str(released.dataset), settings_with(released, "recall", recent_likes=2), reporter)
    assert built is not None
    assert (reporter.reused, reporter.ran) == ([*EARLY, "ranking"], ["assemble", "evaluate"])
    assert built.manifest.release != released.release
    assert read_pointer(home).release == released.release, "building publishes nothing"  # type: ignore[union-attr]
    check_release(home, built.manifest.release)


def test_only_stops_after_its_stage_and_force_repeats_it(home: Path, released: Released) -> None:
    first, forced = Silent(), Silent()
    assert build(home, str(released.dataset), released.settings, first, only="recall") is None
    assert (first.reused, first.ran) == (EARLY, [])
    assert build(home, str(released.dataset), released.settings, forced, only="recall", force=True) is None
    assert (forced.reused, forced.ran) == (EARLY[:-1], ["recall"])
    with pytest.raises(InvalidInput, match="no stage 'rank'; the stages are: data, features"):
        build(home, str(released.dataset), released.settings, Silent(), only="rank")


def test_killed_between_assembling_and_sealing_the_next_build_assembles_again(
    home: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings_with(released, "recall", recent_likes=2)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(building, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            build(home, str(released.dataset), changed, Silent())
    assert [one.release for one in list_releases(home)] == [released.release]
    resumed = Silent()
    built = build(home, str(released.dataset), changed, resumed)
    assert built is not None
    assert resumed.ran == ["assemble", "evaluate"]
    check_release(home, built.manifest.release)


def test_another_build_is_refused_by_name(home: Path, released: Released) -> None:
    with exclusive(home, "build"), pytest.raises(Busy, match=rf"Another `sparrow build` \(process {os.getpid()}\)"):
        build(home, str(released.dataset), released.settings, Silent())


def test_a_missing_dataset_is_named(tmp_path: Path, released: Released) -> None:
    with pytest.raises(DataError, match="nowhere"):
        build(tmp_path, str(tmp_path / "nowhere"), released.settings, Silent())
    assert not (tmp_path / "releases").exists()


def test_too_little_data_for_early_stopping_is_told(tmp_path: Path, released: Released) -> None:
    world = checkerboard(users=6, movies=8, liked=2, disliked=1)
    folder = write_movielens(tmp_path / "tiny", world.ratings, world.movies)
    settings = settings_with(released, "item2vec", min_count=1)
    with pytest.raises(BuildError, match="bring people with 10 or more"):
        build(tmp_path / "home", str(folder), settings, Silent())
    assert list_releases(tmp_path / "home") == []


def test_movies_too_rarely_liked_are_told(tmp_path: Path, released: Released) -> None:
    with pytest.raises(BuildError, match=r"No movie is liked 1000 times; lower item2vec\.min_count"):
        build(tmp_path, str(released.dataset), settings_with(released, "item2vec", min_count=1000), Silent())


def test_the_manifest_tells_what_how_and_how_good(released: Released) -> None:
    [manifest] = list_releases(released.home)
    assert manifest.counts == {"movies": 43, "people": 66, "embeddings": 1}
    assert (manifest.dataset["name"], manifest.models, manifest.embeddings) == (
        str(released.dataset),
        ["recmodel"],
        ["item2vec"],
    )
    assert manifest.settings == released.settings.model_dump(mode="json")
    assert {"features.lmdb", "recmodel.onnx", "recmodel.encoding.json", "recmodel/saved_model.pb"} <= set(
        manifest.files
    )


def test_every_group_of_people_is_judged_and_the_checkerboard_is_easy(released: Released) -> None:
    metrics = list_releases(released.home)[0].metrics
    assert {name: metrics[name]["people"] for name in ("next", "seen", "unseen")} == {
        "next": 60,
        "seen": 60,
        "unseen": 6,
    }
    for name in ("next", "seen", "unseen"):
        rows = {row["recommender"]: row["metrics"] for row in metrics[name]["rows"]}
        assert set(rows) >= {"for_you", "history", "popular"}
        assert rows["for_you"]["ndcg@10"] > rows["popular"]["ndcg@10"]
        assert all(0 <= value <= 1 for row in rows.values() for value in row.values())
        low, high = metrics[name]["lead_over_popular"]["interval"]
        assert low <= metrics[name]["lead_over_popular"]["ndcg@10"] <= high
    for name in ("next", "seen", "unseen"):
        assert metrics["liking"][name]["rows"] > 0
    assert metrics["liking"]["seen"]["auc"]["neural_cf"] > 0.9
    assert metrics["liking"]["seen"]["log_loss"]["neural_cf"] < metrics["liking"]["seen"]["log_loss"]["constant"]


@pytest.mark.slow
def test_a_build_killed_midway_resumes_and_the_live_release_is_untouched(home: Path, released: Released) -> None:
    """A real `kill -9` in the middle of training."""
    before = {path: path.read_bytes() for path in (home / "current", home / "publish.log")}
    with (home / "sparrow.toml").open("a") as file:
        file.write("[samples]\nseed = 5\n")
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
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        wait_for(home / "work", ".ranking-*.tmp", process)
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"Another `sparrow build` (process {process.pid}) is at work" in second.stderr
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert {path: path.read_bytes() for path in before} == before
    assert [one.release for one in list_releases(home)] == [released.release]
    check_release(home, released.release)
    finished = {path.parent.name.split("-")[0] for path in (home / "work").glob(f"[a-z]*/{DONE}")}
    assert finished >= {"data", "features", "samples"}
    reporter = Silent()
    again = Settings.model_validate(released.settings.model_dump() | {"samples": {"seed": 5}})
    assert build(home, str(released.dataset), again, reporter, only="recall") is None
    assert (reporter.ran, reporter.reused) == ([], EARLY)


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.stderr.read().decode()[-2000:] if process.stderr else ""
        assert time.monotonic() < deadline, f"{pattern} did not appear"
        time.sleep(0.02)


def test_the_manifest_is_plain_json(released: Released) -> None:
    path = released.home / "releases" / released.release / "manifest.json"
    assert orjson.loads(path.read_bytes())["release"] == released.release
