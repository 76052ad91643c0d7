"""Lists whose order was drawn with known chances, and what was clicked on them, from a home's logs."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparrow.errors import NotFound
from sparrow.evaluation.off_policy import Ids, Values
from sparrow.stores.event_rows import clicked_movies
from sparrow.stores.live import FILE
from sparrow.stores.served import ServedList, ServedLog


@dataclass(frozen=True)
class DrawnLists:
    """Lists, oldest first, each of somebody in particular.

    Attributes:
        lists: (l,) as they were shown.
        people: (l,) whose they are.
        clicks: (l, k) 1 where one of the first k places was clicked by whom it was shown to.
        chances: (l, k) of each place given those before it.
    """

    lists: tuple[ServedList, ...]
    people: Ids
    clicks: Values
    chances: Values


def drawn_lists(home: Path, places: int, since: int = 0) -> DrawnLists:
    """The first places of all lists that were drawn.

    Args:
        home: holds the logs.
        places: k; shorter lists are left out.
        since: seconds, UTC; earlier lists are left out.

    Raises:
        NotFound: no list was drawn.
        StoreUnavailable: a log cannot be read.
    """
    lists = _read(home, places, since)
    if not lists:
        raise NotFound(
            f"No list of {places} places or more in {home} was drawn with known chances: nobody explores. Let a share of the "
            "lists be drawn, e.g. [for_you] explore = 0.02, or of some people's lists an arm's `explore`, and come back when "
            "people have seen some (docs/experiments.md)."
        )
    number = {one.recommendation_id: place for place, one in enumerate(lists)}
    clicks = np.zeros((len(lists), places))
    for user, shown_in, movie in clicked_movies(home, since):
        row = number.get(shown_in, -1)
        if row >= 0 and lists[row].user_id == user and movie in lists[row].movies[:places]:
            clicks[row, lists[row].movies.index(movie)] = 1.0
    chances = np.array([one.propensities[:places] for one in lists if one.propensities is not None])
    return DrawnLists(lists, np.array([one.user_id for one in lists], dtype=np.int64), clicks, chances)


def _read(home: Path, places: int, since: int) -> tuple[ServedList, ...]:
    # Asked first: opening a log would make one.
    if not (home / FILE).is_file():
        return ()
    with closing(ServedLog(home)) as served:
        return tuple(
            one
            for one in served.since(since)
            if one.user_id is not None and one.propensities is not None and len(one.movies) >= places
        )
