"""LMDB's own: sealing, reading without a lock file, and files that are no store."""

from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores import lmdb_store
from sparrow.stores.lmdb_store import LmdbStore


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    path = tmp_path / "features.lmdb"
    store = LmdbStore(path, writable=True)
    store.put_many((f"mf:{number}", b"x" * 100) for number in range(2000))
    store.close()
    lmdb_store.seal(path)
    return path


def test_sealing_keeps_everything_in_one_small_file(finished: Path) -> None:
    assert [path.name for path in finished.parent.iterdir()] == ["features.lmdb"]
    assert finished.stat().st_size < 1_000_000
    store = LmdbStore(finished)
    assert sum(1 for _ in store.scan("mf:")) == store.count() == 2000
    assert store.get_many(["mf:1999", "mf:2000"]) == [b"x" * 100, None]
    store.close()


def test_a_sealed_store_refuses_writing_and_reading_changes_no_byte(finished: Path) -> None:
    before = finished.read_bytes()
    store = LmdbStore(finished)
    with pytest.raises(StoreUnavailable, match=r"features\.lmdb cannot be written"):
        store.put_many([("mf:1", b"changed")])
    assert store.get_many(["mf:1"]) == [b"x" * 100]
    store.close()
    assert finished.read_bytes() == before
    assert [path.name for path in finished.parent.iterdir()] == ["features.lmdb"]


def test_a_write_protected_release_can_be_read(finished: Path) -> None:
    finished.chmod(0o444)
    store = LmdbStore(finished)
    assert store.get_many(["mf:0"]) == [b"x" * 100]
    store.close()


@pytest.mark.parametrize("content", [None, b"", b"no store at all" * 1000])
def test_a_file_that_is_no_store_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "features.lmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"features\.lmdb cannot be opened"):
        LmdbStore(path)


def test_two_readers_of_one_file_in_one_process_close_apart(finished: Path) -> None:
    first, second = LmdbStore(finished), LmdbStore(finished)
    scan = first.scan("mf:")
    next(scan)
    first.close()
    assert second.get_many(["mf:1"]) == [b"x" * 100]
    assert sum(1 for _ in scan) == 1999, "a request that began before the close reads to its end"
    second.close()
    with pytest.raises(StoreUnavailable, match="it is closed"):
        second.get_many(["mf:1"])
    third = LmdbStore(finished)
    assert third.get_many(["mf:1999"]) == [b"x" * 100]
    third.close()
