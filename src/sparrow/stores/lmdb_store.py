"""LMDB as feature store: one file in the release, memory-mapped, shared by all workers, written once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import lmdb

from sparrow.errors import StoreUnavailable

MAP_BYTES: Final = 1 << 40
"""Address space, not disk: the sparse file grows only as far as it is written."""

BATCH: Final = 10_000


class LmdbStore:
    """A `KeyValueStore` in one LMDB file. Readers never block; a sealed file is opened read-only without a lock file."""

    def __init__(self, path: Path, writable: bool = False) -> None:
        """Open `path` (a file). Raises StoreUnavailable when it is missing or not LMDB."""
        self._path = path
        try:
            self._env = lmdb.open(
                str(path), subdir=False, map_size=MAP_BYTES, readonly=not writable, create=writable, lock=writable,
                readahead=False, max_readers=512,
            )  # fmt: skip
        except lmdb.Error as error:
            raise StoreUnavailable(
                f"The feature store {path} cannot be opened ({error}); publish a whole release."
            ) from None

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        try:
            with self._env.begin() as reading:
                return [reading.get(key.encode()) for key in keys]
        except lmdb.Error as error:
            raise StoreUnavailable(f"The feature store {self._path} cannot be read ({error}).") from None

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        start = prefix.encode()
        with self._env.begin() as reading, reading.cursor() as cursor:
            if not cursor.set_range(start):
                return
            for key, value in cursor:
                if not key.startswith(start):
                    return
                yield key.decode(), value

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> int:
        written, source = 0, iter(items)
        while batch := [(key.encode(), value) for key, value in islice(source, BATCH)]:
            with self._env.begin(write=True) as writing, writing.cursor() as cursor:
                cursor.putmulti(batch)
            written += len(batch)
        return written

    def close(self) -> None:
        self._env.close()


def seal(path: Path) -> None:
    """Shrink a finished store to the pages it uses and drop its lock file, so that it can be copied and never changes."""
    compact = path.with_suffix(".compact")
    env = lmdb.open(str(path), subdir=False, map_size=MAP_BYTES, readonly=True, lock=False)
    with compact.open("wb") as out:
        env.copyfd(out.fileno(), compact=True)
    env.close()
    compact.replace(path)
    path.with_name(path.name + "-lock").unlink(missing_ok=True)
