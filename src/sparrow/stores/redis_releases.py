"""Releases in Redis: made whole, made live by one SET, deleted a minute and more after no pointer needs them.

    whole      `meta` is there for good: the release may be live
    going      `meta` has a time to live, which ends it as a whole release; until then it can be called back
    half       no `meta`: being written, left by a killed writer, or to be deleted

Deleting is thus one EXPIRE, which Redis finishes whatever becomes of the publisher. The other keys are removed before the next
release is written, so that Redis never needs room for more than the releases kept and a new one. A half that somebody may
still be writing to is left alone for `ABANDONED_S`. Every step can be cut off and repeated.
"""

import logging
import socket
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgpack
import orjson

from sparrow.errors import Busy, ReleaseError, StoreUnavailable
from sparrow.stores.feature_store import META_KEY, KeyValueStore
from sparrow.stores.lmdb_store import LmdbStore
from sparrow.stores.publishing import REQUEST_S, Pointer
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_store import RELEASES, RedisStore

log = logging.getLogger(__name__)

CURRENT: Final = "sparrow:current"
PUBLISHER: Final = "sparrow:publisher"

PUBLISHER_S: Final = 300
"""How long a killed publisher of another home keeps this one waiting; longer than a model server may take."""

RENEW_EVERY: Final = 10_000
"""Keys copied between two signs of life."""

DELETE_AFTER_S: Final = 60
"""How long a release stays whole that no pointer needs; requests that began before it went are long over then."""

ABANDONED_S: Final = 3600
"""A writer that has written nothing for so long is dead."""

COUNTED: Final = ("movies", "people")

REST_S: Final = 2.0
"""How long requests leave a Redis alone that did not answer; the poller asks it every `poll_seconds`."""

REQUEST_RETRIES: Final = 1
"""For a kept connection that turns out dead."""


@dataclass(frozen=True, slots=True)
class Held:
    """A release that has keys in Redis.

    Attributes:
        release: its id.
        state: "whole", "going" or "half", as above.
        counts: rows by kind, as its `meta` says; empty for a half.
    """

    release: str
    state: str
    counts: dict[str, int]


class RedisTarget:
    """Where a release is published and read from: Redis (`publishing.Target`)."""

    def __init__(self, url: str, timeout_s: float = REQUEST_S) -> None:
        """Nothing is sent yet.

        Args:
            url: see `redis_address`.
            timeout_s: deadline of what a request asks.
        """
        self._patient = RedisConnection(url)
        self._prompt = RedisConnection(url, timeout_s, REST_S, REQUEST_RETRIES)
        self._me = b""
        self.name = str(self._patient)

    @contextmanager
    def publishing(self, home: Path) -> Iterator[None]:
        """Be the only publisher. One that was killed blocks others for `PUBLISHER_S`, and its own home not at all.

        Raises:
            Busy: another home is publishing to this Redis.
        """
        self._me = f"{socket.gethostname()}:{home.resolve()}".encode()
        with self._patient.client() as client:
            client.set(PUBLISHER, self._me, nx=True, ex=PUBLISHER_S)
        self._renew()
        try:
            yield
        finally:
            with suppress(StoreUnavailable, Busy):
                self._renew()
                with self._patient.client() as client:
                    client.delete(PUBLISHER)

    def read_pointer(self) -> Pointer | None:
        """The live pointer, None if there is none; asks a resting Redis too, and so ends its rest.

        Raises:
            ReleaseError: it cannot be read.
            StoreUnavailable: Redis cannot answer.
        """
        with self._prompt.client(probe=True) as client:
            content = client.get(CURRENT)
        try:
            return None if content is None else Pointer(**orjson.loads(content))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise ReleaseError(f"{CURRENT} in {self.name} cannot be read ({error}); publish a release again.") from None

    def features(self, folder: Path, patient: bool) -> KeyValueStore:
        """The records of the release in `folder`: `patient` for loading it, else for requests."""
        return RedisStore(self._patient if patient else self._prompt, folder.name, sealed=True)

    def fill(self, folder: Path) -> None:
        """Make the folder's release whole in Redis: as it is, called back, or copied from its features.lmdb.

        Raises:
            StoreUnavailable: Redis cannot be written; what was copied is removed again.
            ReleaseError: Redis holds half of it, and the folder has nothing to copy from.
        """
        self._sweep(but=folder.name)
        store, path = RedisStore(self._patient, folder.name), folder / "features.lmdb"
        source = LmdbStore(path) if path.is_file() else None
        [held] = store.get_many([META_KEY])
        is_this = held is not None and (source is None or source.get_many([META_KEY]) == [held])
        if is_this and self._is_whole(store, source):
            return
        if source is None:
            raise ReleaseError(
                f"{self.name} does not hold the whole release {folder.name}, and {folder} has no features.lmdb to copy; "
                "build it again."
            )
        # What is this release but for lost keys may be live: it is mended in place.
        with nullcontext() if is_this else self._removed_unless_whole(store):
            self._copy(source, store)

    def flip(self, pointer: Pointer) -> None:
        """Make the pointer's release live: one SET."""
        self._renew()
        with self._patient.client() as client:
            client.set(CURRENT, orjson.dumps(asdict(pointer)))

    def prune(self, needed: Collection[str], keep: int) -> None:
        """Let the oldest whole releases beyond `keep` go."""
        whole = [one.release for one in self.held() if one.state == "whole"]
        spare = [release for release in whole if release not in needed]
        for release in spare[: max(0, len(whole) - keep)]:
            log.info("The release %s is no longer needed in %s; it ends in %d s", release, self.name, DELETE_AFTER_S)
            with self._patient.client() as client:
                client.expire(RedisStore(self._patient, release).key(META_KEY), DELETE_AFTER_S)
                client.zadd(RELEASES, {release: 0})

    def held(self) -> list[Held]:
        """Every release that has keys, oldest id first."""
        with self._patient.client() as client:
            names = sorted(name.decode() for name in client.zrange(RELEASES, 0, -1))
        return [self._describe(name) for name in names]

    def close(self) -> None:
        self._patient.close()
        self._prompt.close()

    def _describe(self, release: str) -> Held:
        key = RedisStore(self._patient, release).key(META_KEY)
        with self._patient.client() as client:
            meta, remaining = client.get(key), client.ttl(key)
        if meta is None:
            return Held(release, "half", {})
        told = msgpack.unpackb(meta)
        return Held(release, "whole" if remaining < 0 else "going", {name: told[name] for name in COUNTED})

    def _sweep(self, but: str) -> None:
        """Delete halves that nobody writes to."""
        for one in self.held():
            if one.state == "half" and one.release != but:
                with self._patient.client() as client:
                    written_at = float(client.zscore(RELEASES, one.release) or 0)
                if time.time() - written_at > ABANDONED_S:
                    RedisStore(self._patient, one.release).delete()

    def _is_whole(self, store: RedisStore, source: LmdbStore | None) -> bool:
        """Whether a release with `meta` has all its keys; if it was going, it stays.

        Its own index tells only where there is no source: Redis may have lost a part of that too.
        """
        with self._patient.client() as client:
            client.persist(store.key(META_KEY))
        return store.count() == (source.count() if source else sum(1 for _ in store.keys("")))

    @contextmanager
    def _removed_unless_whole(self, store: RedisStore) -> Iterator[None]:
        """Begin with nothing of the release in Redis, and leave nothing if it cannot be written."""
        store.delete()
        try:
            yield
        except BaseException:
            with suppress(StoreUnavailable):
                store.delete()
            raise

    def _copy(self, source: KeyValueStore, store: RedisStore) -> None:
        store.put_many(self._renewing((name, value) for name, value in source.scan("") if name != META_KEY))
        [meta] = source.get_many([META_KEY])
        if meta is None:
            raise ReleaseError(f"The release {store.release} has no 'meta' record; build it again.")
        store.put_many([(META_KEY, meta)])

    def _renew(self) -> None:
        """A sign of life; raises Busy once another home has taken over."""
        with self._patient.client() as client:
            holder = client.get(PUBLISHER)
            client.expire(PUBLISHER, PUBLISHER_S)
        if holder != self._me:
            raise Busy(f"{(holder or b'Another home').decode()} is publishing to {self.name}; wait for it to end.")

    def _renewing(self, items: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for number, item in enumerate(items, start=1):
            if number % RENEW_EVERY == 0:
                self._renew()
            yield item
