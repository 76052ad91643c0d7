"""LMDB as feature store: one file in the release, memory-mapped, shared by all workers, written once."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

import lmdb

from sparrow.errors import StoreUnavailable

MAP_BYTES: Final = 1 << 40
"""Address space, not disk: the sparse file grows only as far as it is written."""

BATCH: Final = 10_000

_OPEN_FILES: Final[WeakValueDictionary[tuple[int, int], Any]] = WeakValueDictionary()
"""Sealed files that this process has open, by device and inode; LMDB refuses to open a file twice, and a rollback comes back
to a release that an unfinished request may still be reading."""

_OPENING: Final = Lock()


class LmdbStore:
    """A `KeyValueStore` in one LMDB file. Readers never block; a sealed file is opened read-only without a lock file."""

    waits = False

    def __init__(self, path: Path, writable: bool = False) -> None:
        """Open `path` (a file). Raises StoreUnavailable when it is missing or not LMDB."""
        self._path = path
        try:
            self._env: Any = _open(path, writable=True) if writable else _open_shared(path)
        except (lmdb.Error, OSError) as error:
            raise StoreUnavailable(
                f"The feature store {path} cannot be opened ({error}); publish a whole release."
            ) from None

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        with self._in_words("read"), self._begin() as reading:
            return [reading.get(key.encode()) for key in keys]

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        start = prefix.encode()
        with self._in_words("read"), self._begin() as reading, reading.cursor() as cursor:
            if not cursor.set_range(start):
                return
            for key, value in cursor:
                if not key.startswith(start):
                    return
                yield key.decode(), value

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key, _ in self.scan(prefix))

    def count(self) -> int:
        """How many keys there are, without reading them."""
        with self._in_words("read"), self._begin():
            return int(self._env.stat()["entries"])

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> int:
        written, source = 0, iter(items)
        while batch := [(key.encode(), value) for key, value in islice(source, BATCH)]:
            with self._in_words("written"), self._begin(write=True) as writing, writing.cursor() as cursor:
                cursor.putmulti(batch)
            written += len(batch)
        return written

    def close(self) -> None:
        # The environment closes with its last user.
        self._env = None

    def _begin(self, write: bool = False) -> Any:
        if self._env is None:
            raise lmdb.Error("it is closed")
        return self._env.begin(write=write)

    @contextmanager
    def _in_words(self, action: str) -> Iterator[None]:
        try:
            yield
        except lmdb.Error as error:
            raise StoreUnavailable(f"The feature store {self._path} cannot be {action} ({error}).") from None


def _open(path: Path, writable: bool) -> Any:
    return lmdb.open(
        str(path), subdir=False, map_size=MAP_BYTES, readonly=not writable, create=writable, lock=writable,
        readahead=False, max_readers=512,
    )  # fmt: skip


def _open_shared(path: Path) -> Any:
    with _OPENING:
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        env = _OPEN_FILES.get(key)
        if env is None:
            env = _OPEN_FILES[key] = _open(path, writable=False)
        return env


def seal(path: Path) -> None:
    """Shrink a finished store to the pages it uses and drop its lock file, so that it can be copied and never changes."""
    compact = path.with_suffix(".compact")
    env = lmdb.open(str(path), subdir=False, map_size=MAP_BYTES, readonly=True, lock=False)
    with compact.open("wb") as out:
        env.copyfd(out.fileno(), compact=True)
    env.close()
    compact.replace(path)
    path.with_name(path.name + "-lock").unlink(missing_ok=True)
