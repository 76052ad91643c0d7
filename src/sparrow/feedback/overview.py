"""What the dashboard tells of a home: how fresh a release is, what was shown in the last day, what retraining decided.

Kept for a minute, and of the newest `MOST_LISTS` lists only: many may look, and a busy day must not be read whole each time.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sparrow.errors import SparrowError
from sparrow.stores.event_rows import count_events
from sparrow.stores.live import FILE
from sparrow.stores.releases import read_manifest
from sparrow.stores.retrain_log import Decision, decisions
from sparrow.stores.served import ServedList, ServedLog

KEPT_S: Final = 60.0
MOST_LISTS: Final = 20_000
HOURS: Final = 24
NEWEST_DECISIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """What stood in lists.

    Attributes:
        lists: how many.
        people: for whom, guests aside.
        hours: (24,) lists of each hour, the last one at the end.
        pipelines: name → lists, most first.
        movies: raw id → how often it stood in a list, most first.
        is_part: whether there were more lists than are counted here.
    """

    lists: int
    people: int
    hours: Sequence[int]
    pipelines: dict[str, int]
    movies: dict[int, int]
    is_part: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it.

    Attributes:
        age: seconds since the release was built; None where its manifest is not at hand.
        events: type → how many came since it was built.
        shown: in the last day, by whichever release.
        decisions: of `sparrow retrain`, the newest first.
    """

    age: float | None
    events: dict[str, int]
    shown: Shown
    decisions: Sequence[Decision]


class Overviews:
    """Overviews of one home. Safe to share between threads; who comes while one is made waits for it."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._home, self._clock = home, clock
        self._lock = threading.Lock()
        self._made: tuple[str, float, Overview] | None = None

    def of(self, release: str) -> Overview:
        """The home as it is while this release answers.

        Raises:
            StoreUnavailable: a log cannot be read.
        """
        with self._lock:
            if self._made is None or self._made[0] != release or self._clock() - self._made[1] >= KEPT_S:
                self._made = release, self._clock(), self._make(release)
            return self._made[2]

    def _make(self, release: str) -> Overview:
        now = self._clock()
        age, through = _built(self._home, release, now)
        newest = decisions(self._home)[: -NEWEST_DECISIONS - 1 : -1]
        return Overview(age, count_events(self._home, through), _read(self._home, int(now)), newest)


def _built(home: Path, release: str, now: float) -> tuple[float | None, int]:
    """(age in seconds, `events_through`); a release that only a shared store holds has no manifest here."""
    try:
        manifest = read_manifest(home, release)
    except SparrowError:
        return None, 0
    return now - datetime.fromisoformat(manifest.created).timestamp(), manifest.events_through


def _read(home: Path, now: int) -> Shown:
    # Asked first: opening a log would make one.
    if not (home / FILE).is_file():
        return count_shown([], now)
    with closing(ServedLog(home)) as log:
        return count_shown(log.newest(now - HOURS * 3600, MOST_LISTS + 1), now)


def count_shown(lists: Iterable[ServedList], now: int, most: int = MOST_LISTS) -> Shown:
    """Count lists of the day before `now` (seconds, UTC), newest first; those beyond `most` only show that there are more."""
    pipelines, movies, hours, people, counted = Counter[str](), Counter[int](), [0] * HOURS, set[int](), 0
    for one in lists:
        if counted == most:
            return Shown(counted, len(people), hours, dict(pipelines.most_common()), dict(movies.most_common()), True)
        counted += 1
        pipelines[one.pipeline] += 1
        movies.update(one.movies)
        hours[HOURS - 1 - min(HOURS - 1, max(0, now - one.timestamp) // 3600)] += 1
        people |= {one.user_id} if one.user_id is not None else set()
    return Shown(counted, len(people), hours, dict(pipelines.most_common()), dict(movies.most_common()), False)
