"""A pipeline is a plain list: routes, rankers from best to last resort, rules. It always ends with an answer."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        parts: of a ranker that sums, (c,) scores by part; only where an explanation was asked for.
    """

    ranked: Ranked
    candidates: Candidates
    scores: Scores
    ranker: str
    failed: tuple[str, ...]
    timings: dict[str, float]
    parts: Mapping[str, Scores] = field(default_factory=dict)


@dataclass(frozen=True)
class Pipeline:
    """One named way to a list.

    Attributes:
        name: e.g. "for_you".
        routes: recall, in the order in which they win ties.
        quotas: candidates per route name.
        rankers: best first; the last one needs nothing.
        rules: what happens after the sort.
    """

    name: str
    routes: Sequence[Recall]
    quotas: dict[str, int]
    rankers: Sequence[Ranker]
    rules: Sequence[Reranker] = field(default=())

    async def run(self, request: Request, explain: bool = False, brought: Candidates | None = None) -> Outcome:
        """Recall, rank in one batch, sort, apply the rules.

        Args:
            request: who asks, and for what.
            explain: give the parts of the scores, too.
            brought: candidates, where another pipeline of the same recall has brought them for this request.
        """
        started = perf_counter()
        candidates = brought or run_routes(self.routes, self.quotas, request)
        recalled = perf_counter()
        ranker, scores, failed = await self._rank(request, candidates.rows)
        scored = perf_counter()
        ranked = sort_and_rerank(candidates.rows, scores, self.rules, request)
        times = (started, recalled, scored, perf_counter())
        timings = {
            stage: round(1000 * (end - begin), 3) for stage, begin, end in zip(_STAGES, times, times[1:], strict=False)
        }
        parts = await ranker.parts(request, candidates.rows) if explain and isinstance(ranker, OfParts) else {}
        return Outcome(ranked, candidates, scores, ranker.name, failed, timings, parts)

    async def _rank(self, request: Request, rows: Rows) -> tuple[Ranker, Scores, tuple[str, ...]]:
        failed: list[str] = []
        for ranker in self.rankers:
            try:
                scores = check_scores(ranker.name, await ranker.rank(request, rows), rows)
                return ranker, scores, tuple(failed)
            except RankerUnavailable as error:
                log.warning("%s: the ranker %s cannot answer: %s", self.name, ranker.name, error)
                failed.append(ranker.name)
        raise RankerUnavailable(f"No ranker of the pipeline {self.name} could answer ({', '.join(failed)}).")


_STAGES = ("recall", "ranking", "reranking")
