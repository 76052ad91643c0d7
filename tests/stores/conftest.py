"""Every backend of the key-value contract, by name; the contract's tests run once for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparrow.stores.feature_store import KeyValueStore
from sparrow.stores.lmdb_store import LmdbStore

Open = Callable[[], KeyValueStore]
"""Opens the same store again: what one connection wrote, the next must read."""


def _lmdb(folder: Path) -> Open:
    return lambda: LmdbStore(folder / "store.lmdb", writable=True)


BACKENDS: dict[str, Callable[[Path], Open]] = {"lmdb": _lmdb}


@pytest.fixture(params=sorted(BACKENDS))
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def backend(reopen: Open) -> Iterator[KeyValueStore]:
    store = reopen()
    yield store
    store.close()
