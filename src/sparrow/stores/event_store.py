"""Where events go: a home's own SQLite (`live`), or a Redis that several servers share (`redis_events`); one contract."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sparrow.stores.live import Exposure, LiveStore, StoredEvent


class EventStore(Protocol):
    """Events, durable and each once. Safe to share between threads and processes."""

    @property
    def waits(self) -> bool:
        """Whether reading may keep its caller waiting for a network."""

    def append(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Make events durable, all or none; gives how many were new (see `LiveStore.append`).

        Raises:
            StoreUnavailable: they could not be written; none is kept, as far as can be told.
        """

    def events_of(self, user_id: int, after: int = 0) -> list[StoredEvent]:
        """A person's newest events that tell their taste, oldest first, of ratings those after number `after`.

        Raises:
            StoreUnavailable: they cannot be read.
        """

    def exposures_of(self, user_id: int, since: int) -> list[Exposure]:
        """What a person was shown and clicked since then (seconds, UTC), of their newest `MAX_EXPOSURES`; newest first.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def forgotten(self) -> dict[int, int]:
        """userId → when they asked to be forgotten (seconds, UTC)."""

    def outside_people(self) -> dict[int, str]:
        """userId → what the person is called, of everyone who left an event under another name than that number."""

    def last_seq(self) -> int:
        """The newest sequence number, 0 when there is none."""

    def close(self) -> None: ...


def open_events(home: Path, url: str, timeout_s: float = 0.25) -> EventStore:
    """The event store that `[feedback] events` names: Redis by its URL, "" for the home itself.

    Args:
        home: whose log a Redis that has no events yet goes on from.
        url: of Redis.
        timeout_s: deadline of what a request asks.

    Raises:
        InvalidInput: the URL cannot be read, or names a Cluster.
        StoreUnavailable: the home's file cannot be opened.
    """
    if not url:
        return LiveStore(home)
    from sparrow.stores.redis_events import RedisEvents

    return RedisEvents(url, home, timeout_s)
