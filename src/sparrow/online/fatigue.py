"""Fatigue: what a person was shown again and again, and never opened, makes room for something else.

Counted from the impressions and clicks that the event log holds (`stores.live`), newest first. A click begins the count anew; the
same movie in the same list counts once, however often the page was scrolled. Only who has an account can tire.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from sparrow.config import Settings
from sparrow.errors import StoreUnavailable
from sparrow.online.later_events import LaterEvents
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked
from sparrow.stores.event_store import EventStore
from sparrow.stores.live import Exposure

log = logging.getLogger(__name__)

DAY_S: Final = 86_400


class Fatigue:
    """What was shown `times` times since it was last opened takes the lowest score and stands behind all others.

    Behind, and not out: whoever has seen everything still gets a full list.
    """

    name = "fatigue"

    def __init__(self, times: int) -> None:
        """Args: times: impressions without a click, 1 or more."""
        self._times = times

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:
        shown = request.person.shown
        tired = np.isin(ranked.rows, shown.rows[shown.times >= self._times])
        if not tired.any():
            return ranked
        order = np.argsort(tired, kind="stable")
        scores = np.where(tired, ranked.scores.min(), ranked.scores)
        return Ranked(ranked.rows[order], scores[order])


def since_click(exposures: Iterable[Exposure]) -> Mapping[int, int]:
    """Movie id → lists in which it was shown since it was last clicked.

    Args:
        exposures: impressions and clicks, newest first.

    Example:
        >>> newest_first = [Exposure("impression", 7, "c"), Exposure("click", 8, "b"), Exposure("impression", 8, "b")]
        >>> dict(since_click([*newest_first, Exposure("impression", 7, "b"), Exposure("impression", 7, "b")]))
        {7: 2}
    """
    times: Counter[int] = Counter()
    clicked: set[int] = set()
    counted: set[tuple[int, str]] = set()
    for one in exposures:
        if one.type == "click":
            clicked.add(one.movie_id)
        elif one.movie_id not in clicked:
            place = (one.movie_id, one.recommendation_id or "")
            # An impression of no list stands for itself: nothing tells it from another one.
            times[one.movie_id] += not one.recommendation_id or place not in counted
            counted.add(place)
    return times


def shown_lately(events: EventStore, user_id: int, days: int) -> Mapping[int, int]:
    """The same of one person, for the last so many days."""
    return since_click(events.exposures_of(user_id, int(time.time()) - days * DAY_S))


Shown = Callable[[int, int], Mapping[int, int]]
"""Person, days → movie id → in how many of those days' lists they were shown it and did not open it."""


def with_shown(later: LaterEvents, settings: Settings, shown: Shown, user_id: int) -> LaterEvents:
    """All that the rules want to know of a person's events: with what they were shown, where a rule asks for it.

    Where that cannot be read nobody tires, and the events are told not to be whole.
    """
    listed = (one.lists for one in settings.pipelines.people.values() if one.lists is not None)
    days = max((one.fatigue_days for one in (settings.for_you, *listed) if one.fatigue), default=0)
    if not days:
        return later
    try:
        return replace(later, shown=shown(user_id, days))
    except StoreUnavailable as error:
        log.warning("The list of person %s does not know what they were shown: %s", user_id, error)
        return replace(later, is_whole=False)


def shown_nothing(user_id: int, days: int) -> Mapping[int, int]:  # noqa: ARG001 - the shape of `Recommender.shown`
    """Where no events are kept."""
    return {}
