"""How long events and served lists stay: cleared when the server starts, and about once an hour from then on."""

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sparrow.config import Feedback
from sparrow.errors import StoreUnavailable
from sparrow.stores.clearing import Cleared, clear_old

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0

JITTER: Final = 0.2
"""Of that time, more or less: workers that started together must not queue for the file together ever after."""


def keep_to_days(home: Path, settings: Feedback, now: float) -> Cleared:
    """Remove from a home's log what the settings say is too old; `now` in seconds, UTC.

    Raises:
        StoreUnavailable: it could not be written.
    """
    return clear_old(
        home,
        int(now),
        taste_days=settings.taste_days,
        traffic_days=settings.traffic_days,
        served_days=settings.served_days,
    )


class Retention:
    """A thread that clears a home's log while the server runs."""

    def __init__(self, home: Path, settings: Feedback, clock: Callable[[], float] = time.time) -> None:
        self._home, self._settings, self._clock = home, settings, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                gone = keep_to_days(self._home, self._settings, self._clock())
            except StoreUnavailable as error:
                log.error("Old events stay for now: %s", error)
            else:
                if gone.events or gone.served_lists:
                    log.info("%d events and %d served lists were too old to stay", gone.events, gone.served_lists)
            if self._stopping.wait(EVERY_S * random.uniform(1 - JITTER, 1 + JITTER)):
                return
