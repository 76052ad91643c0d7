"""Who asks: a person's history within one release, from stored ratings, later events, or the request itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sparrow.features.definitions import LIKED_HALF_STARS, half_stars
from sparrow.online.catalog import Catalog, Rows
from sparrow.schema import UserId
from sparrow.stores.feature_store import UserRecord
from sparrow.stores.live import StoredEvent


@dataclass(frozen=True)
class Person:
    """A person as ranking sees them; movies are dense rows of the catalogue, oldest first.

    Attributes:
        user_id: None for a guest.
        rated: (n,) movies they rated (each once, at its latest rating).
        halves: (n,) those ratings in half-stars.
        seen: (m,) everything not to be shown again: rated, watched or disliked.
        disliked: rows of those that are "not for me".
    """

    user_id: UserId | None
    rated: Rows
    halves: NDArray[np.int64]
    seen: Rows
    disliked: frozenset[int] = frozenset()

    @cached_property
    def liked(self) -> Rows:
        """(l,) movies rated 3.5 stars or more and not disliked since, oldest first."""
        liked: Rows = self.rated[self.halves >= LIKED_HALF_STARS]
        return liked[~np.isin(liked, list(self.disliked))] if self.disliked else liked

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of their taste."""
        return not len(self.liked)


@dataclass(frozen=True, slots=True)
class LaterEvents:
    """What a person did after the release was built.

    Attributes:
        ratings: (movie id, stars), oldest first.
        rated_at: movie id → seconds, UTC, of its latest rating.
        seen: ids not to show again: watched or disliked.
        disliked: those of `seen` that are "not for me"; they no longer count as liked, however they were rated.
        undone: ids about which the release's own ratings no longer count either.
    """

    ratings: Sequence[tuple[int, float]] = ()
    rated_at: Mapping[int, int] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    disliked: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is known at all."""
        return bool(self.ratings or self.seen or self.undone)


def sum_events(events: Iterable[StoredEvent]) -> LaterEvents:
    """A person's events in the order they happened: "undo" takes back all about its movie, a later rating replaces."""
    ratings: dict[int, float] = {}
    rated_at: dict[int, int] = {}
    seen: set[int] = set()
    disliked: set[int] = set()
    undone: set[int] = set()
    for event in sorted(events, key=lambda event: (event.timestamp, event.seq)):
        if event.type in ("undo", "rating"):
            ratings.pop(event.movie_id, None)
            disliked.discard(event.movie_id)
        if event.type == "undo":
            rated_at.pop(event.movie_id, None)
            seen.discard(event.movie_id)
            undone.add(event.movie_id)
        elif event.type == "rating" and event.value is not None:
            ratings[event.movie_id], rated_at[event.movie_id] = event.value, event.timestamp
        elif event.type in ("watch", "dislike"):
            seen.add(event.movie_id)
            if event.type == "dislike":
                disliked.add(event.movie_id)
    return LaterEvents(list(ratings.items()), rated_at, frozenset(seen), frozenset(disliked), frozenset(undone))


def person_from_record(
    catalog: Catalog, user_id: int, record: UserRecord | None, later: LaterEvents = LaterEvents()
) -> Person:
    """A person with an account: release history plus later events, the latest rating of a movie counting."""
    stored = record.ratings() if record else (np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64))
    counts = ~np.isin(stored[0], list(later.undone))
    movies = np.concatenate([stored[0][counts], np.array([movie for movie, _ in later.ratings], dtype=np.int64)])
    later_halves = np.array([half_stars(stars) for _, stars in later.ratings], dtype=np.int64)
    halves = np.concatenate([stored[1][counts].astype(np.int64), later_halves])
    person = _person(catalog, UserId(user_id), movies, halves, later.seen)
    disliked, _ = catalog.known_rows(np.array(sorted(later.disliked), dtype=np.int64))
    return replace(person, disliked=frozenset(disliked.tolist()))


def person_from_history(catalog: Catalog, history: Sequence[tuple[int, float | None]]) -> Person:
    """A guest: (movie id, stars) pairs, oldest first; without stars a movie counts as liked. Unknown movies are left out."""
    movies = np.array([movie for movie, _ in history], dtype=np.int64)
    halves = np.array([10 if stars is None else half_stars(stars) for _, stars in history], dtype=np.int64)
    return _person(catalog, None, movies, halves, frozenset())


def _person(
    catalog: Catalog, user_id: UserId | None, movies: NDArray[np.int64], halves: NDArray[np.int64], seen: frozenset[int]
) -> Person:
    rows, known = catalog.known_rows(movies)
    newest_first, first = np.unique(rows[::-1], return_index=True)
    latest = np.sort(len(rows) - 1 - first)
    rated = rows[latest]
    more, _ = catalog.known_rows(np.array(sorted(seen), dtype=np.int64))
    return Person(user_id, rated, halves[known][latest], np.union1d(newest_first, more).astype(np.int32))
