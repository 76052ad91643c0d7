"""`explain_movie=`: why one movie stands where it does in a list, or why it does not stand there. Works only when asked."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from sparrow.online.availability import Availability
from sparrow.online.catalog import Catalog
from sparrow.online.moves import EXPLORED, moves_of
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Request

_WORDS: Final = {
    "hidden": "it is hidden",
    "min_ratings": "it has fewer ratings than candidates.min_ratings asks for",
    "where": "it does not meet candidates.where",
    "not_offered": "the source of candidates does not name it",
    "window": "no window of it is open now",
    "region": "no window of it is open in this region",
    "age": "its age rating is above the age of who looks on, or it has none",
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
    return [*available.reasons(row, request.region, request.age), *(name for name, is_so in told.items() if is_so)]


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
    moves = moves_of(pipeline, outcome, request, [row])[row]
    if moves and moves[-1]["to"] is None:
        name, before = moves[-1]["rule"], moves[-1]["from"]
        how = "the places were drawn, and it was not" if name == EXPLORED else f"the rule {name} removed it"
        detail = f"It was ranked at place {before} when {how}."
        return {"moves": moves, "verdict": "removed", "because": [name], "detail": detail}
    place = int(np.flatnonzero(outcome.ranked.rows == row)[0]) + 1
    if place > size:
        detail = f"It came to place {place}; the list has {size}."
        return {"moves": moves, "position": place, "verdict": "too_far_behind", "because": [], "detail": detail}
    detail = f"It stands in the list, at place {place}."
    return {"moves": moves, "position": place, "verdict": "listed", "because": [], "detail": detail}
