"""Served lists on their way to the log: a request hands its list over and goes on, one thread writes.

Lists are not durable before the answer: a crash loses the last moments, a full queue loses what does not fit, and says so.
"""

import logging
import threading
from queue import Empty, Full, Queue
from typing import Final

from sparrow.errors import StoreUnavailable
from sparrow.stores.served import ServedList, ServedLog

log = logging.getLogger(__name__)

MOST_WAITING: Final = 10_000
"""Lists in memory at most: some ten megabytes, and half a minute of a disk that does not answer at full load."""

BATCH: Final = 500
GATHER_S: Final = 0.2
"""The writer lets lists gather for so long: waking it for each took as long as making the list."""

AGAIN_AFTER_S: Final = 1.0


class ServedQueue:
    """What stands between requests and a `ServedLog`."""

    def __init__(self, served_log: ServedLog, most: int = MOST_WAITING) -> None:
        self._log = served_log
        self._waiting: Queue[ServedList] = Queue(most)
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write, name="served-lists", daemon=True)
        self._writer.start()

    def put(self, served: ServedList) -> bool:
        """Hand over one list without waiting; False if there was no room and it is lost."""
        try:
            self._waiting.put_nowait(served)
        except Full:
            return False
        return True

    def flush(self) -> None:
        """Wait until everything handed over so far is written; for tests and reports, never for a request."""
        self._waiting.join()

    def close(self) -> None:
        """Write what waits, if the disk lets it, and stop."""
        self._closing.set()
        self._writer.join()
        self._log.close()

    def _write(self) -> None:
        while batch := self._next():
            try:
                self._append(batch)
            finally:
                for _ in batch:
                    self._waiting.task_done()

    def _next(self) -> list[ServedList]:
        """What waits, `BATCH` at most; [] when there is nothing more to come."""
        batch: list[ServedList] = []
        while not batch and not (self._closing.is_set() and self._waiting.empty()):
            try:
                batch.append(self._waiting.get(timeout=GATHER_S))
                if self._waiting.qsize() < BATCH:
                    self._closing.wait(GATHER_S)
                while len(batch) < BATCH:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                continue
        return batch

    def _append(self, batch: list[ServedList]) -> None:
        """Write, again and again while the disk refuses: meanwhile the queue fills, and what no longer fits is counted there."""
        told = False
        while True:
            try:
                return self._log.append(batch)
            except StoreUnavailable as error:
                if not told:
                    log.error("Served lists wait: %s", error)
                told = True
            if self._closing.wait(AGAIN_AFTER_S):
                return log.error("%d served lists are lost: the server stops and they cannot be written.", len(batch))
