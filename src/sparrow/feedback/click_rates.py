"""How often what a release shows is clicked, and whether a newer release's lists are clicked less, beyond doubt at every look.

The two rates are of different days, so this is no experiment: weekdays and seasons are in the difference. It is an alarm, and
asks for a proven fall beyond a stated size. People who saw both releases make the two rates hang together; taking them for
independent widens the interval.

The difference is judged as it is and not as a ratio (`comparing` takes logarithms): a release that nobody clicks any more must be
found, and zero has no logarithm.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from math import hypot
from pathlib import Path

import numpy as np

from sparrow.feedback.statistics.mixture import half_width, mixing_variance
from sparrow.feedback.statistics.ratios import error_of, ratio
from sparrow.stores.event_rows import event_rows
from sparrow.stores.live import FILE
from sparrow.stores.served import ServedLog


@dataclass(frozen=True, slots=True)
class ClickRate:
    """Clicks on one release's lists for each movie seen there; `error` is by person, not-a-number below two people."""

    people: int
    impressions: int
    clicks: int
    rate: float
    error: float


@dataclass(frozen=True, slots=True)
class Fall:
    """`change` of the click rate, relative to the rate before (-.1 is a fall of 10 %); `low` and `high` hold at every look."""

    change: float
    low: float
    high: float


NOTHING = ClickRate(0, 0, 0, 0.0, float("nan"))


def click_rates(home: Path, since: int, until: int | None = None) -> Mapping[str, ClickRate]:
    """Release → how its people's lists were clicked; those nobody saw are left out.

    Args:
        home: holds the logs.
        since: seconds, UTC; earlier lists and events do not count.
        until: later lists do not count; None: all.
    """
    # Asked first: opening a log would make one.
    if not (home / FILE).is_file():
        return {}
    with closing(ServedLog(home)) as served:
        lists = {
            one.recommendation_id: (one.user_id, one.release)
            for one in served.since(since)
            if one.user_id is not None and (until is None or one.timestamp <= until)
        }
    counts: dict[str, dict[int, list[int]]] = {}
    for user, kind, _, shown_in, _ in event_rows(home, ("impression", "click"), since):
        whose, release = lists.get(shown_in or "", (None, ""))
        if whose == user:
            counts.setdefault(release, {}).setdefault(user, [0, 0])[kind == "click"] += 1
    return {release: rate_of(list(people.values())) for release, people in counts.items()}


def rate_of(people: list[list[int]]) -> ClickRate:
    """The rate of people with (impressions, clicks) each.

    Example:
        >>> rate_of([[10, 1], [10, 3]])
        ClickRate(people=2, impressions=20, clicks=4, rate=0.2, error=0.1)
    """
    seen, clicked = np.array(people, dtype=np.float64).T
    value, influence = ratio(clicked, seen)
    return ClickRate(len(people), int(seen.sum()), int(clicked.sum()), value, error_of(influence))


def fall_of(before: ClickRate, now: ClickRate, smallest: float, alpha: float) -> Fall | None:
    """How far the rate has fallen; None where it was zero before, or has no error.

    Args:
        before: of the release that was live.
        now: of the one that is.
        smallest: relative fall for which the interval is sharpest.
        alpha: how often the interval may miss the truth at any of all looks.
    """
    error = hypot(before.error, max(now.error, _of_one_click(now)))
    if not before.rate > 0 or not np.isfinite(error):
        return None
    change = now.rate - before.rate
    width = half_width(error, mixing_variance(smallest * before.rate, alpha), alpha)
    return Fall(change / before.rate, (change - width) / before.rate, (change + width) / before.rate)


def _of_one_click(rate: ClickRate) -> float:
    """The error of a rate of one click: where nobody clicked at all, that is not known without error."""
    return 1 / rate.impressions if rate.impressions else float("nan")
