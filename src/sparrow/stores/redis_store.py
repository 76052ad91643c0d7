"""Redis as feature store: the keys of one release under `sparrow:{release}:`.

Redis has no ranges, and `SCAN … MATCH` walks every key of a database that other releases and programs share. So a write first
notes its keys in sets, `sparrow:{release}:keys:{bucket}:{group}`: the group is the key up to its last colon ("emb:item2vec:"),
the member what follows, the bucket a hash of both. A set may be told a member twice, so a Spark task can be repeated; with
`BUCKETS` of them none grows large, Redis packs small ones of plain numbers (8 bytes an id at most), and in a Cluster they
spread as the records do. A key is noted before it is written: nothing a killed writer leaves is lost sight of.

    sparrow:current                 the live pointer, JSON (`redis_releases`)
    sparrow:releases                sorted set: every release that has keys, by the seconds UTC of its last write
    sparrow:{release}:groups        set of the groups above
    sparrow:{release}:meta          written last: a release without it is not whole
"""

import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sparrow.errors import StoreUnavailable
from sparrow.stores.feature_store import META_KEY
from sparrow.stores.redis_connection import RedisConnection

Item = TypeVar("Item")

RELEASES: Final = "sparrow:releases"

BUCKETS: Final = 256
"""Sets per group. Redis packs sets of up to 512 plain numbers: 130,000 rows of a kind before an id costs more than 8 bytes."""

SETS_AT_ONCE: Final = 32

BATCH: Final = 1000
"""Keys in a pipeline, an MSET or an MGET at most."""

BATCH_BYTES: Final = 4 << 20
"""Bytes of values in an MSET, about: one value more may be in it."""


class RedisStore:
    """A `KeyValueStore` of one release in a shared Redis; `close` leaves the connection to its owner."""

    waits = True

    def __init__(self, connection: RedisConnection, release: str, sealed: bool = False) -> None:
        """Nothing is sent yet.

        Args:
            connection: to a Redis, shared with others.
            release: whose keys are read and written.
            sealed: the release is published. It is not written any more; and while its `meta` is missing (Redis was emptied,
                the release deleted) nothing is read, since a person who was lost must not pass for one who never was.
        """
        self._connection, self.release, self._sealed = connection, release, sealed
        self._closed = False

    def key(self, name: str) -> str:
        """The full name in Redis."""
        return f"sparrow:{self.release}:{name}"

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if not (keys and self._sealed):
            return self._values(keys)
        meta, *values = self._values([META_KEY, *keys])
        if meta is None:
            raise StoreUnavailable(f"{self._connection} no longer holds the release {self.release}; publish it again.")
        return values

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        for names in self.names(prefix):
            for name, value in zip(names, self._values(names), strict=True):
                if value is None:
                    raise StoreUnavailable(
                        f"{self._connection} has lost {self.key(name)}; set its maxmemory-policy to noeviction and "
                        "publish the release again."
                    )
                yield name, value

    def keys(self, prefix: str) -> Iterator[str]:
        return (name for names in self.names(prefix) for name in names)

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> int:
        self._check_open()
        if self._sealed:
            raise StoreUnavailable(f"The release {self.release} in {self._connection} is published and never changes.")
        written = 0
        for batch in _bounded(items):
            self._note([name for name, _ in batch])
            with self._connection.client() as client:
                # In a Cluster one MSET per slot; there is no need for all at once, `meta` comes last.
                getattr(client, "mset_nonatomic", client.mset)({self.key(name): value for name, value in batch})
            written += len(batch)
        return written

    def close(self) -> None:
        self._closed = True

    def names(self, prefix: str = "") -> Iterator[list[str]]:
        """The keys that start with `prefix`, as this store's users name them, in lists of `BATCH` at most."""
        self._check_open()
        for group in self._groups():
            if group.startswith(prefix) or prefix.startswith(group):
                for sets in _lists((self._set(group, bucket) for bucket in range(BUCKETS)), SETS_AT_ONCE):
                    members = (
                        member for found in self._pipeline([("SMEMBERS", one) for one in sets]) for member in found
                    )
                    names = (group + member.decode() for member in members)
                    yield from _lists((name for name in names if name.startswith(prefix)), BATCH)

    def count(self) -> int:
        """How many of the release's keys are there."""
        return sum(self._on_all("EXISTS", [self.key(name) for name in names]) for names in self.names())

    def delete(self) -> None:
        """Remove `meta` first, so that nobody reads half a release, and what leads to the other keys last."""
        self._on_all("UNLINK", [self.key(META_KEY)])
        for names in self.names():
            self._on_all("UNLINK", [self.key(name) for name in names])
        sets = [self._set(group, bucket) for group in self._groups() for bucket in range(BUCKETS)]
        for some in _lists([*sets, self.key("groups")], BATCH):
            self._on_all("UNLINK", some)
        with self._connection.client() as client:
            client.zrem(RELEASES, self.release)

    def _on_all(self, command: str, keys: Sequence[str]) -> int:
        """Sum of the answers to a command that takes many keys; in a Cluster they lie apart, so it is sent for each."""
        if self._connection.address.kind == "cluster":
            return sum(self._pipeline([(command, key) for key in keys]))
        with self._connection.client() as client:
            return int(client.execute_command(command, *keys))

    def _pipeline(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Send commands together; their answers in order."""
        with self._connection.client() as client:
            pipeline = client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute()
            return answers

    def _values(self, names: Sequence[str]) -> list[bytes | None]:
        self._check_open()
        if not names:
            return []
        keys = [self.key(name) for name in names]
        with self._connection.client() as client:
            values: list[bytes | None] = getattr(client, "mget_nonatomic", client.mget)(keys)
            return values

    def _note(self, names: Sequence[str]) -> None:
        """Enter keys into the index, and the release among those that have keys."""
        groups: dict[str, None] = {}
        sets: dict[str, list[str]] = {}
        for name in names:
            head, colon, member = name.rpartition(":")
            groups[head + colon] = None
            sets.setdefault(self._set(head + colon, zlib.crc32(name.encode()) % BUCKETS), []).append(member)
        written_at = ("ZADD", RELEASES, int(time.time()), self.release)
        noted = [("SADD", one, *members) for one, members in sets.items()]
        self._pipeline([written_at, ("SADD", self.key("groups"), *groups), *noted])

    def _groups(self) -> list[str]:
        with self._connection.client() as client:
            return sorted(group.decode() for group in client.smembers(self.key("groups")))

    def _set(self, group: str, bucket: int) -> str:
        return self.key(f"keys:{bucket}:{group}")

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"The release {self.release} in {self._connection} is closed.")


def write_partition(url: str, release: str, items: Iterable[tuple[str, bytes]]) -> int:
    """Write a part of a release from wherever this runs: a Spark executor opens a connection of its own.

    May be repeated, and run beside others. The release counts as whole once its `meta` is written, after all parts.

    Args:
        url: see `redis_address`.
        release: its id.
        items: keys as in `feature_store`, and their values.

    Returns:
        How many were written.

    Raises:
        StoreUnavailable: Redis cannot be written; what was written is found and removed by the next publish of the release.
    """
    connection = RedisConnection(url)
    try:
        return RedisStore(connection, release).put_many(items)
    finally:
        connection.close()


def _lists(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while found := list(islice(source, size)):
        yield found


def _bounded(items: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Lists of `BATCH` items or about `BATCH_BYTES`, whichever comes first."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item[1])
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
