"""From served lists and events to what each person of an experiment did, day by day, as arrays.

A person belongs to the arm of the first list that they were *shown*: the first event that names one of theirs, an impression as a
rule. What came before it may only take chance out; what comes after it counts, whatever arm they see later. Clicks, and also
impressions, count on the experiment's own lists, everything else wherever it happens: an arm that is clicked more and watched
less must not look good.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Values = NDArray[np.float64]

DAY: Final = 86_400
"""Seconds."""

TYPES: Final = ("impression", "click", "watch", "rating", "dislike")
"""Event types that count; an event's `type` is a place in here."""

COMPONENTS: Final = ("impressions", "clicks", "watch_seconds", "ratings", "dislikes", "stars")
"""What is summed per person. The first five count an event of the type at their place, or sum its value."""

_CLICK, _WATCH, _RATING = (TYPES.index(name) for name in ("click", "watch", "rating"))
_STARS: Final = COMPONENTS.index("stars")


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists that an experiment served: (l,) whose, which arm's, and when (seconds, UTC)."""

    user: Ids
    arm: Ids
    at: Ids


@dataclass(frozen=True, slots=True)
class Events:
    """Events as columns of (n,).

    Attributes:
        user: raw ids.
        type: places in `TYPES`.
        value: seconds of a watch, stars of a rating.
        shown_in: the place in `Lists` that the event's recommendationId names, -1 for any other list or none.
        timestamp: seconds, UTC.
    """

    user: Ids
    type: Ids
    value: Values
    shown_in: Ids
    timestamp: Ids


@dataclass(frozen=True, slots=True)
class Look:
    """What is known at the end of a day.

    Attributes:
        day: 0 is the day of the first exposure.
        exposed: (p,) who has been shown a list.
        sums: (components, p) from each person's exposure on.
    """

    day: int
    exposed: NDArray[np.bool_]
    sums: Values


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What (p,) exposed people did.

    Attributes:
        people: their raw ids, ascending.
        arm: the arm of their first exposure.
        first_day: the day of it, counted from the experiment's first, in UTC; below 0 where that is before `since`.
        before: (components, p) sums over the days before their exposure.
        midnight: when day 0 began, seconds, UTC.
        days: how many there are.
        crossed: people who were shown lists of two arms.
        component: (n,) what was added, sorted by day.
        person: (n,) to whom, a place in `people`.
        day: (n,) when.
        amount: (n,) how much.
    """

    people: Ids
    arm: Ids
    first_day: Ids
    before: Values
    midnight: int
    days: int
    crossed: int
    component: Ids
    person: Ids
    day: Ids
    amount: Values

    def looks(self) -> Iterator[Look]:
        """Every day's end in turn; `sums` is one array that grows, so read it before the next."""
        sums = np.zeros((len(COMPONENTS), len(self.people)))
        ends = np.searchsorted(self.day, np.arange(self.days), side="right").tolist()
        begin = 0
        for day, end in enumerate(ends):
            rows = slice(begin, end)
            np.add.at(sums, (self.component[rows], self.person[rows]), self.amount[rows])
            begin = end
            yield Look(day, self.first_day <= day, sums)


def gather(lists: Lists, events: Events, before_days: int = 28, since: int = 0) -> Outcomes:
    """Sum up an experiment.

    Args:
        lists: what it served.
        events: of everybody; those of people it never reached are left out.
        before_days: how far back from a person's exposure `before` reaches.
        since: what happened before this second (UTC) is not summed. Who is exposed since when it leaves alone: days on which an
            arm had already worked on somebody are none before the experiment.
    """
    shown_in = _of_their_own_lists(lists, events)
    events = _after_their_lists(lists, events, shown_in)
    first = _first_exposures(events, shown_in)
    people, arm, at = events.user[first], lists.arm[shown_in[first]], events.timestamp[first]
    midnight = max(int(at.min()), since) // DAY * DAY if len(at) else 0
    person, is_ours = _places(people, events.user)
    after = events.timestamp - at[person] if len(people) else events.timestamp
    counts = ((shown_in >= 0) | (events.type > _CLICK)) & is_ours & (after >= 0) & (events.timestamp >= since)
    earlier = is_ours & (after < 0) & (after >= -before_days * DAY)
    component, rows, amount = _contributions(events, np.flatnonzero(counts))
    day = (events.timestamp[rows] - midnight) // DAY
    order = np.argsort(day, kind="stable")
    before = np.zeros((len(COMPONENTS), len(people)))
    past, past_rows, past_amount = _contributions(events, np.flatnonzero(earlier))
    np.add.at(before, (past, person[past_rows]), past_amount)
    return Outcomes(
        people=people,
        arm=arm,
        first_day=(at - midnight) // DAY,
        before=before,
        midnight=midnight,
        days=int(day.max()) + 1 if len(day) else 0,
        crossed=_crossed(lists, events, shown_in),
        component=component[order],
        person=person[rows][order],
        day=day[order],
        amount=amount[order],
    )


def _of_their_own_lists(lists: Lists, events: Events) -> Ids:
    """`shown_in` without events about somebody else's list."""
    if not len(lists.user):
        return np.full(len(events.user), -1)
    return np.where(lists.user[events.shown_in] == events.user, events.shown_in, -1)


def _after_their_lists(lists: Lists, events: Events, shown_in: Ids) -> Events:
    """Events as early as their list at the earliest: a clock that runs behind makes no days before the experiment."""
    if not len(lists.at):
        return events
    at = np.where(shown_in >= 0, np.maximum(events.timestamp, lists.at[shown_in]), events.timestamp)
    return replace(events, timestamp=at)


def _first_exposures(events: Events, shown_in: Ids) -> Ids:
    """(p,) rows of people's first events on lists of theirs, people ascending: who clicks has seen it, told or not."""
    rows = np.flatnonzero(shown_in >= 0)
    rows = rows[np.lexsort((events.timestamp[rows], events.user[rows]))]
    return rows[np.unique(events.user[rows], return_index=True)[1]]


def _places(people: Ids, users: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    """(n,) each user's place among (p,) ascending people, and whether they have one."""
    if not len(people):
        return np.zeros(len(users), dtype=np.int64), np.zeros(len(users), dtype=np.bool_)
    places = np.searchsorted(people, users).clip(max=len(people) - 1)
    return places, people[places] == users


def _contributions(events: Events, rows: Ids) -> tuple[Ids, Ids, Values]:
    """(component, row, amount) of these rows; a rating adds one to `ratings` and its value to `stars`."""
    types, values = events.type[rows], events.value[rows]
    rated = types == _RATING
    amount = np.where(types == _WATCH, values, 1.0)
    return (
        np.concatenate([types, np.full(int(rated.sum()), _STARS)]),
        np.concatenate([rows, rows[rated]]),
        np.concatenate([amount, values[rated]]),
    )


def _crossed(lists: Lists, events: Events, shown_in: Ids) -> int:
    rows = np.flatnonzero(shown_in >= 0)
    pairs = np.unique(np.stack([events.user[rows], lists.arm[shown_in[rows]]]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())
