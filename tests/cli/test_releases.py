"""Verbs over a real release: list, compare, publish, roll back, evaluate, look."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import read_manifest, releases_folder
from tests.cli.commands import Command
from tests.conftest import Released
from tests.online.test_live import SECOND, add_release


@pytest.fixture
def two(home: Path, released: Released) -> Path:
    """A second release of other counts, not live."""
    folder = add_release(home, released.release, SECOND)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    manifest["counts"]["movies"] += 1
    manifest["settings"]["neural_cf"]["dim"] = 99
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    return home


def test_list(sparrow: Command, two: Path, released: Released) -> None:
    told = sparrow("releases", "--home", two, "--json").json
    assert told["live"] == released.release
    assert [one["release"] for one in told["releases"]] == [released.release, SECOND]
    lines = sparrow("releases", "--home", two).out.splitlines()
    assert [line for line in lines if "live" in line and released.release in line]
    assert [line for line in lines if SECOND in line and "live" not in line]


def test_an_empty_home_says_how_to_begin(sparrow: Command, tmp_path: Path) -> None:
    ended = sparrow("releases", "--home", tmp_path)
    assert (ended.code, "sparrow build" in ended.out) == (0, True)
    assert sparrow("releases", "--home", tmp_path, "--json").json == {"live": None, "releases": []}


def test_home_may_come_from_the_environment(
    sparrow: Command, two: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARROW_HOME", str(two))
    assert sparrow("releases", "--json").json["live"] == released.release


def test_diff_names_what_differs_and_nothing_else(sparrow: Command, two: Path, released: Released) -> None:
    before = sparrow("releases", "--home", two, "diff", released.release, SECOND, "--json").json
    after = sparrow("releases", "diff", released.release, SECOND, "--home", two, "--json").json
    assert before == after
    assert before == {
        "release": {"first": released.release, "second": SECOND},
        "counts.movies": {"first": 43, "second": 44},
        "settings.neural_cf.dim": {"first": 8, "second": 99},
    }
    assert "counts.movies: 43 -> 44" in sparrow("releases", "--home", two, "diff", released.release, SECOND).out
    sparrow("releases", "--home", two, "diff", released.release, "no").check_failed(1, "no release 'no'", SECOND)


def test_publish_and_rollback(sparrow: Command, two: Path, released: Released) -> None:
    assert sparrow("publish", SECOND, "--home", two, "--json").json == {"release": SECOND, "models": {"recmodel": 2}}
    assert read_pointer(two).release == SECOND  # type: ignore[union-attr]
    ended = sparrow("rollback", "--home", two)
    assert ended.out.strip() == f"Release {released.release} is live (recmodel version 3)."
    assert (two / "models" / "recmodel" / "3" / "saved_model.pb").is_file()
    sparrow("publish", "no", "--home", two).check_failed(1, "no release 'no'", SECOND)
    assert read_pointer(two).release == released.release  # type: ignore[union-attr]


def test_a_tampered_release_is_not_published(sparrow: Command, two: Path, released: Released) -> None:
    (releases_folder(two) / SECOND / "recmodel.onnx").write_bytes(b"other")
    sparrow("publish", SECOND, "--home", two).check_failed(1, "recmodel.onnx", "has changed")
    assert read_pointer(two).release == released.release  # type: ignore[union-attr]


def test_evaluate_shows_what_was_measured(sparrow: Command, home: Path, released: Released) -> None:
    told = sparrow("evaluate", "--home", home, "--json").json
    assert told["release"] == released.release
    assert {"next", "seen", "unseen", "liking"} <= set(told["metrics"])
    assert (told["protocol"], sum(told["split"].values())) == ("release", len(released.world.ratings))
    assert {row["group"] for row in told["rows"]} == {"next", "seen", "unseen"}
    for row in told["rows"]:
        assert row["seconds"] > 0 and row["metrics"].keys() == row["interval"].keys()
    assert {"for_you", "collaborative", "popular"} <= {row["recommender"] for row in told["rows"]}
    shown = sparrow("evaluate", released.release, "--home", home).out
    for words in ("next (60)", "unseen (6)", "for_you is", "collaborative", "popular"):
        assert words in shown
    sparrow("evaluate", "no", "--home", home).check_failed(1, "no release 'no'")


def test_evaluate_shows_how_similar_movies_behave(sparrow: Command, home: Path, released: Released) -> None:
    told = sparrow("evaluate", released.release, "--similar", "--home", home, "--json").json["similar"]
    assert sorted(told) == ["fusion", "item2vec"]
    assert told["fusion"]["coverage@10"] > told["item2vec"]["coverage@10"], "every movie has a fusion vector"
    assert all(found["served@10"] > 0.9 for found in told.values())
    table = sparrow("evaluate", "--similar", "--home", home).out
    assert "next movie found" in table and "item2vec" in table


def test_a_release_that_was_not_judged_so_says_what_to_do(
    sparrow: Command, home: Path, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(home, released.release)
    older = replace(manifest, metrics={name: value for name, value in manifest.metrics.items() if name != "similar"})
    monkeypatch.setattr("sparrow.stores.releases.read_manifest", lambda *_: older)
    words = "before similar movies were judged; build it again"
    sparrow("evaluate", released.release, "--similar", "--home", home).check_failed(1, words)


def test_spot_check_shows_neighbours(sparrow: Command, home: Path) -> None:
    [told] = sparrow("spot-check", "square 7", "--size", "5", "--home", home, "--json").json
    assert told["title"] == "Square 7"
    assert len(told["similar"]["item2vec"]) == 5
    assert all(item["movieId"] % 2 == 1 for item in told["similar"]["item2vec"])
    assert "Square 7 - item2vec" in sparrow("spot-check", "square 7", "--home", home).out
    sparrow("spot-check", "square 7", "no such film", "--home", home).check_failed(1, "'no such film'", "fewer words")


def test_spot_check_needs_no_model_server(sparrow: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARROW_ONLINE__RANKER_URL", "http://127.0.0.1:9")
    assert sparrow("spot-check", "square 7", "--home", home).code == 0


def test_a_build_that_is_there_already_is_found(sparrow: Command, home: Path, released: Released) -> None:
    ended = sparrow("build", "--dataset", released.dataset, "--home", home, "--json")
    assert (ended.code, ended.json) == (0, {"release": released.release, "reused": True, "stages": []})
    told = sparrow("build", "--dataset", released.dataset, "--home", home).out
    assert told.strip() == f"Found release {released.release}; make it live with: sparrow publish {released.release}"


def test_one_stage_alone_tells_what_is_next(sparrow: Command, home: Path, released: Released) -> None:
    ended = sparrow("build", "--dataset", released.dataset, "--home", home, "--only", "features")
    assert (ended.code, ended.out) == (0, "")
    assert "reused" in ended.err
    assert "run `sparrow build` for a release" in ended.err
