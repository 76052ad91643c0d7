"""Who asks: a person's history within one release, from stored ratings, later events, or the request itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.features.definitions import LIKED_HALF_STARS, half_stars
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.later_events import LaterEvents
from sparrow.schema import UserId
from sparrow.stores.feature_store import UserRecord

_NO_TIMES: Final = np.empty(0, np.int64)


@dataclass(frozen=True)
class Shown:
    """(s,) rows that a person was shown and did not open, and in how many lists each."""

    rows: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    times: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class Person:
    """A person as ranking sees them; movies are dense rows of the catalogue, oldest first.

    Attributes:
        user_id: None for a guest.
        rated: (n,) movies they rated (each once, at its latest rating).
        halves: (n,) those ratings in half-stars.
        seen: (m,) everything not to be shown again: rated, watched or "not for me".
        shown: what may tire them, where a rule asks for it.
    """

    user_id: UserId | None
    rated: Rows
    halves: NDArray[np.int64]
    seen: Rows
    shown: Shown = Shown()

    @cached_property
    def liked(self) -> Rows:
        """(l,) movies rated 3.5 stars or more, oldest first."""
        liked: Rows = self.rated[self.halves >= LIKED_HALF_STARS]
        return liked

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of their taste."""
        return not len(self.liked)


def person_from_record(
    catalog: Catalog, user_id: int, record: UserRecord | None, later: LaterEvents = LaterEvents()
) -> Person:
    """A person with an account: release history plus later events, in the order of time that the batch job keeps."""
    movies, halves, times = record.ratings() if record else (np.empty(0, np.int64), np.empty(0, np.uint8), _NO_TIMES)
    if later.undone:
        counts = times > np.array([later.undone.get(movie, -1) for movie in movies.tolist()], dtype=np.int64)
        movies, halves, times = movies[counts], halves[counts], times[counts]
    if later.ratings:
        movies = np.concatenate([movies, np.array([movie for movie, _ in later.ratings], dtype=np.int64)])
        halves = np.concatenate([halves, np.array([half_stars(stars) for _, stars in later.ratings], dtype=np.uint8)])
        at = [later.rated_at[movie] for movie, _ in later.ratings]
        times = np.concatenate([times, np.array(at, dtype=np.int64)])
        # Stable: an event in the very second of a stored rating of its movie comes after it.
        order = np.lexsort((movies, times))
        movies, halves = movies[order], halves[order]
    person = _person(catalog, UserId(user_id), movies, halves.astype(np.int64), later.seen)
    return replace(person, shown=_shown(catalog, later.shown)) if later.shown else person


def person_from_history(catalog: Catalog, history: Sequence[tuple[int, float | None]]) -> Person:
    """A guest: (movie id, stars) pairs, oldest first; without stars a movie counts as liked. Unknown movies are left out."""
    movies = np.array([movie for movie, _ in history], dtype=np.int64)
    halves = np.array([10 if stars is None else half_stars(stars) for _, stars in history], dtype=np.int64)
    return _person(catalog, None, movies, halves, frozenset())


def _shown(catalog: Catalog, shown: Mapping[int, int]) -> Shown:
    rows, known = catalog.known_rows(np.array(list(shown), dtype=np.int64))
    return Shown(rows, np.array(list(shown.values()), dtype=np.int64)[known])


def _person(
    catalog: Catalog, user_id: UserId | None, movies: NDArray[np.int64], halves: NDArray[np.int64], seen: frozenset[int]
) -> Person:
    rows, known = catalog.known_rows(movies)
    newest_first, first = np.unique(rows[::-1], return_index=True)
    latest = np.sort(len(rows) - 1 - first)
    rated = rows[latest]
    everything = newest_first
    if seen:
        more, _ = catalog.known_rows(np.array(sorted(seen), dtype=np.int64))
        everything = np.union1d(newest_first, more).astype(np.int32)
    return Person(user_id, rated, halves[known][latest], everything)
