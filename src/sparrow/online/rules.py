"""Rules that no score of a single movie knows: what suits a family, how many of a series or a genre, how fresh, how varied."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import Lists, Similar
from sparrow.features.series import ALONE, series
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked, Reranker, descending_by_score
from sparrow.online.similarity import MovieSimilarity

POOL: Final = 100
"""Best candidates with a vector that `Varied` puts in another order; the rest stay behind them."""


Likeness = NDArray[np.float32]
"""(n,) scores, or likeness to one movie."""


def as_it_is(scores: Likeness) -> Likeness:
    return scores


class FamilyKind:
    """Beside a movie for the family stands nothing of the genres that are none for it, but for those it has itself."""

    name = "family_kind"

    def __init__(self, catalog: Catalog, family: Sequence[str], unfit: Sequence[str]) -> None:
        """Args: family: genres that make a movie one for the family; unfit: genres kept out of its list."""
        self._family = has_any(catalog, family)
        self._unfit = catalog.genres[:, columns_of(catalog, unfit)] > 0

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:
        if request.movie is None or not self._family[request.movie]:
            return ranked
        unfit = self._unfit[ranked.rows] & ~self._unfit[request.movie]
        return ranked.keep(~unfit.any(axis=1))


class EnoughRatings:
    """Only movies that some people have rated."""

    name = "enough_ratings"

    def __init__(self, catalog: Catalog, ratings: int) -> None:
        self._enough = catalog.counts >= ratings

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:  # noqa: ARG002 - the same for every request
        return ranked.keep(self._enough[ranked.rows])


class OfASeries:
    """At most so many movies of one series, the best of them; films that belong to none are not counted."""

    name = "of_a_series"

    def __init__(self, catalog: Catalog, most: int) -> None:
        self._most, self._series = most, series([movie.title for movie in catalog.facts])

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:  # noqa: ARG002 - the same for every request
        mine = self._series[ranked.rows]
        return ranked.keep((mine == ALONE) | (earlier_equals(mine) < self._most))


class Varied:
    """Maximal marginal relevance (Carbonell & Goldstein, 1998) over the `POOL` best: each place goes to the candidate with the
    greatest (1 - w) * its score - w * its likeness to the most alike of those already placed."""

    name = "varied"

    def __init__(
        self, similarity: MovieSimilarity, weight: float, scale: Callable[[Likeness], Likeness] = as_it_is
    ) -> None:
        """Args: similarity: what likeness is; weight: w, 0 to 1; scale: brings scores to the scale of likeness."""
        self._vectors, self._has_vector, self._weight = similarity.vectors, similarity.has_vector, weight
        self._scale = scale

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:  # noqa: ARG002 - the same for every request
        known = self._has_vector[ranked.rows]  # of others nothing tells whom they are like: they stay behind
        pool, rest = np.flatnonzero(known)[:POOL], np.ones(len(known), np.bool_)
        rest[pool] = False
        vectors = self._vectors[ranked.rows[pool]]
        order = self._order(self._scale(ranked.scores[pool]), vectors @ vectors.T)
        places = np.concatenate([pool[order], np.flatnonzero(rest)])
        return Ranked(ranked.rows[places], ranked.scores[places])

    def _order(self, scores: NDArray[np.float32], alike: NDArray[np.float32]) -> Rows:
        merit, nearest = (1 - self._weight) * scores, np.full(len(scores), -np.inf, dtype=np.float32)
        order = np.zeros(len(scores), dtype=np.int32)
        for place in range(len(scores)):
            marginal = merit - (self._weight * nearest if place else 0)
            order[place] = best = int(np.argmax(marginal))
            merit[best] = -np.inf
            nearest = np.maximum(nearest, alike[best])
        return order


class Fresh:
    """Newer movies gain: weight * 2^(-age / years), on scores stretched to 0 to 1; age is years before the newest movie."""

    name = "fresh"

    def __init__(self, catalog: Catalog, weight: float, years: float) -> None:
        """Args: weight: what the newest gain; years: in which the gain halves. Movies without a year gain nothing."""
        age = catalog.years.max(initial=0) - catalog.years
        self._gain = np.where(catalog.years > 0, weight * np.exp2(-age / years), 0).astype(np.float32)

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:  # noqa: ARG002 - the same for every request
        scores = in_unit(ranked.scores) + self._gain[ranked.rows]
        order = descending_by_score(scores)
        return Ranked(ranked.rows[order], scores[order])


class GenreCaps:
    """At most so many movies of a genre, the best of them; a movie that is left out uses up no other genre's places."""

    name = "genre_caps"

    def __init__(self, catalog: Catalog, caps: Mapping[str, int]) -> None:
        """Args: caps: movies by genre; genres that no movie has cap nothing."""
        columns = columns_of(catalog, list(caps))
        self._capped = catalog.genres[:, columns] > 0
        self._caps = np.array([caps[catalog.genre_names[column]] for column in columns], dtype=np.int64)

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:  # noqa: ARG002 - the same for every request
        capped, left, kept = self._capped[ranked.rows], self._caps.copy(), np.ones(len(ranked.rows), np.bool_)
        for place in np.flatnonzero(capped.any(axis=1)).tolist():
            kept[place] = bool((left[capped[place]] > 0).all())
            left -= capped[place] & kept[place]
        return ranked.keep(kept)


def similar_rules(catalog: Catalog, similarity: MovieSimilarity | None, settings: Similar) -> list[Reranker]:
    """The rules that the settings ask for, in order; without vectors nothing can be varied."""
    rules: list[Reranker] = []
    if settings.family and settings.not_family:
        rules.append(FamilyKind(catalog, settings.family, settings.not_family))
    if settings.min_ratings:
        rules.append(EnoughRatings(catalog, settings.min_ratings))
    if settings.of_a_series:
        rules.append(OfASeries(catalog, settings.of_a_series))
    rules += fresh_rules(catalog, settings)
    if settings.diversity and similarity is not None:
        rules.append(Varied(similarity, settings.diversity))
    return [*rules, *cap_rules(catalog, settings)]


def fresh_rules(catalog: Catalog, settings: Lists) -> list[Reranker]:
    """What changes scores, and so comes before what weighs them."""
    return [Fresh(catalog, settings.freshness, settings.freshness_years)] if settings.freshness else []


def cap_rules(catalog: Catalog, settings: Lists) -> list[Reranker]:
    """What counts places, and so comes after all that moves movies."""
    return [GenreCaps(catalog, settings.genre_caps)] if settings.genre_caps else []


def has_any(catalog: Catalog, genres: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) which movies have one of the genres."""
    return np.asarray(catalog.genres[:, columns_of(catalog, genres)].any(axis=1))


def columns_of(catalog: Catalog, genres: Sequence[str]) -> list[int]:
    """The columns of `catalog.genres` that stand for these; unknown names have none."""
    return [place for place, name in enumerate(catalog.genre_names) if name in genres]


def in_unit(scores: Likeness) -> Likeness:
    """(n,) scores stretched to 0 to 1, the scale of likeness, whatever ranked; equal ones are 0."""
    low, high = float(scores.min(initial=np.inf)), float(scores.max(initial=-np.inf))
    stretched: Likeness = ((scores - low) / (high - low if high > low else 1)).astype(np.float32)
    return stretched


def earlier_equals(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how often each value stands before its place.

    Example:
        >>> earlier_equals(np.array([5, 7, 5, 5, 7])).tolist()
        [0, 0, 1, 2, 1]
    """
    order = np.argsort(values, kind="stable")
    _, starts, counts = np.unique(values[order], return_index=True, return_counts=True)
    places = np.empty(len(values), dtype=np.int64)
    places[order] = np.arange(len(values)) - np.repeat(starts, counts)
    return places
