"""How many candidates each recall route may bring: learnt from what people did next, and measured on what they did after that.

Greedily, in steps of `STEP` places: the next go to the route, and are as many, as bring most movies per place that no route has
brought yet. A movie found twice counts once, so that gains diminish and greed is near the best (Nemhauser, Wolsey & Fisher,
1978); asking for several steps at once lets it look past a stretch in which a route brings nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.ranking import Ids
from sparrow.online.people import Person
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender

STEP: Final = 20
DEPTHS: Final = (100, 300, 500)
"""Candidates at which recall is told."""

LEAST: Final = STEP
LEAST_POPULAR: Final = 100
"""Every route keeps some places, and the popular ones a whole list: strangers have nothing else."""

POPULAR: Final = "popular"


class Asked(Protocol):
    """One person, and the movie ids that count as hits."""

    @property
    def person(self) -> Person: ...
    @property
    def relevant(self) -> Ids: ...


@dataclass(frozen=True)
class Places:
    """Where each route puts each of the movies that people did next.

    Attributes:
        routes: their names.
        ranks: (movies, routes) 0-based places; `depth` where it is not among so many.
        owners: (movies,) whose each is, from 0.
    """

    routes: Sequence[str]
    ranks: NDArray[np.int64]
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, recommender: Recommender, cases: Sequence[Asked], depth: int) -> "Places":
        """Ask every route of people's lists for `depth` candidates."""
        routes = recommender.rankers.pipeline(recommender.models[0]).routes
        catalog, ranks, owners = recommender.catalog, [], []
        for number, case in enumerate(cases):
            request = Request(None, case.person, recommender.allowed(case.person))
            wanted, _ = catalog.known_rows(case.relevant)
            place = np.full((len(catalog), len(routes)), depth, dtype=np.int64)
            for column, route in enumerate(routes):
                rows = route.recall(request, depth).rows
                place[rows, column] = np.arange(len(rows))
            ranks.append(place[wanted])
            owners.append(np.full(len(wanted), number))
        return cls([route.name for route in routes], np.concatenate(ranks), np.concatenate(owners))

    def recall(self, quotas: Mapping[str, int]) -> float:
        """Mean over people of the share of their movies that these places bring; people without such a movie do not count."""
        reach = np.array([quotas.get(name, 0) for name in self.routes])
        found: NDArray[np.bool_] = np.any(self.ranks < reach, axis=1)
        hits, total = np.bincount(self.owners, found), np.bincount(self.owners)
        return float(np.mean(hits[total > 0] / total[total > 0])) if len(found) else 0.0


def learn_quotas(places: Places, total: int) -> dict[str, int]:
    """Route → candidates, `total` in all but for the rounding to steps.

    Args:
        places: of movies that no route learnt from.
        total: at least what every route keeps.
    """
    quotas = {name: LEAST_POPULAR if name == POPULAR else LEAST for name in places.routes}
    weights = 1 / np.bincount(places.owners)[places.owners]
    reach = np.array([quotas[name] for name in places.routes])
    missing = ~(places.ranks < reach).any(axis=1)
    while (steps := (total - int(reach.sum())) // STEP) > 0:
        gains = _gains(places.ranks[missing], weights[missing], reach, steps)  # (routes, steps)
        per_place = gains / np.arange(1, steps + 1)
        best, more = np.unravel_index(int(np.argmax(per_place)), per_place.shape)
        reach[best] += STEP * (more + 1)
        missing &= places.ranks[:, best] >= reach[best]
    return dict(zip(places.routes, reach.tolist(), strict=True))


def _gains(
    ranks: NDArray[np.int64], weights: NDArray[np.float64], reach: NDArray[np.int64], steps: int
) -> NDArray[np.float64]:
    """(routes, steps) weight of the missing movies that each route brings with 1, 2, … steps more."""
    ahead = (ranks - reach) // STEP
    found = [np.bincount(np.clip(column, 0, steps), weights, steps + 1)[:steps] for column in ahead.T]
    return np.cumsum(found, axis=1)


def judge_routes(places: Places, quotas: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each route alone at every depth, and all of them at these quotas."""
    rows: list[dict[str, Any]] = [
        {"route": name, **{f"recall@{depth}": round(places.recall({name: depth}), 4) for depth in DEPTHS}}
        for name in places.routes
    ]
    return [*rows, {"route": "merged", "quotas": dict(quotas), "recall": round(places.recall(quotas), 4)}]
