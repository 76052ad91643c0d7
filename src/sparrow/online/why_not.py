"""`explain_movie=`: why one movie stands where it does in a list, or why it does not stand there. Works only when asked."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from sparrow.online.availability import Availability
from sparrow.online.catalog import Catalog
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked, descending_by_score

EXPLORED: Final = "explored"
"""The last move in a list whose order was drawn (`exploration`)."""

_WORDS: Final = {
    "hidden": "it is hidden",
    "min_ratings": "it has fewer ratings than candidates.min_ratings asks for",
    "where": "it does not meet candidates.where",
    "window": "no window of it is open now",
    "region": "no window of it is open in this region",
    "seen": "the person has seen it, or said it is not for them",
    "excluded": "the request excludes it",
    "itself": "it is the movie that others shall be like",
    "apart": "a rule keeps the two movies apart",
}
"""What each reason means that a movie is no candidate."""


def barred(catalog: Catalog, available: Availability, apart: Iterable[int], request: Request, row: int) -> list[str]:
    """Why a movie that is not allowed is no candidate: names of rules; `apart` are rows kept from the request's movie."""
    told = {
        "seen": row in request.person.seen,
        "excluded": int(catalog.ids[row]) in request.excluded,
        "itself": row == request.movie,
        "apart": row in apart,
    }
    return [*available.reasons(row, request.region), *(name for name, is_so in told.items() if is_so)]


def why_not(
    pipeline: Pipeline, outcome: Outcome, request: Request, row: int, size: int, barred: Sequence[str]
) -> dict[str, Any]:
    """What became of one movie, stage by stage, up to the one where it was lost.

    Args:
        pipeline: the one that made the list.
        outcome: what its run gave.
        request: what was asked.
        row: the movie.
        size: movies in the list.
        barred: why it is no candidate, names of rules; empty if it is one.
    """
    if barred:
        words = "; ".join(_WORDS[reason] for reason in barred)
        return {"verdict": "no_candidate", "because": list(barred), "detail": f"It is no candidate: {words}."}
    routes = _routes(outcome, row)
    if not routes:
        asked = [route.name for route in pipeline.routes if route.name in pipeline.quotas]
        detail = f"None of the routes {', '.join(asked)} brought it within its quota."
        return {"verdict": "not_recalled", "because": asked, "detail": detail}
    [candidate] = np.flatnonzero(outcome.candidates.rows == row).tolist()
    score, ranked = float(outcome.scores[candidate]), int((outcome.scores > outcome.scores[candidate]).sum()) + 1
    parts = {name: round(float(scores[candidate]), 4) for name, scores in outcome.parts.items()}
    told = {"routes": routes, "ranker": outcome.ranker, "score": score, "ranked": ranked}
    return told | ({"parts": parts} if parts else {}) | _reranked(pipeline, outcome, request, row, size)


def _routes(outcome: Outcome, row: int) -> dict[str, dict[str, float]]:
    """Route → its place (from 1) and score there, of those that brought the row."""
    places = {name: np.flatnonzero(found.rows == row) for name, found in outcome.candidates.found.items()}
    return {
        name: {"place": int(at[0]) + 1, "score": float(outcome.candidates.found[name].scores[at[0]])}
        for name, at in places.items()
        if len(at)
    }


def _reranked(pipeline: Pipeline, outcome: Outcome, request: Request, row: int, size: int) -> dict[str, Any]:
    """Its place before and after each rule, until one removes it or the list ends; where the order was drawn, that comes last."""
    order = descending_by_score(outcome.scores)
    by_score = Ranked(outcome.candidates.rows[order], outcome.scores[order])
    place, moves = _place(by_score, row), []
    for name, ranked in _steps(pipeline, outcome, request, by_score):
        before, place = place, _place(ranked, row)
        if place != before:
            moves.append({"rule": name, "from": before, "to": place})
        if place is None:
            how = "the places were drawn, and it was not" if name == EXPLORED else f"the rule {name} removed it"
            detail = f"It was ranked at place {before} when {how}."
            return {"moves": moves, "verdict": "removed", "because": [name], "detail": detail}
    assert place is not None
    if place > size:
        detail = f"It came to place {place}; the list has {size}."
        return {"moves": moves, "position": place, "verdict": "too_far_behind", "because": [], "detail": detail}
    detail = f"It stands in the list, at place {place}."
    return {"moves": moves, "position": place, "verdict": "listed", "because": [], "detail": detail}


def _steps(pipeline: Pipeline, outcome: Outcome, request: Request, ranked: Ranked) -> Iterator[tuple[str, Ranked]]:
    """What each rule made of the ranking; at last what was shown, which is something else where the order was drawn."""
    for rule in (one for one in pipeline.rules if one.name not in outcome.left_out):
        ranked = rule.rerank(ranked, request)
        yield rule.name, ranked
    yield EXPLORED, outcome.ranked


def _place(ranked: Ranked, row: int) -> int | None:
    """From 1; None if it is not there."""
    found = np.flatnonzero(ranked.rows == row)
    return int(found[0]) + 1 if len(found) else None
