"""A pipeline's run told as spans: from outside, by the times that the run gives anyhow."""

from time import time_ns

from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Candidates, Request
from sparrow.tracing import stages


async def run_traced(
    pipeline: Pipeline, request: Request, explain: bool = False, brought: Candidates | None = None
) -> Outcome:
    """`Pipeline.run`, with a span for each of its stages."""
    started_ns = time_ns()
    outcome = await pipeline.run(request, explain, brought)
    about: dict[str, str | int] = {
        "sparrow.pipeline": pipeline.name,
        "sparrow.ranker": outcome.ranker,
        "sparrow.failed": ",".join(outcome.failed),
        "sparrow.candidates": len(outcome.candidates.rows),
    }
    stages(started_ns, outcome.timings, about)
    return outcome
