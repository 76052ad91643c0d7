"""What is known of a person when they ask: the release's record and later events, as far as either can be reached."""

import asyncio
import logging
from collections.abc import Callable

from sparrow.errors import StoreUnavailable
from sparrow.online.later_events import LaterEvents, sum_events
from sparrow.stores.event_store import EventStore
from sparrow.stores.feature_store import FeatureStore, UserRecord

log = logging.getLogger(__name__)


class EventsLater:
    """A person's events since a release, by call; `waits` where their store lies behind a network."""

    def __init__(self, events: EventStore, through: int) -> None:
        """Args: events: where they are; through: number of the last event that the release was built from."""
        self._events, self._through, self.waits = events, through, events.waits

    def __call__(self, user_id: int) -> LaterEvents:
        return sum_events(self._events.events_of(user_id, after=self._through), after=self._through)


Known = tuple[UserRecord | None, LaterEvents, tuple[str, ...]]
"""Record, later events, and what is degraded."""


async def as_far_as_known(
    store: FeatureStore, later: Callable[[int], LaterEvents], user_id: int, waits: bool = False
) -> Known:
    """A person's record and later events; either may be out of reach, and the other still keeps seen movies out.

    What lies behind a network, the store or (`waits`) the events, is asked in a thread: while it hangs, requests that need
    nothing of it are answered.
    """
    if store.waits or waits:
        return await asyncio.to_thread(_read, store, later, user_id)
    return _read(store, later, user_id)


def _read(store: FeatureStore, later: Callable[[int], LaterEvents], user_id: int) -> Known:
    record, events, degraded = None, LaterEvents(), False
    try:
        record = store.user(user_id)
    except StoreUnavailable as error:
        degraded = _told(user_id, error)
    try:
        events = later(user_id)
        degraded = degraded or not events.is_whole
    except StoreUnavailable as error:
        degraded = _told(user_id, error)
    return record, events, ("store",) if degraded else ()


def _told(user_id: int, error: StoreUnavailable) -> bool:
    log.warning("The list of person %s does without a store: %s", user_id, error)
    return True
