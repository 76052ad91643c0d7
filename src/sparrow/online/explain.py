"""From rows back to movies with reasons; and, only when asked, the whole trace of each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from sparrow.online.answers import ListedMovie, Reason, ReasonKind
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.deep import DeepRanker
from sparrow.online.moves import Moves, moves_of
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.recall import Found, Recall, Request
from sparrow.online.wanted import Wanted

MAX_REASONS: Final = 2
MAX_GENRES: Final = 3
"""Shared genres a reason names."""

Places = Mapping[str, Mapping[int, int]]
"""route name → row → its place (0-based) on that route, or the row it is near to."""

_NOWHERE: Final[Mapping[int, int]] = {}


def explain_items(
    catalog: Catalog,
    pipeline: Pipeline,
    outcome: Outcome,
    request: Request,
    wanted: Wanted,
    model: DeepRanker | None = None,
) -> tuple[tuple[ListedMovie, ...], dict[str, int]]:
    """The first of a ranking with up to `MAX_REASONS` reasons each, and how many of them each route brought; `model` ranked them,
    if a network did."""
    shown, trace = outcome.ranked.rows[: wanted.size], wanted.explain
    routes, moves = pipeline.routes, moves_of(pipeline, outcome, request, shown.tolist()) if trace else {}
    rows, told = shown.tolist(), model.explain(request, shown) if trace and model else []
    places = _places(outcome.candidates.found, shown)
    anchors = {
        route.name: _anchors(outcome.candidates.found[route.name], places[route.name])
        for route in routes
        if route.reason == "because_liked" and route.name in places
    }
    shared = _SharedGenres(catalog, _genre_taste(catalog, request))
    items = tuple(
        ListedMovie(
            movie=catalog.facts[row],
            score=score,
            reasons=_reasons(catalog, routes, anchors, request, places, shared.of(row), row),
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


def _anchors(found: Found, places: Mapping[int, int]) -> dict[int, int]:
    """Row → the row it is near to, of the shown rows that the route brought."""
    rows = np.array(list(places), dtype=np.int32)
    return dict(zip(places, found.near(rows).tolist(), strict=True))


def _reasons(
    catalog: Catalog,
    routes: Sequence[Recall],
    anchors: Places,
    request: Request,
    places: Places,
    genres: tuple[str, ...],
    row: int,
) -> tuple[Reason, ...]:
    """Nearness to a movie first, then genres really shared, whichever route brought the row; then the other routes."""
    reasons: list[Reason] = []
    for route in routes:
        if len(reasons) == MAX_REASONS:
            break
        place = places.get(route.name, _NOWHERE).get(row)
        if route.reason == "shared_genres" and genres:
            reasons.append(Reason("shared_genres", genres=genres))
        elif route.reason == "because_liked" and place is not None and not reasons:
            near = anchors[route.name][row]
            if near < 0:
                continue
            facts = catalog.facts[near]
            reasons.append(Reason(_nearness(catalog, request, near, row), facts.movie_id, facts.title))
        elif route.reason not in ("shared_genres", "because_liked") and place is not None:
            reasons.append(Reason(route.reason))
    return tuple(reasons)


def _nearness(catalog: Catalog, request: Request, near: int, row: int) -> ReasonKind:
    if request.movie is None:
        return "because_liked"
    return "similar" if catalog.counts[near] and catalog.counts[row] else "similar_content"


def _genre_taste(catalog: Catalog, request: Request) -> list[float]:
    """By genre, how much it counts here: the movie's own, or how many liked movies have it."""
    rows = request.person.liked if request.movie is None else np.array([request.movie])
    taste: list[float] = catalog.genres[rows].sum(axis=0).tolist()
    return taste


class _SharedGenres:
    """The genres of a row that count most, at most `MAX_GENRES`; worked out once for all movies of the same genres."""

    def __init__(self, catalog: Catalog, taste: Sequence[float]) -> None:
        self._catalog, self._taste = catalog, taste
        self._known: dict[tuple[int, ...], tuple[str, ...]] = {}

    def of(self, row: int) -> tuple[str, ...]:
        genres = self._catalog.genres_of[row]
        if genres not in self._known:
            common = [genre for genre in genres if self._taste[genre] > 0]
            common.sort(key=lambda genre: -self._taste[genre])
            self._known[genres] = tuple(self._catalog.genre_names[genre] for genre in common[:MAX_GENRES])
        return self._known[genres]


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
