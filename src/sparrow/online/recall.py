"""Recall: routes that bring a few hundred candidates, each candidate knowing which routes brought it.

A route is one method. It sees the whole request and gives its best rows with its own scores; routes do not know each other.
`merge` deduplicates: a movie keeps the place of the first route that brought it, and every route's name and score.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sparrow.online.answers import ReasonKind
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.people import Person
from sparrow.online.reranking import descending_by_score
from sparrow.online.similarity import NO_NEIGHBOUR, MovieSimilarity


@dataclass(frozen=True)
class Request:
    """What a list is wanted for: a movie ("similar") or a person ("for you").

    Attributes:
        movie: row of the movie that others shall be similar to, None for a person's list.
        person: who asks.
        allowed: (n,) bool, which movies may come back at all (available, unseen, not excluded, not `movie` itself).
        excluded: raw ids that the caller excluded; `allowed` says so too.
        region: where it comes from, likewise.
        age: of who looks on, likewise.
    """

    movie: int | None
    person: Person
    allowed: NDArray[np.bool_]
    excluded: frozenset[int] = frozenset()
    region: str = ""
    age: int | None = None


Near = Callable[[Rows], Rows]
"""(s,) rows that a route brought → (s,) the row that each is near to, -1 for none. Asked only of what is shown."""


def near_nothing(rows: Rows) -> Rows:
    """Of routes that know no such row."""
    return np.full(len(rows), NO_NEIGHBOUR, np.int32)


@dataclass(frozen=True)
class Found:
    """What one route brings, best first: (c,) rows, (c,) scores, and what each is near to."""

    rows: Rows
    scores: NDArray[np.float32]
    near: Near = near_nothing


class Recall(Protocol):
    """One route."""

    name: str
    reason: ReasonKind

    def recall(self, request: Request, quota: int) -> Found:
        """At most `quota` allowed candidates, best first."""


@dataclass(frozen=True)
class Candidates:
    """Merged candidates: (c,) rows, per route name what it found, and the routes that time did not allow."""

    rows: Rows
    found: dict[str, Found]
    left_out: tuple[str, ...] = ()


def merge(found: dict[str, Found], left_out: tuple[str, ...] = ()) -> Candidates:
    """One entry a movie, in the order routes brought them."""
    rows = np.concatenate([part.rows for part in found.values()]) if found else np.empty(0, np.int32)
    _, first = np.unique(rows, return_index=True)
    return Candidates(rows[np.sort(first)], found, left_out)


class EmbeddingRecall:
    """Stored embedding neighbours of the movie, or of each of a person's newest likes (best of them per candidate)."""

    name = "embedding"

    def __init__(self, similarity: MovieSimilarity, recent_likes: int) -> None:
        self._similarity, self._recent = similarity, recent_likes
        self.reason: ReasonKind = "because_liked"

    def recall(self, request: Request, quota: int) -> Found:
        anchors = (
            request.person.liked[-self._recent :] if request.movie is None else np.array([request.movie], np.int32)
        )
        rows = self._similarity.neighbours[anchors].ravel()
        near = np.repeat(anchors, self._similarity.neighbours.shape[1]).astype(np.int32)
        usable = (rows != NO_NEIGHBOUR) & request.allowed[rows]
        return _best(rows[usable], self._similarity.scores[anchors].ravel()[usable], near[usable], quota)


class GenreRecall:
    """Well rated movies that share genres with the movie, or with a person's likes (a genre profile by cosine).

    Movies of the same genres bring the same ones in the same order: its beginning is worked out once for all of them.
    """

    name = "genres"

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._beginnings: dict[tuple[int, ...], Found] = {}
        lengths = np.sqrt(catalog.genres.sum(axis=1, keepdims=True))
        self._unit = catalog.genres / np.maximum(lengths, 1)
        self._quality = (catalog.weighted_rating / 5.0).astype(np.float32)
        self.reason: ReasonKind = "shared_genres"

    def recall(self, request: Request, quota: int) -> Found:
        if request.movie is not None:
            return self._of_movie(request, request.movie, quota)
        if request.person.is_new:
            return nothing_found()
        profile = self._unit[request.person.liked].sum(axis=0)
        overlap = self._unit @ (profile / np.float32(max(float(np.linalg.norm(profile)), 1e-9)))
        return self._best(overlap, request.allowed, quota)

    def _of_movie(self, request: Request, movie: int, quota: int) -> Found:
        genres = self._catalog.genres_of[movie]
        if genres not in self._beginnings:
            everything = np.ones(len(self._quality), np.bool_)
            self._beginnings[genres] = self._best(self._catalog.genre_overlap(movie), everything, _DEEP)
        ahead = self._beginnings[genres]
        kept = np.flatnonzero(request.allowed[ahead.rows])[:quota]
        if len(kept) < quota and len(ahead.rows) == _DEEP:
            return self._best(self._catalog.genre_overlap(movie), request.allowed, quota)
        return Found(ahead.rows[kept], ahead.scores[kept])

    def _best(self, overlap: NDArray[np.float32], allowed: NDArray[np.bool_], quota: int) -> Found:
        scores = np.where(allowed & (overlap > 0), overlap * self._quality, np.float32(-1))
        rows = top_rows(scores, quota)
        rows = rows[scores[rows] > 0]
        return Found(rows, scores[rows])


_AHEAD: Final = 8
_DEEP: Final = 2000
"""Rows kept of each such beginning: 16 kB for each of the thousand mixes of genres that a catalogue may have."""


class StaticRecall:
    """One fixed order for everyone (highly rated, recent, popular): its first allowed movies."""

    def __init__(self, name: str, reason: ReasonKind, scores: NDArray[np.float64], eligible: NDArray[np.bool_]) -> None:
        """Args: scores: (n,) higher first; eligible: (n,) which movies may appear on this route."""
        self.name, self.reason = name, reason
        self._scores = scores.astype(np.float32)
        order = descending_by_score(scores)
        self._order = order[eligible[order]]

    def recall(self, request: Request, quota: int) -> Found:
        # Most of the best are allowed to most people: a few times the quota is looked at first, then everything.
        ahead = self._order[: _AHEAD * quota]
        rows = ahead[request.allowed[ahead]][:quota]
        if len(rows) < quota and len(ahead) < len(self._order):
            rows = self._order[request.allowed[self._order]][:quota]
        return Found(rows, self._scores[rows])


def static_routes(catalog: Catalog, min_ratings: int) -> list[Recall]:
    """Highly rated with enough ratings; newest releases with enough ratings, better first within a year; most rated."""
    enough = catalog.counts >= min_ratings
    newest = catalog.years + catalog.weighted_rating / 10
    return [
        StaticRecall("rated", "highly_rated", catalog.weighted_rating, enough),
        StaticRecall("recent", "recent", newest, enough & (catalog.years > 0)),
        StaticRecall("popular", "popular", catalog.counts.astype(np.float64), catalog.counts > 0),
    ]


def _best(rows: Rows, scores: NDArray[np.float32], near: Rows, quota: int) -> Found:
    """Each row once, with its highest score and the anchor that gave it."""
    order = descending_by_score(scores)
    # The best of a few places more than are wanted are mostly enough different ones.
    keep = _first_of_each(rows, order[: _AHEAD * quota])[:quota]
    if len(keep) < quota:
        keep = _first_of_each(rows, order)[:quota]
    anchor_of = dict(zip(rows[keep].tolist(), near[keep].tolist(), strict=True))
    return Found(rows[keep], scores[keep], lambda some: np.array([anchor_of[row] for row in some.tolist()], np.int32))


def _first_of_each(rows: Rows, order: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of places in order those at which a row stands for the first time."""
    _, first = np.unique(rows[order], return_index=True)
    return order[np.sort(first)]


def top_rows(scores: NDArray[np.float32], quota: int) -> Rows:
    """At most `quota` rows with the highest scores, best first; equal ones by row."""
    if quota < len(scores):
        chosen = np.sort(np.argpartition(-scores, quota)[:quota])
        return chosen[descending_by_score(scores[chosen])].astype(np.int32)
    return descending_by_score(scores)


def nothing_found() -> Found:
    """What a route brings that has nothing to go by."""
    return Found(np.empty(0, np.int32), np.empty(0, np.float32))


def run_routes(routes: Sequence[Recall], quotas: Mapping[str, int], request: Request, until: float = inf) -> Candidates:
    """Ask every route that has a quota, and merge; after `until` (`perf_counter`) only those that are fixed beforehand."""
    found, left_out = {}, []
    for route in (route for route in routes if route.name in quotas):
        if perf_counter() > until and not isinstance(route, StaticRecall):
            left_out.append(route.name)
        else:
            found[route.name] = route.recall(request, quotas[route.name])
    return merge(found, tuple(left_out))
