"""A pipeline of a release judged before it goes online: what its lists would earn, from lists that the live one drew.

What is estimated: the clicks on the first places of a list, were all lists drawn from the new pipeline as exploration draws them
(Plackett-Luce over its own first `POOL` times as many movies as the list has places). Each list is asked of the new pipeline as
of its own second: the person's record, and the events that came before it. A release that holds later events knows what came of
a list, so such lists are left out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from sparrow.errors import DataError
from sparrow.evaluation.click_guess import guess_clicks
from sparrow.evaluation.off_policy import (
    Ids,
    OffPolicyEstimate,
    Values,
    cascade_weights,
    doubly_robust,
    ips,
    mean_error,
    plackett_luce_chances,
    snips,
)
from sparrow.feedback.drawn_lists import DrawnLists, drawn_lists
from sparrow.online.exploration import POOL
from sparrow.online.later_events import LaterEvents, sum_events
from sparrow.online.people import person_from_record
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.stores.event_history import EventHistory
from sparrow.stores.live import StoredEvent

LEAST_COVERED: Final = 0.9
"""Share of the new pipeline's lists that the logged ones must be able to stand for."""

BELIEVED: Final = 200
"""Effective lists below which intervals are too narrow to be believed (docs/experiments.md)."""

Z95: Final = 1.96


@dataclass(frozen=True)
class Judged:
    """What was estimated.

    Attributes:
        lists, people: that it rests on.
        left_out: lists that the release's own events know the outcome of.
        covered: share of the new pipeline's lists that the logged ones stand for, by their weights; 1 but for chance.
        live: clicks on the logged lists themselves.
        estimates: by estimator, best first.
        lead: of the first estimator over `live`, and its standard error, by person.
    """

    lists: int
    people: int
    left_out: int
    covered: float
    live: OffPolicyEstimate
    estimates: Mapping[str, OffPolicyEstimate]
    lead: tuple[float, float]

    @property
    def effective_lists(self) -> float:
        """Lists that the weights leave of those logged."""
        return next(iter(self.estimates.values())).effective_lists

    def as_json(self) -> dict[str, Any]:
        """Plain values, intervals of 95 %."""
        told = {name: _told(one.value, one.error) for name, one in {"live": self.live, **self.estimates}.items()}
        counts = {"lists": self.lists, "people": self.people, "leftOut": self.left_out}
        shares = {"covered": self.covered, "effectiveLists": self.effective_lists}
        return {**counts, **shares, "estimates": told, "lead": _told(*self.lead), "believed": self.is_believed}

    @property
    def is_believed(self) -> bool:
        """Whether the weights leave lists enough for the intervals to hold."""
        return self.effective_lists >= BELIEVED


def judge_from_events(
    home: Path, recommender: Recommender, through: int, model: str | None, places: int, since: int = 0
) -> Judged:
    """Estimate what a pipeline's lists would earn.

    Args:
        home: holds the logs.
        recommender: the release; ranking in process.
        through: number of the last event that the release was built from.
        model: the pipeline, as `model=` names it; None: the release's default.
        places: of a list, counted from the first; weights multiply over them, so few places need fewer lists.
        since: seconds, UTC; earlier lists are left out.

    Raises:
        NotFound: nothing was drawn, or the release has no such pipeline.
        DataError: the logged lists cannot stand for the new pipeline's.
    """
    known, cut = _events(home, through)
    logged = drawn_lists(home, places, since)
    usable = _without_hindsight(logged, cut)
    weights, order = asyncio.run(_asked(recommender, model, usable, known, through))
    ratio = cascade_weights(usable.chances, plackett_luce_chances(weights, order))
    _check_support(ratio[:, -1], usable.people, places)
    ranks = np.broadcast_to(np.arange(weights.shape[1]), weights.shape)
    guesses = guess_clicks(usable.clicks, order, weights, ranks, usable.people)
    best = doubly_robust(usable.clicks, ratio, *guesses, people=usable.people)
    live = ips(usable.clicks, np.ones_like(ratio), usable.people)
    others = {"snips": snips(usable.clicks, ratio, usable.people), "ips": ips(usable.clicks, ratio, usable.people)}
    gap = best.values - live.values
    return Judged(
        lists=len(usable.lists),
        people=len(np.unique(usable.people)),
        left_out=len(logged.lists) - len(usable.lists),
        covered=float(ratio[:, -1].mean()),
        live=live,
        estimates={"doubly_robust": best, **others},
        lead=(float(gap.mean()), mean_error(gap, usable.people)),
    )


def _events(home: Path, through: int) -> tuple[dict[int, list[StoredEvent]], int]:
    """Everybody's events that tell their taste, and the second of the newest one that the release holds."""
    known = dict(EventHistory(home).by_person())
    held = (one.timestamp for own in known.values() for one in own if one.seq <= through)
    return known, max(held, default=-1)


def _without_hindsight(logged: DrawnLists, cut: int) -> DrawnLists:
    keep = np.array([one.timestamp > cut for one in logged.lists])
    if not keep.any():
        raise DataError(
            f"All {len(logged.lists)} drawn lists are older than the newest event that the release was built from, which tells "
            "what came of them; judge a release that was built earlier, or wait for newer lists."
        )
    lists = tuple(one for one, is_kept in zip(logged.lists, keep, strict=True) if is_kept)
    return DrawnLists(lists, logged.people[keep], logged.clicks[keep], logged.chances[keep])


async def _asked(
    recommender: Recommender,
    model: str | None,
    logged: DrawnLists,
    known: Mapping[int, Sequence[StoredEvent]],
    through: int,
) -> tuple[Values, Ids]:
    """(l, n) weights by which the new pipeline draws, and (l, k) which of them were shown; the last of n are never drawn."""
    places, steepness = logged.clicks.shape[1], recommender.settings.experiments.steepness
    pools = [POOL * len(one.movies) for one in logged.lists]
    weights, order = np.zeros((len(pools), max(pools) + 1)), np.empty((len(pools), places), dtype=np.int64)
    found: dict[tuple[int, int, int], list[int]] = {}
    try:
        for row, (one, most) in enumerate(zip(logged.lists, pools, strict=True)):
            user = one.user_id or 0
            before = [event for event in known.get(user, ()) if event.timestamp <= one.timestamp]
            # Between two events of theirs a person is the same, and so is the ranking.
            asked = user, len(before), most
            if asked not in found:
                found[asked] = await _pool(recommender, model, user, sum_events(before, after=through), most)
            pool = found[asked]
            weights[row, : len(pool)] = np.arange(1, len(pool) + 1, dtype=np.float64) ** -steepness
            at = {movie: place for place, movie in enumerate(pool)}
            order[row] = [at.get(movie, weights.shape[1] - 1) for movie in one.movies[:places]]
    finally:
        await recommender.aclose()
    return weights, order


async def _pool(recommender: Recommender, model: str | None, user: int, later: LaterEvents, most: int) -> list[int]:
    """Raw ids that the new pipeline would draw somebody's list from, best first."""
    person = person_from_record(recommender.catalog, user, recommender.store.user(user), later)
    _, outcome = await recommender.rank(Request(None, person, recommender.allowed(person)), model)
    pool: list[int] = recommender.catalog.ids[outcome.ranked.rows[:most]].tolist()
    return pool


def _check_support(last: Values, people: Ids, places: int) -> None:
    """The weights of lists that stand for all of the new pipeline's have the mean 1."""
    covered, error = float(last.mean()), mean_error(last, people)
    if covered + (Z95 * error if isfinite(error) else 0) < LEAST_COVERED:
        raise DataError(
            f"The logged lists stand for {covered:.0%} of what the new pipeline shows in its first {places} places; the rest "
            "was never shown, or too seldom, so nothing can be said of it. Judge fewer places (--places), or explore more: a "
            "larger share, or a smaller [experiments] steepness."
        )


def _told(value: float, error: float) -> dict[str, Any]:
    return {"value": value, "error": error, "interval": [value - Z95 * error, value + Z95 * error]}
