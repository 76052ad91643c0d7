"""Why a movie stands in a list: nearness to a movie they know, genres really shared, then whatever else brought it."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from sparrow.online.answers import Reason
from sparrow.online.catalog import Catalog
from sparrow.online.recall import Found, Recall, Request

MAX_REASONS: Final = 2
MAX_GENRES: Final = 3
"""Shared genres a reason names."""

Places = Mapping[str, Mapping[int, int]]
"""route name → row → its place (0-based) on that route."""

NOWHERE: Final[Mapping[int, int]] = {}


class Reasons:
    """The reasons of one list, up to `MAX_REASONS` a movie; what several movies share is worked out once."""

    def __init__(
        self, catalog: Catalog, routes: Sequence[Recall], found: Mapping[str, Found], places: Places, request: Request
    ) -> None:
        """
        Args:
            routes: in the order in which they give reasons.
            found: what each brought.
            places: of the movies of the list.
        """
        self._catalog, self._movie = catalog, request.movie
        self._routes = [
            (
                route.reason,
                brought,
                _anchors(found[route.name], brought) if route.reason == "because_liked" else NOWHERE,
            )
            for route in routes
            if (brought := places.get(route.name, NOWHERE)) or route.reason == "shared_genres"
        ]
        self._taste = _genre_taste(catalog, request)
        self._shared: dict[tuple[int, ...], Reason | None] = {}

    def of(self, row: int) -> tuple[Reason, ...]:
        """Nearness first; genres whichever route brought the row; then the other routes."""
        reasons: list[Reason] = []
        for kind, brought, anchors in self._routes:
            if kind == "shared_genres":
                reason = self._of_genres(row)
            elif row not in brought or (anchors and reasons):
                reason = None
            else:
                reason = self._of_nearness(anchors[row], row) if anchors else Reason(kind)
            if reason is not None:
                reasons.append(reason)
                if len(reasons) == MAX_REASONS:
                    break
        return tuple(reasons)

    def _of_nearness(self, near: int, row: int) -> Reason | None:
        if near < 0:
            return None
        facts, counts = self._catalog.facts[near], self._catalog.counts
        if self._movie is None:
            return Reason("because_liked", facts.movie_id, facts.title)
        return Reason("similar" if counts[near] and counts[row] else "similar_content", facts.movie_id, facts.title)

    def _of_genres(self, row: int) -> Reason | None:
        """The genres of the row that count most."""
        genres = self._catalog.genres_of[row]
        if genres not in self._shared:
            common = [genre for genre in genres if self._taste[genre] > 0]
            common.sort(key=lambda genre: -self._taste[genre])
            names = tuple(self._catalog.genre_names[genre] for genre in common[:MAX_GENRES])
            self._shared[genres] = Reason("shared_genres", genres=names) if names else None
        return self._shared[genres]


def _anchors(found: Found, brought: Mapping[int, int]) -> dict[int, int]:
    """Row → the row it is near to, of those rows of the list that the route brought."""
    rows = np.array(list(brought), dtype=np.int32)
    return dict(zip(brought, found.near(rows).tolist(), strict=True))


def _genre_taste(catalog: Catalog, request: Request) -> list[float]:
    """By genre, how much it counts here: the movie's own, or how many liked movies have it."""
    rows = request.person.liked if request.movie is None else np.array([request.movie])
    taste: list[float] = catalog.genres[rows].sum(axis=0).tolist()
    return taste
