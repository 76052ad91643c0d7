"""What a run gave becomes a list with words: reasons, traces, what was replaced, and what became of the movie asked about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sparrow.fresh_ids import fresh_id
from sparrow.online.answers import ListedMovie, Listing
from sparrow.online.apart import Apart
from sparrow.online.availability import Availability
from sparrow.online.catalog import Catalog
from sparrow.online.deep import DeepRanker
from sparrow.online.drafting import Drafted, in_order
from sparrow.online.explain import explain_items
from sparrow.online.moves import EXPLORED
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Request
from sparrow.online.wanted import Wanted
from sparrow.online.why_not import barred, why_not

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Listings:
    """Makes the lists of one release under one version of the rules.

    Attributes:
        release: its id.
        catalog: its movies.
        deep: networks that explain what they ranked, by name.
        available: what may be shown.
        apart: what stands in no list together.
    """

    release: str
    catalog: Catalog
    deep: Mapping[str, DeepRanker]
    available: Availability
    apart: Apart

    def of(
        self, pipeline: Pipeline, outcome: Outcome, request: Request, wanted: Wanted, degraded: tuple[str, ...] = ()
    ) -> Listing:
        """The list of one run; `degraded` is what was missing before it."""
        model = self.deep.get(outcome.ranker)
        items, routes = explain_items(self.catalog, pipeline, outcome, request, wanted, model)
        listing = Listing(
            release=self.release,
            recommendation_id=fresh_id(),
            pipeline=pipeline.name,
            arm="",
            items=items,
            degraded=(*degraded, *outcome.degraded),
            timings=outcome.timings,
            ranker=outcome.ranker,
            routes=routes,
        )
        return self._told(listing, pipeline, outcome, request, wanted)

    def of_draft(self, both: Drafted, request: Request, wanted: Wanted, degraded: tuple[str, ...]) -> Listing:
        """The list of two runs. Each side tells of the movies it added; of the movie asked about, the side that knows it."""
        silent = replace(wanted, explain_movie=None)
        halves = [
            self.of(pipeline, both.of(team), request, silent, degraded) for team, (pipeline, _) in enumerate(both.sides)
        ]
        items = in_order(both.teams, [one.items for one in halves])
        listing = replace(
            halves[0],
            pipeline=both.pipeline,
            items=tuple(_drafted(item, place) for place, item in enumerate(items, 1)),
            teams=both.teams,
            ranker="+".join(one.ranker for one in halves),
            routes=_summed(one.routes for one in halves),
            timings=_summed(one.timings for one in halves),
            degraded=tuple(dict.fromkeys(part for one in halves for part in one.degraded)),
        )
        if wanted.explain_movie is None:
            return listing
        side = both.side_of(int(self.catalog.row(wanted.explain_movie)))
        return self._told(listing, *side, request, wanted)

    def _told(
        self, listing: Listing, pipeline: Pipeline, outcome: Outcome, request: Request, wanted: Wanted
    ) -> Listing:
        """With what became of the movie that was asked about, if one was."""
        if wanted.explain_movie is None:
            return listing
        row = int(self.catalog.row(wanted.explain_movie))
        told = why_not(pipeline, outcome, request, row, wanted.size, self._barred(request, row))
        return replace(listing, asked_about=self.catalog.facts[row], told=told)

    def _barred(self, request: Request, row: int) -> list[str]:
        """Why a movie is no candidate; [] if it is one."""
        others = () if request.movie is None else self.apart.of(request.movie)
        return [] if request.allowed[row] else barred(self.catalog, self.available, others, request, row)


def _drafted(item: ListedMovie, place: int) -> ListedMovie:
    """With its place in the drafted list; how it moved is told as far as its own side's rules went."""
    if item.trace is None:
        return item
    moves = [move for move in item.trace["moves"] if move["rule"] != EXPLORED]
    return replace(item, trace={**item.trace, "position": place, "moves": moves})


def _summed(parts: Iterable[Mapping[str, Number]]) -> dict[str, Number]:
    """Figures of both sides, by name."""
    summed: dict[str, Number] = {}
    for name, figure in (pair for part in parts for pair in part.items()):
        summed[name] = summed[name] + figure if name in summed else figure
    return summed
