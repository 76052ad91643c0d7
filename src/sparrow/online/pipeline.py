"""A pipeline is a plain list: routes, rankers from best to last resort, rules. It always ends with an answer."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from time import perf_counter

from sparrow.errors import RankerUnavailable
from sparrow.online.catalog import Rows
from sparrow.online.ranking import OfParts, Ranker, Scores, check_scores
from sparrow.online.recall import Candidates, Recall, Request, run_routes
from sparrow.online.reranking import Ranked, Reranker, sort_and_rerank

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a run gave, with everything an explanation needs.

    Attributes:
        ranked: the final order.
        candidates: what recall brought.
        scores: (c,) ranker's scores in the candidates' order.
        ranker: name of the ranker that answered.
        failed: names of rankers that should have answered and could not.
        timings: milliseconds per stage.
        left_out: names of rules that time did not allow.
        parts: of a ranker that sums, (c,) scores by part; only where an explanation was asked for.
    """

    ranked: Ranked
    candidates: Candidates
    scores: Scores
    ranker: str
    failed: tuple[str, ...]
    timings: dict[str, float]
    left_out: tuple[str, ...] = ()
    parts: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def degraded(self) -> tuple[str, ...]:
        """Which stages had to do with the next best."""
        lost = {"recall": self.candidates.left_out, "ranker": self.failed, "reranking": self.left_out}
        return tuple(stage for stage, names in lost.items() if names)


@dataclass(frozen=True)
class Deadlines:
    """Seconds after its beginning at which a stage makes do with what it has.

    Nothing that computes in this process is broken off: a route, a ranker or a rule that has begun gives its answer, and what
    comes after it is left out. A ranker that waits for another server is broken off.
    """

    recall: float = inf
    ranking: float = inf
    reranking: float = inf


@dataclass(frozen=True)
class Pipeline:
    """One named way to a list.

    Attributes:
        name: e.g. "for_you".
        routes: recall, in the order in which they win ties.
        quotas: candidates per route name.
        rankers: best first; the last one needs nothing.
        rules: what happens after the sort.
        deadlines: of its stages.
        explore: share of a person's lists whose order is drawn, where no experiment says otherwise.
    """

    name: str
    routes: Sequence[Recall]
    quotas: Mapping[str, int]
    rankers: Sequence[Ranker]
    rules: Sequence[Reranker] = field(default=())
    deadlines: Deadlines = field(default=Deadlines())
    explore: float = 0.0

    async def run(self, request: Request, explain: bool = False, brought: Candidates | None = None) -> Outcome:
        """Recall, rank in one batch, sort, apply the rules.

        Args:
            request: who asks, and for what.
            explain: give the parts of the scores, too.
            brought: candidates, where another pipeline of the same recall has brought them for this request.
        """
        started = perf_counter()
        candidates = brought or run_routes(self.routes, self.quotas, request, started + self.deadlines.recall)
        recalled = perf_counter()
        ranker, scores, failed = await self._rank(request, candidates.rows)
        scored = perf_counter()
        until = scored + self.deadlines.reranking
        ranked, left_out = sort_and_rerank(candidates.rows, scores, self.rules, request, until)
        times = (started, recalled, scored, perf_counter())
        timings = {
            stage: round(1000 * (end - begin), 3) for stage, begin, end in zip(_STAGES, times, times[1:], strict=False)
        }
        parts = await ranker.parts(request, candidates.rows) if explain and isinstance(ranker, OfParts) else {}
        return Outcome(ranked, candidates, scores, ranker.name, failed, timings, left_out, parts)

    async def _rank(self, request: Request, rows: Rows) -> tuple[Ranker, Scores, tuple[str, ...]]:
        failed: list[str] = []
        until = perf_counter() + self.deadlines.ranking
        for ranker in self.rankers:
            try:
                scores = check_scores(ranker.name, await _in_time(ranker, request, rows, until), rows)
                return ranker, scores, tuple(failed)
            except RankerUnavailable as error:
                log.warning("%s: the ranker %s cannot answer: %s", self.name, ranker.name, error)
                failed.append(ranker.name)
        raise RankerUnavailable(f"No ranker of the pipeline {self.name} could answer ({', '.join(failed)}).")


async def _in_time(ranker: Ranker, request: Request, rows: Rows, until: float) -> Scores:
    """Its scores; what computes without waiting answers however late it is."""
    left = None if until == inf else max(until - perf_counter(), 0)
    try:
        async with asyncio.timeout(left):
            return await ranker.rank(request, rows)
    except TimeoutError:
        raise RankerUnavailable(f"{ranker.name} did not answer before the deadline of ranking.") from None


_STAGES = ("recall", "ranking", "reranking")
