"""`{home}/models` as a TensorFlow Serving server reads it."""

import os
from pathlib import Path

import pytest

from sparrow.errors import ReleaseError
from sparrow.stores import model_repository
from tests.stores.small_releases import MODEL, fill


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(tmp_path / "release", "it") / MODEL


def test_a_version_is_placed_whole_by_hard_links(tmp_path: Path, source: Path) -> None:
    models = tmp_path / "models"
    assert model_repository.place(models, MODEL, source) == 1
    target = models / MODEL / "1"
    for name in ("saved_model.pb", "variables/variables.index"):
        assert (target / name).read_bytes() == (source / name).read_bytes()
        assert (target / name).stat().st_ino == (source / name).stat().st_ino
    assert [path.name for path in (models / MODEL).iterdir()] == ["1"]


def test_where_links_are_impossible_files_are_copied(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(origin: str, target: str) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", no_link)
    model_repository.place(tmp_path / "models", MODEL, source)
    placed = tmp_path / "models" / MODEL / "1" / "saved_model.pb"
    assert placed.read_text() == "graph of it"
    assert placed.stat().st_nlink == 1


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseError, match=r"empty holds no saved_model\.pb"):
        model_repository.place(tmp_path / "models", MODEL, tmp_path / "empty")
    assert model_repository.versions(tmp_path / "models", MODEL) == []


def test_what_a_killed_placement_left_is_replaced(tmp_path: Path, source: Path) -> None:
    hidden = tmp_path / "models" / MODEL / ".1.tmp"
    hidden.mkdir(parents=True)
    (hidden / "half").write_text("written")
    assert model_repository.versions(tmp_path / "models", MODEL) == []
    assert model_repository.place(tmp_path / "models", MODEL, source) == 1
    assert not (tmp_path / "models" / MODEL / "1" / "half").exists()


def test_versions_are_numbers_in_numeric_order(tmp_path: Path, source: Path) -> None:
    for name in ("002", "10", "9", "½", "²", "-1", "1.0", "a", ".11.tmp"):
        (tmp_path / "models" / MODEL / name).mkdir(parents=True)
    assert model_repository.versions(tmp_path / "models", MODEL) == [2, 9, 10]
    assert model_repository.place(tmp_path / "models", MODEL, source, above=20) == 21
    assert model_repository.versions(tmp_path / "models", "unknown") == []


def test_pruning_keeps_the_two_newest_and_those_asked_for(tmp_path: Path, source: Path) -> None:
    models = tmp_path / "models"
    for _ in range(5):
        model_repository.place(models, MODEL, source)
    model_repository.prune(models, MODEL, keep={2})
    assert model_repository.versions(models, MODEL) == [2, 4, 5]


def test_versions_that_never_went_live_are_discarded_and_their_numbers_remembered(tmp_path: Path, source: Path) -> None:
    models = tmp_path / "models"
    for _ in range(4):
        model_repository.place(models, MODEL, source)
    assert model_repository.discard_above(models, MODEL, live=0) == 4
    assert model_repository.versions(models, MODEL) == [1, 2, 3, 4], (
        "without a live version there is nothing to protect"
    )
    assert model_repository.discard_above(models, MODEL, live=2) == 4
    assert model_repository.versions(models, MODEL) == [1, 2]


def test_the_config_names_every_model_with_its_path_and_two_versions(tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    model_repository.write_config(models, ["din", MODEL])
    expected = "".join(
        f'  config {{\n    name: "{name}"\n    base_path: "{models / name}"\n    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 2 } }\n  }\n"
        for name in ("din", MODEL)
    )
    assert (models / "models.config").read_text() == f"model_config_list {{\n{expected}}}\n"
    assert [path.name for path in models.iterdir()] == ["models.config"]
