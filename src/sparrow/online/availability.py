"""What may be shown, where, when and to whom: rules over the catalogue become masks, and a request pays for a mask only.

A movie that windows name is shown while one of them is open where the request comes from; so is one whose genres windows name;
where both kinds name it, both must be open. Masks hold until the next window opens or closes; then the first request that asks
makes the next one. An age rating by id counts before those by genre, the highest of a kind; who does not say an age sees all.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.config import Candidates, Group, MovieRef, Rules, Window
from sparrow.errors import InvalidInput
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.condition import meets
from sparrow.online.rules import has_any
from sparrow.online.wanted import NOWHERE
from sparrow.stores.outside_ids import OutsideIds, plain_number

Mask = NDArray[np.bool_]
"""(n,) one truth a movie of the catalogue."""


@dataclass(frozen=True)
class OpenWindow:
    """A window over one catalogue: the rows it names; `since` and `until` in seconds, UTC."""

    rows: Rows
    since: float
    until: float
    regions: frozenset[str]

    def is_open(self, region: str, now: float) -> bool:
        return self.since <= now < self.until and (not self.regions or region in self.regions)


@dataclass(frozen=True)
class Spell:
    """A mask, and the time in which it holds: `since` ≤ now < `until`. A clock that is set back ends it, too."""

    mask: Mask
    since: float
    until: float


class Availability:
    """`[candidates]` over one catalogue. Its masks are shared, and read-only."""

    def __init__(
        self,
        catalog: Catalog,
        candidates: Candidates,
        ids: OutsideIds | None = None,
        offered: Iterable[MovieRef] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            catalog: all movies of a release.
            candidates: the rules.
            ids: what the outside world calls the movies, if not by numbers.
            offered: those that a source of candidates names; None: there is none.
            clock: seconds, UTC; it may jump.

        Raises:
            InvalidInput: `where` is no condition; `offered` are no movies of this catalogue.
        """
        self._clock = clock
        hidden = np.zeros(len(catalog), np.bool_)
        hidden[rows_of(catalog, candidates.hidden, ids)] = True
        self._barred: dict[str, Mask] = {
            "hidden": hidden,
            "min_ratings": catalog.counts < candidates.min_ratings,
            "where": ~meets(catalog, candidates.where),
            "not_offered": not_offered(catalog, offered, ids),
        }
        self._always: Mask = ~np.logical_or.reduce(list(self._barred.values()))
        self._always.setflags(write=False)
        by_movie = [_open(catalog, one, ids) for one in candidates.windows if one.movies]
        by_genre = [_open(catalog, one, ids) for one in candidates.windows if one.genres]
        self._kinds = (by_movie, by_genre)
        windows = [one for kind in self._kinds for one in kind]
        self._edges = sorted({edge for one in windows for edge in (one.since, one.until)})
        self._regions = frozenset(region for one in windows for region in one.regions)
        self._spells: dict[str, Spell] = {}
        self._ages = ages_of(catalog, candidates, ids)
        self._levels = np.unique(self._ages)
        self._suits = [self._ages <= level for level in self._levels]

    def mask(self, region: str = NOWHERE, age: int | None = None) -> Mask:
        """(n,) what may be shown there now, to somebody of that age in years; not to be written to."""
        everybody = self._everywhere(region)
        return everybody if age is None else everybody & self._suiting(age)

    def _suiting(self, age: int) -> Mask:
        """(n,) what is rated for that age or a lower one; nothing below the lowest rating."""
        level = int(np.searchsorted(self._levels, age, side="right"))
        return self._suits[level - 1] if level else np.zeros(len(self._ages), np.bool_)

    def _everywhere(self, region: str) -> Mask:
        if not self._edges:
            return self._always
        # Regions that no window names are all alike: callers cannot make this grow.
        where, now = region if region in self._regions else NOWHERE, self._clock()
        spell = self._spells.get(where)
        if spell is None or not spell.since <= now < spell.until:
            spell = self._spells[where] = self._spell(where, now)
        return spell.mask

    def reasons(self, row: int, region: str = NOWHERE, age: int | None = None) -> list[str]:
        """Why a movie may not be shown there now, to somebody of that age: names of rules; [] if it may."""
        now = self._clock()
        found = [rule for rule, barred in self._barred.items() if barred[row]]
        for kind in self._kinds:
            mine = [one for one in kind if row in one.rows]
            if mine and not any(one.is_open(region, now) for one in mine):
                in_time = any(one.since <= now < one.until for one in mine)
                found.append("region" if in_time else "window")
        if age is not None and self._ages[row] > age:
            found.append("age")
        return list(dict.fromkeys(found))

    def _spell(self, region: str, now: float) -> Spell:
        mask = self._always.copy()
        for kind in self._kinds:
            closed = _union(len(mask), kind) & ~_union(len(mask), [one for one in kind if one.is_open(region, now)])
            mask &= ~closed
        mask.setflags(write=False)
        since = max((edge for edge in self._edges if edge <= now), default=-np.inf)
        return Spell(mask, since, min((edge for edge in self._edges if edge > now), default=np.inf))


def ages_of(catalog: Catalog, candidates: Candidates, ids: OutsideIds | None) -> NDArray[np.int16]:
    """(n,) from which age each movie is, in years."""
    ages = np.full(len(catalog), candidates.unrated_age, np.int16)
    # Ascending, ids last: what is written later wins.
    for one in sorted(candidates.age_ratings, key=lambda one: (bool(one.movies), one.age)):
        ages[rows_of(catalog, one.movies, ids) if one.movies else has_any(catalog, one.genres)] = one.age
    return ages


def rows_of(catalog: Catalog, movies: Iterable[MovieRef], ids: OutsideIds | None) -> Rows:
    """The rows of these movies, less those that the catalogue lacks."""
    return catalog.known_rows(np.array([_raw(one, ids) for one in movies], dtype=np.int64))[0]


def not_offered(catalog: Catalog, offered: Iterable[MovieRef] | None, ids: OutsideIds | None) -> Mask:
    """(n,) which movies a source of candidates does not name."""
    if offered is None:
        return np.zeros(len(catalog), np.bool_)
    left = np.ones(len(catalog), np.bool_)
    left[rows_of(catalog, offered, ids)] = False
    if left.all():
        raise InvalidInput("none of the ids of the source of candidates is a movie of this release")
    return left


def unknown_movies(catalog: Catalog, movies: Iterable[MovieRef], ids: OutsideIds | None) -> list[MovieRef]:
    """Those that the catalogue lacks, in order."""
    every = sorted(movies, key=str)
    _, known = catalog.known_rows(np.array([_raw(one, ids) for one in every], dtype=np.int64))
    return [one for one, is_known in zip(every, known.tolist(), strict=True) if not is_known]


def check_genres(catalog: Catalog, rules: Rules) -> None:
    """Raise InvalidInput for a genre that no movie has: there it would be a slip that does nothing."""
    lists: Mapping[str, Sequence[Group]] = {
        "windows": rules.candidates.windows,
        "age_ratings": rules.candidates.age_ratings,
    }
    named = ((f"candidates.{name}.{place}", one.genres) for name, of in lists.items() for place, one in enumerate(of))
    caps = (("similar.genre_caps", rules.similar.genre_caps), ("for_you.genre_caps", rules.for_you.genre_caps))
    for where, genres in (*named, *caps):
        for genre in genres:
            if genre not in catalog.genre_names:
                known = ", ".join(catalog.genre_names)
                raise InvalidInput(
                    f"{where} names the genre {genre!r:.80}, which no movie has; the genres are: {known}."
                )


def _raw(movie: MovieRef, ids: OutsideIds | None) -> int:
    """The raw id; -1, which no movie has, for a text where ids are numbers."""
    if isinstance(movie, int):
        return movie
    number = ids.movie(movie) if ids else plain_number(movie)
    return -1 if number is None else number


def _union(length: int, windows: Iterable[OpenWindow]) -> Mask:
    """(n,) which movies any of the windows names."""
    mask = np.zeros(length, np.bool_)
    for one in windows:
        mask[one.rows] = True
    return mask


def _open(catalog: Catalog, window: Window, ids: OutsideIds | None) -> OpenWindow:
    of_genres = np.flatnonzero(has_any(catalog, window.genres)).astype(np.int32)
    return OpenWindow(
        rows_of(catalog, window.movies, ids) if window.movies else of_genres,
        window.since.timestamp() if window.since else -np.inf,
        window.until.timestamp() if window.until else np.inf,
        frozenset(window.regions),
    )
