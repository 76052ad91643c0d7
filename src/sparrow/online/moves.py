"""What each rule did to a ranking, for explanations: the rules run once more, so only who asks pays."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked, descending_by_score

EXPLORED: Final = "explored"
"""The last move in a list whose order was drawn (`exploration`)."""

Moves = list[dict[str, Any]]
"""`{"rule", "from", "to"}`, places from 1; `to` is None where the rule removed the movie."""


def steps(pipeline: Pipeline, outcome: Outcome, request: Request) -> Iterator[tuple[str, Ranked]]:
    """The order by score, under no name; what each rule made of it; at last what was shown, which is something else where the
    order was drawn."""
    order = descending_by_score(outcome.scores)
    ranked = Ranked(outcome.candidates.rows[order], outcome.scores[order])
    yield "", ranked
    for rule in (one for one in pipeline.rules if one.name not in outcome.left_out):
        ranked = rule.rerank(ranked, request)
        yield rule.name, ranked
    yield EXPLORED, outcome.ranked


def moves_of(pipeline: Pipeline, outcome: Outcome, request: Request, rows: Iterable[int]) -> Mapping[int, Moves]:
    """Row → its moves, up to the rule that removed it; rows that recall did not bring have none."""
    told: dict[int, Moves] = {row: [] for row in rows}
    walk = steps(pipeline, outcome, request)
    before = _places(next(walk)[1])
    for rule, ranked in walk:
        after = _places(ranked)
        for row, moves in told.items():
            if row in before and before[row] != after.get(row):
                moves.append({"rule": rule, "from": before[row], "to": after.get(row)})
        before = after
    return told


def _places(ranked: Ranked) -> dict[int, int]:
    return {row: place for place, row in enumerate(ranked.rows.tolist(), 1)}
