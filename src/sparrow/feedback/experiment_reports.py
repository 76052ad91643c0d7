"""The reports of all experiments of a home, kept for a minute: many may look, and the log is read once."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sparrow.config import Experiments
from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.experiment_log import experiment_report
from sparrow.feedback.report import Report

KEPT_S: Final = 60.0


class ExperimentReports:
    """Reports of one home. Safe to share between threads; who comes while they are made anew gets the last ones, and waits only
    where there are none yet."""

    def __init__(self, home: Path, rules: Experiments, clock: Callable[[], float] = time.monotonic) -> None:
        self._home, self._rules, self._clock = home, rules, clock
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._reports: list[Report | DraftReport] = []

    def all(self) -> list[Report | DraftReport]:
        """Every experiment of the settings, in their order.

        Raises:
            StoreUnavailable: a log cannot be read.
        """
        if self._is_old() and self._lock.acquire(blocking=self._made_at == float("-inf")):
            try:
                # Once more: whoever waited for the lock finds them made.
                if self._is_old():
                    self._reports = [experiment_report(self._home, name, self._rules) for name in self._rules.running]
                    self._made_at = self._clock()
            finally:
                self._lock.release()
        return self._reports

    def _is_old(self) -> bool:
        return self._clock() - self._made_at >= KEPT_S
