"""From rows back to movies with reasons; and, only when asked, the whole trace of each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sparrow.online.answers import ListedMovie
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.deep import DeepRanker
from sparrow.online.moves import Moves, moves_of
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.reasons import Places, Reasons
from sparrow.online.recall import Found, Request
from sparrow.online.wanted import Wanted


def explain_items(
    catalog: Catalog,
    pipeline: Pipeline,
    outcome: Outcome,
    request: Request,
    wanted: Wanted,
    model: DeepRanker | None = None,
) -> tuple[tuple[ListedMovie, ...], dict[str, int]]:
    """The first of a ranking with up to a few reasons each, and how many of them each route brought; `model` ranked them,
    if a network did."""
    shown, trace = outcome.ranked.rows[: wanted.size], wanted.explain
    moves = moves_of(pipeline, outcome, request, shown.tolist()) if trace else {}
    rows, told = shown.tolist(), model.explain(request, shown) if trace and model else []
    places = _places(outcome.candidates.found, shown)
    reasons = Reasons(catalog, pipeline.routes, outcome.candidates.found, places, request)
    items = tuple(
        ListedMovie(
            movie=catalog.facts[row],
            score=score,
            reasons=reasons.of(row),
            trace=_trace(outcome, places, row, position, moves[row]) | (told[position] if told else {})
            if trace
            else None,
        )
        for position, (row, score) in enumerate(zip(rows, outcome.ranked.scores[: wanted.size].tolist(), strict=True))
    )
    return items, {name: len(found) for name, found in places.items() if found}


def _places(found: Mapping[str, Found], shown: Rows) -> dict[str, dict[int, int]]:
    """Of the shown rows, by route, where each stands on it; all routes in one look, which is most of what a list pays here."""
    if not len(shown) or not found:
        return {name: {} for name in found}
    brought = np.concatenate([route.rows for route in found.values()])
    known = np.sort(shown)
    hits = np.flatnonzero(known[np.minimum(np.searchsorted(known, brought), len(known) - 1)] == brought)
    ends = np.cumsum([len(route.rows) for route in found.values()])
    places: dict[str, dict[int, int]] = {}
    for name, end, of_route in zip(found, ends.tolist(), np.split(hits, np.searchsorted(hits, ends)), strict=False):
        begin = end - len(found[name].rows)
        places[name] = dict(zip(brought[of_route].tolist(), (of_route - begin).tolist(), strict=True))
    return places


def _trace(outcome: Outcome, places: Places, row: int, position: int, moves: Moves) -> dict[str, Any]:
    """Which routes brought it where with what score, what the ranker said, and where which rule moved it."""
    routes = {
        name: {"place": found[row] + 1, "score": float(outcome.candidates.found[name].scores[found[row]])}
        for name, found in places.items()
        if row in found
    }
    candidate = int(np.flatnonzero(outcome.candidates.rows == row)[0])
    score = float(outcome.scores[candidate])
    better = int((outcome.scores > score).sum())
    parts = {name: round(float(scores[candidate]), 4) for name, scores in outcome.parts.items()}
    told = {"routes": routes, "ranker": outcome.ranker, "score": score, "ranked": better + 1}
    told |= {"moves": moves, "position": position + 1}
    return told | ({"parts": parts} if parts else {})
