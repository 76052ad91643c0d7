"""The event log: takes checked events, makes them durable, tells what was new."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sparrow.stores.live import LiveStore

FUTURE_SECONDS: Final = 86_400
"""How far a client's clock may run ahead."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: `rejected` holds (index in the batch, reason)."""

    accepted: int
    duplicates: int
    rejected: list[tuple[int, str]] = field(default_factory=list)


class EventLog:
    """Accepts events into a `LiveStore`."""

    def __init__(self, store: LiveStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def accept(self, events: Sequence[Mapping[str, Any]]) -> Receipt:
        """Keep every event whose time can be true; an event without a timestamp happened now.

        Returns only after the accepted ones are durable.

        Args:
            events: maps in the shape of `POST /api/v1/events`, types and ranges already checked.

        Raises:
            StoreUnavailable: nothing could be written.
        """
        now = int(self._clock())
        good, rejected = [], []
        for index, event in enumerate(events):
            at = event.get("timestamp")
            if at is not None and at > now + FUTURE_SECONDS:
                rejected.append((index, f"timestamp {at} lies more than a day in the future; send seconds, UTC"))
            else:
                good.append({**event, "timestamp": now if at is None else at})
        added = self._store.append(good)
        return Receipt(accepted=added, duplicates=len(good) - added, rejected=rejected)
