"""The newest ratings, held back to judge a new release against the live one: on what neither was built from.

The new release is built from events up to a number; what people rated after it are the questions. Nothing is lost to requests
by that: `events_through` says where the release ends, and they add later events themselves. So what is published is the very
release that was judged, and the held-back ratings are learnt from by the next build.

Both releases know the same about a person: their own record and, as a request would, the events between it and that number.
Every movie that was rated later counts as met, as in question `next` of the evaluation stage.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from sparrow.build.choose import METRIC, MOST_PEOPLE, Case, K, ask
from sparrow.build.retrain_rules import Measured, OwnFigures, Paired
from sparrow.config import Settings
from sparrow.evaluation.ranking import Ids, judge
from sparrow.online.later_events import sum_events
from sparrow.online.live import open_folder
from sparrow.online.people import Person, person_from_record
from sparrow.online.recommender import Recommender
from sparrow.stores.event_history import EventHistory
from sparrow.stores.live import StoredEvent
from sparrow.stores.publishing import Target
from sparrow.stores.releases import Manifest, releases_folder

ASKED_FOR_COVERAGE: Final = 500
"""People whose lists are counted where too few have newest ratings."""


@dataclass(frozen=True)
class Newest:
    """What was held back.

    Attributes:
        until: number of the last event that may be built from; None: all of them, nothing is held back.
        known: person → their events up to that number, of those who rated something later.
        later: person → (m,) movie ids they rated after it.
    """

    until: int | None = None
    known: Mapping[int, Sequence[StoredEvent]] = field(default_factory=dict)
    later: Mapping[int, Ids] = field(default_factory=dict)


def hold_back(home: Path, after: int, share: float, min_people: int) -> Newest:
    """Hold back the newest ratings; nothing, if they are of too few people.

    Args:
        home: holds the event log.
        after: number of the last event that the live release holds.
        share: of the ratings since then that are held back.
        min_people: who must have some.
    """
    history = EventHistory(home)
    given = sorted(one.seq for _, own in history.by_person() for one in own if one.type == "rating" and one.seq > after)
    if not given:
        return Newest()
    # The first of those held back, so that at least one is.
    until = given[min(int(len(given) * (1 - share)), len(given) - 1)] - 1
    known: dict[int, Sequence[StoredEvent]] = {}
    later: dict[int, Ids] = {}
    for user, own in history.by_person():
        rated = sum_events(one for one in own if one.seq > until).rated_at
        if rated:
            known[user] = [one for one in own if one.seq <= until]
            later[user] = np.array(sorted(rated), dtype=np.int64)
    return Newest(until, known, later) if len(later) >= min_people else Newest()


def measure(
    home: Path, new: Manifest, live: Manifest, newest: Newest, settings: Settings, live_target: Target | None = None
) -> Measured:
    """Ask both releases for the same people's lists, each as it would serve them.

    Args:
        home: holds both.
        new: a sealed release, built from events up to `newest.until`.
        live: the one that answers now.
        newest: what was held back.
        settings: as served; ranking is done in process.
        live_target: holds the live release's records; None is the home itself.

    Raises:
        ReleaseError: a release is not complete.
    """
    pair = [_open(home, new, settings), _open(home, live, settings, live_target)]
    through = [new.events_through, live.events_through]
    people = sorted(newest.later) or pair[1].user_ids(ASKED_FOR_COVERAGE)
    cases = [_cases(pair, through, newest, user) for user in people]
    answerable = [both for both in cases if len(both[0].relevant)][:MOST_PEOPLE]
    enough = len(answerable) >= settings.retrain.min_people
    asked = answerable if enough else cases[:MOST_PEOPLE]
    lists = [asyncio.run(_lists(one, [both[place] for both in asked])) for place, one in enumerate(pair)]
    quality = _paired(lists, [both[0].relevant for both in asked]) if enough else _own_figures(new, live)
    return Measured(quality, *(len(np.unique(np.concatenate(one))) if one else 0 for one in lists))


def _open(home: Path, manifest: Manifest, settings: Settings, target: Target | None = None) -> Recommender:
    return open_folder(releases_folder(home) / manifest.release, manifest, settings.unhurried(), target=target)


def _cases(pair: Sequence[Recommender], through: Sequence[int], newest: Newest, user: int) -> list[Case]:
    """One person to both releases, asked for the same movies: those that both could show."""
    events = newest.known.get(user, ())
    persons = [
        person_from_record(one.catalog, user, one.store.user(user), sum_events(events, after=end))
        for one, end in zip(pair, through, strict=True)
    ]
    movies = newest.later.get(user, np.empty(0, np.int64))
    for one, person in zip(pair, persons, strict=True):
        movies = _possible(one, person, movies)
    return [Case(person, movies) for person in persons]


def _possible(recommender: Recommender, person: Person, movies: Ids) -> Ids:
    """Those of the movies that the release has and the person has not met."""
    rows, known = recommender.catalog.known_rows(movies)
    return movies[known][~np.isin(rows, person.seen)]


async def _lists(recommender: Recommender, cases: Sequence[Case]) -> list[Ids]:
    try:
        return (await ask(recommender, [None], cases))[None]
    finally:
        await recommender.aclose()


def _paired(lists: Sequence[Sequence[Ids]], relevant: Sequence[Ids]) -> Paired:
    new, live = (judge(name, own, relevant, K) for name, own in zip(("new", "live"), lists, strict=True))
    return Paired(len(relevant), new.mean(METRIC), live.mean(METRIC), *new.lead(live, METRIC))


def _own_figures(new: Manifest, live: Manifest) -> OwnFigures | None:
    figures = [_own_figure(manifest) for manifest in (new, live)]
    return None if None in figures else OwnFigures(*(figure for figure in figures if figure is not None))


def _own_figure(manifest: Manifest) -> float | None:
    group = manifest.metrics.get("next")
    return float(group["rows"][0]["metrics"][METRIC]) if group else None
