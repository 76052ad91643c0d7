"""Builds of the small release: found again, resumed after a kill, refused while another is at work, live release untouched."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sparrow.build import limits
from sparrow.build import publish as building
from sparrow.build.lookup import find_release, release_fingerprint
from sparrow.build.plan import DONE
from sparrow.build.publish import build, build_stage
from sparrow.build.run_log import RUN_LOG
from sparrow.build.stages import STAGES
from sparrow.config import Settings
from sparrow.errors import BuildError, Busy, DataError, InvalidInput
from sparrow.stores.locks import exclusive
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import check_release, list_releases
from tests.conftest import Released, Silent
from tests.worlds import checkerboard, write_movielens

EARLY = ["data", "features", "samples", "embeddings", "recall"]
RECALL = ["data", "features", "embeddings", "recall"]
"""What the stage `recall` stands on, and itself."""


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    return released.fresh(tmp_path / "home")


def settings_with(released: Released, section: str, **values: object) -> Settings:
    changed = getattr(released.settings, section).model_copy(update=values)
    return released.settings.model_copy(update={section: changed})


def test_the_same_data_settings_and_code_are_the_same_release(home: Path, released: Released) -> None:
    reporter = Silent()
    built = build(home, str(released.dataset), released.settings, reporter)
    assert (built.reused, built.manifest.release, reporter.ran) == (True, released.release, [])
    served_otherwise = settings_with(released, "web", port=7000)
    assert find_release(home, str(released.dataset), served_otherwise) == built.manifest
    assert find_release(home, str(released.dataset), settings_with(released, "neural_cf", dim=4)) is None


def test_a_setting_of_recall_rebuilds_only_what_stands_on_it(home: Path, released: Released) -> None:
    reporter = Silent()
    built = build(home, str(released.dataset), settings_with(released, "recall", recent_likes=2), reporter)
    assert (reporter.reused, reporter.ran) == ([*EARLY, "ranking"], ["assemble", "evaluate"])
    assert built.manifest.release != released.release
    assert read_pointer(home).release == released.release, "building publishes nothing"  # type: ignore[union-attr]
    check_release(home, built.manifest.release)


def test_only_runs_its_stage_and_what_is_stale_before_it(home: Path, released: Released) -> None:
    fresh, stale = Silent(), Silent()
    reports = build_stage(home, str(released.dataset), released.settings, fresh, "recall")
    assert (fresh.reused, fresh.ran) == (RECALL, [])
    assert [report.stage for report in reports] == RECALL
    build_stage(home, str(released.dataset), settings_with(released, "item2vec", epochs=1), stale, "recall")
    assert (stale.reused, stale.ran) == (["data", "features"], ["embeddings", "recall"])
    with pytest.raises(InvalidInput, match="no stage 'rank'; the stages are: data, features"):
        build_stage(home, str(released.dataset), released.settings, Silent(), "rank")


def test_a_forced_stage_leads_to_a_new_release(home: Path, released: Released) -> None:
    """Its result is in no release yet, though data, settings and code are those of one."""
    forced, after, again = Silent(), Silent(), Silent()
    [*_, report] = build_stage(home, str(released.dataset), released.settings, forced, "recall", force=True)
    assert (forced.reused, forced.ran) == (RECALL[:-1], ["recall"])
    built = build(home, str(released.dataset), released.settings, after)
    assert after.ran == ["assemble", "evaluate"]
    assert built.manifest.release != released.release
    assert log_of(home, built.manifest.release)["stages"][4]["run"] == report.run
    assert build(home, str(released.dataset), released.settings, again).manifest == built.manifest
    assert again.ran == []


def test_a_stage_run_only_because_it_was_used_up_makes_no_release(home: Path, released: Released) -> None:
    """Sealing takes the assembled folder away, so `--only evaluate` assembles again; nothing has changed by that."""
    reporter = Silent()
    build_stage(home, str(released.dataset), released.settings, reporter, "assemble")
    assert reporter.ran == ["assemble"]
    found = build(home, str(released.dataset), released.settings, Silent())
    assert (found.reused, found.manifest.release) == (True, released.release)


def log_of(home: Path, release: str) -> Any:
    return orjson.loads((home / "releases" / release / RUN_LOG).read_bytes())


def test_a_release_carries_the_log_of_its_build(released: Released) -> None:
    [manifest] = list_releases(released.home)
    assert RUN_LOG in manifest.files
    log = log_of(released.home, released.release)
    assert log["engine"]["name"] == "duckdb"
    assert log["machine"]["cores"] >= 1
    assert log["machine"]["memory"] > 10**8
    assert log["machine"]["python"].startswith("3.")
    assert {"numpy", "pyarrow", "duckdb", "keras"} <= log["machine"]["libraries"].keys()
    assert [stage["stage"] for stage in log["stages"]] == [stage.name for stage in STAGES]
    stages = {stage["stage"]: stage for stage in log["stages"]}
    for stage in STAGES:
        told = stages[stage.name]
        assert told["reused"] is False
        assert told["seconds"] > 0
        assert told["bytes"] > 0
        assert told["peak_memory"] > 10**7
        assert told["used"] == {name: stages[name]["run"] for name in stage.needs}
        assert told["settings"].keys() == set(stage.sections)
    assert stages["features"]["rows_in"] == stages["data"]["rows_out"] >= len(released.world.ratings)
    assert stages["samples"]["rows_out"] > len(released.world.ratings)


def test_a_build_that_reuses_tells_so_in_its_log(home: Path, released: Released) -> None:
    before = {stage["stage"]: stage for stage in log_of(home, released.release)["stages"]}
    built = build(home, str(released.dataset), settings_with(released, "recall", recent_likes=3), Silent())
    after = {stage["stage"]: stage for stage in log_of(home, built.manifest.release)["stages"]}
    assert [name for name, stage in after.items() if not stage["reused"]] == ["assemble", "evaluate"]
    assert after["ranking"] == before["ranking"] | {"reused": True}
    assert tuple(after) == tuple(report.stage for report in built.stages)


def test_what_a_build_may_take_does_not_make_it_another(home: Path, released: Released) -> None:
    modest = settings_with(released, "build", memory="1GB")
    assert build(home, str(released.dataset), modest, Silent()).reused


def test_the_engine_is_part_of_what_a_release_is_where_a_stage_depends_on_it(
    home: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = {release_fingerprint("d", released.settings, engine) for engine in ("", "duckdb", "spark")}
    assert len(marks) == 3
    assert build(home, str(released.dataset), released.settings, Silent()).reused
    monkeypatch.setattr(building, "STAGES", [replace(stage, engine_matters=False) for stage in STAGES])
    built = build(home, str(released.dataset), released.settings, Silent())
    assert not built.reused, "the release there was is one of an engine's own"
    assert built.manifest.fingerprint == release_fingerprint(built.manifest.dataset["sha256"], released.settings)
    assert find_release(home, str(released.dataset), released.settings) is not None
    assert build(home, str(released.dataset), released.settings, Silent()).manifest == built.manifest


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(
    tmp_path: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "free_disk", lambda _: 1_000_000)
    with pytest.raises(BuildError, match=rf"needs about .* in {tmp_path}/work, which has .*1,000,000 bytes"):
        build(tmp_path, str(released.dataset), released.settings, Silent())
    assert not (tmp_path / "work").exists()


def test_a_disk_that_fills_while_the_release_is_sealed_costs_only_that(
    home: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings_with(released, "recall", recent_likes=2)

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    live = read_pointer(home)
    with monkeypatch.context() as filling:
        filling.setattr(building, "seal", fill)
        with pytest.raises(BuildError, match=rf"The disk of {home}/work is full: the stage 'assemble'"):
            build(home, str(released.dataset), changed, Silent())
    assert not (home / "work" / ".release").exists(), "its space came back"
    assert read_pointer(home) == live
    check_release(home, released.release)
    resumed = Silent()
    check_release(home, build(home, str(released.dataset), changed, resumed).manifest.release)
    assert resumed.ran == ["assemble", "evaluate"]


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
    assert manifest.counts == {"movies": 43, "people": 66, "embeddings": 2}
    assert manifest.dataset["name"] == str(released.dataset)
    assert (manifest.models, manifest.embeddings) == (["recmodel"], ["fusion", "item2vec"])
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
        assert metrics["liking"][name]["ratings"] > 0
    [seen] = [row for row in metrics["liking"]["seen"]["rows"] if row["model"] == "neural_cf"]
    assert seen["metrics"]["auc"] > 0.9
    assert seen["leads"]["constant"]["log_loss"]["interval"][1] < 0, "below the constant, whoever is drawn"


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
    build_stage(home, str(released.dataset), again, reporter, "recall")
    assert (reporter.ran, reporter.reused) == ([], RECALL)


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.stderr.read().decode()[-2000:] if process.stderr else ""
        assert time.monotonic() < deadline, f"{pattern} did not appear"
        time.sleep(0.02)


def test_the_manifest_is_plain_json(released: Released) -> None:
    path = released.home / "releases" / released.release / "manifest.json"
    assert orjson.loads(path.read_bytes())["release"] == released.release
