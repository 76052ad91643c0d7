"""Sealing, listing, checking and comparing immutable releases."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from sparrow.errors import NotFound, ReleaseError
from sparrow.stores.releases import (
    FORMAT,
    MANIFEST,
    check_release,
    compare,
    list_releases,
    new_release_id,
    read_manifest,
    release_names,
    releases_folder,
    remove_release,
    seal,
)
from tests.stores.small_releases import fill, manifest, sealed


def rewrite(home: Path, name: str, **changed: object) -> None:
    """Change fields of a sealed manifest, as no one should."""
    path = releases_folder(home) / name / MANIFEST
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | changed))


def test_a_sealed_release_tells_every_file_and_reads_back(tmp_path: Path) -> None:
    folder = sealed(tmp_path, "a")
    found = read_manifest(tmp_path, "a")
    assert set(found.files) == {"features.lmdb", "recmodel/saved_model.pb", "recmodel/variables/variables.index"}
    assert found.files["features.lmdb"]["bytes"] == len("features of a")
    assert replace(found, files={}) == manifest("a")
    assert check_release(tmp_path, "a") == found
    assert folder == releases_folder(tmp_path) / "a"
    assert not (tmp_path / "work" / "a").exists()


def test_releases_are_listed_oldest_first(tmp_path: Path) -> None:
    assert list_releases(tmp_path) == []
    for name in ("20260102-000000-b", "20260101-000000-a", "20260103-000000-c"):
        sealed(tmp_path, name)
    assert [one.release for one in list_releases(tmp_path)] == release_names(tmp_path)
    assert [name[-1] for name in release_names(tmp_path)] == ["a", "b", "c"]


def test_an_id_is_used_once(tmp_path: Path) -> None:
    sealed(tmp_path, "a")
    content = fill(tmp_path / "work" / "again", "other")
    with pytest.raises(ReleaseError, match="a exists already"):
        seal(content, tmp_path, manifest("a"))
    assert content.is_dir()
    assert check_release(tmp_path, "a").fingerprint == "fingerprint of a"


@pytest.mark.parametrize("name", ["features.lmdb", "recmodel/saved_model.pb", "recmodel/variables/variables.index"])
def test_a_changed_file_is_named_even_at_equal_size(tmp_path: Path, name: str) -> None:
    path = sealed(tmp_path, "a") / name
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(ReleaseError, match=f"{re.escape(name)} of release a has changed"):
        check_release(tmp_path, "a")
    check_release(tmp_path, "a", checksums=False)
    path.write_bytes(b"longer than it was before")
    with pytest.raises(ReleaseError, match=re.escape(name)):
        check_release(tmp_path, "a", checksums=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (sealed(tmp_path, "a") / "recmodel" / "saved_model.pb").unlink()
    with pytest.raises(ReleaseError, match=r"a lacks its file recmodel/saved_model\.pb"):
        check_release(tmp_path, "a")


def test_an_unknown_release_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"'x'.*none yet; run `sparrow build`"):
        read_manifest(tmp_path, "x")
    sealed(tmp_path, "a")
    with pytest.raises(NotFound, match=r"'x'.*there are: a"):
        read_manifest(tmp_path, "x")


@pytest.mark.parametrize("more", [{}, {"a_field_of_tomorrow": 1}])
def test_a_newer_format_asks_for_a_newer_sparrow(tmp_path: Path, more: dict[str, int]) -> None:
    sealed(tmp_path, "a")
    rewrite(tmp_path, "a", format=FORMAT + 1, **more)
    with pytest.raises(ReleaseError, match=f"format {FORMAT + 1}, newer than {FORMAT}; update Sparrow"):
        read_manifest(tmp_path, "a")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": "one"}'])
def test_a_broken_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    (sealed(tmp_path, "a") / MANIFEST).write_bytes(content)
    with pytest.raises(ReleaseError, match=r"a/manifest\.json cannot be read"):
        read_manifest(tmp_path, "a")


def test_a_broken_release_stands_in_nobodys_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sealed(tmp_path, "a")
    (sealed(tmp_path, "b") / MANIFEST).write_bytes(b"{")
    assert [one.release for one in list_releases(tmp_path)] == ["a"]
    assert "b/manifest.json cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["a/", "./a", "../releases/a", "", ".", ".."])
def test_a_release_goes_by_its_id_only(tmp_path: Path, name: str) -> None:
    folder = sealed(tmp_path, "a")
    for other in (name, f"{folder}", f"{folder}/"):
        with pytest.raises(NotFound, match=r"there are: a\.$"):
            read_manifest(tmp_path, other)


def test_half_removed_and_half_made_releases_are_never_listed(tmp_path: Path) -> None:
    sealed(tmp_path, "a")
    for hidden in (".b.gone", ".c.tmp"):
        (releases_folder(tmp_path) / hidden).mkdir()
        (releases_folder(tmp_path) / hidden / MANIFEST).write_bytes(
            (releases_folder(tmp_path) / "a" / MANIFEST).read_bytes()
        )
    (releases_folder(tmp_path) / "no-manifest").mkdir()
    assert release_names(tmp_path) == ["a"]
    with pytest.raises(NotFound, match=r"there are: a\.$"):
        read_manifest(tmp_path, "x")


def test_removing_leaves_nothing_even_after_a_removal_that_was_killed(tmp_path: Path) -> None:
    sealed(tmp_path, "a")
    fill(releases_folder(tmp_path) / ".a.gone", "left behind")
    remove_release(tmp_path, "a")
    assert list(releases_folder(tmp_path).iterdir()) == []


def test_comparing_names_what_differs_and_no_file(tmp_path: Path) -> None:
    sealed(tmp_path, "a")
    first = read_manifest(tmp_path, "a")
    assert compare(first, first) == {}
    second = replace(first, counts={"movies": 3, "people": 1}, settings={"item2vec": {"dim": 16}}, files={})
    assert compare(first, second) == {
        "counts.movies": (2, 3), "counts.people": (None, 1), "settings.item2vec.dim": (8, 16),
    }  # fmt: skip


def test_ids_sort_by_age() -> None:
    moments = [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)]
    names = [new_release_id("abcdef1234", now) for now in moments]
    assert names == ["20260102-030405-abcdef", "20261122-000000-abcdef"] == sorted(names)
