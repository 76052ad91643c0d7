"""The event log: takes checked events, makes them durable, tells what was new."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sparrow.stores.event_store import EventStore

FUTURE_SECONDS: Final = 86_400
"""How far a client's clock may run ahead."""

EARLIEST: Final = 788_918_400
"""1995-01-01, UTC: nobody rated a film on a page before; such a time is a clock that was never set, or milliseconds cut short."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: `rejected` holds (index in the batch, reason)."""

    accepted: int
    duplicates: int
    rejected: list[tuple[int, str]] = field(default_factory=list)


class EventLog:
    """Accepts events into an `EventStore`."""

    def __init__(self, store: EventStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def accept(self, events: Sequence[Mapping[str, Any]]) -> Receipt:
        """Keep every event whose time can be true; an event without a timestamp happened now.

        Returns only after the accepted ones are durable.

        Args:
            events: maps in the shape of `POST /api/v1/events`, types and ranges already checked.

        Raises:
            StoreUnavailable: nothing could be written.
        """
        now, forgotten = int(self._clock()), self._store.forgotten()
        good, rejected = [], []
        for index, event in enumerate(events):
            told = event.get("timestamp")
            at = now if told is None else told
            if reason := _refusal(at, now, forgotten.get(event["userId"])):
                rejected.append((index, reason))
            else:
                good.append({**event, "timestamp": at})
        added = self._store.append(good)
        return Receipt(accepted=added, duplicates=len(good) - added, rejected=rejected)


def _refusal(at: int, now: int, forgotten: int | None) -> str:
    """Why an event of this time cannot be kept; "" if it can."""
    if at > now + FUTURE_SECONDS:
        return f"timestamp {at} lies more than a day in the future; send seconds, UTC"
    if at < EARLIEST:
        return f"timestamp {at} lies before 1995 ({EARLIEST}); send seconds, UTC"
    if forgotten is not None and at < forgotten:
        return f"timestamp {at} lies before {forgotten}, when this person asked to be forgotten; it stays out"
    return ""
