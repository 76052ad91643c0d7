"""The movies of a synthetic world: genres, hidden strands, factors, popularity in time and series.

Movies are numbered 0 … M - 1 in the order of their ids; a *topic* is one strand of one genre.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.synthetic_plan import END, EPOCH, EPOCHS, START, YEAR, Plan
from sparrow.datasets.synthetic_words import COMPANIONS, GENRE_SHARES, GENRES, STRAND_WORDS

HIDDEN: Final = 8
"""Numbers in the hidden part of a factor."""

DEPTH: Final = 2**38
"""Weights of all movies at all epochs sum to this: whole numbers, so that sampling is exact and packs beside a position."""

MOVIES_PER_STRAND: Final = 30
SERIES_ENDS: Final = 0.5
QUALITY_SPREAD: Final = 0.33
QUALITY_OF_POPULAR: Final = 0.12
HEAD: Final = 4.0
"""Ratings per person that the most popular movie's weight alone would bring it. Repeats passed over, rise, fall and taste leave
0.4: near the half of all people that the most popular movie of every MovieLens release reaches."""

_PURPOSE: Final = 1


@dataclass(frozen=True, eq=False, slots=True)
class Catalogue:
    """Everything that choosing and rating a movie needs; all arrays by movie number unless said otherwise."""

    ids: NDArray[np.int64]
    released: NDArray[np.int64]
    """Seconds, UTC; before 1970 it is negative."""
    out_from: NDArray[np.int16]
    """The first epoch in which it can be rated."""
    genres: NDArray[np.int8]
    """(movies, 4) numbers in `GENRES`, the main one first; -1 pads."""
    topics: NDArray[np.int32]
    strands: int
    """Strands of a genre; topic = genre * strands + strand."""
    topic_factors: NDArray[np.float32]
    """(topics, HIDDEN) of length 1."""
    factors: NDArray[np.float32]
    """(movies, genres + HIDDEN): its genres' shares, then its hidden factor of length 1."""
    quality: NDArray[np.float32]
    weights: NDArray[np.float64]
    """Popularity of all time, before rise and fall."""
    series: NDArray[np.int64]
    part: NDArray[np.int64]
    successor: NDArray[np.int32]
    """(movies + 1,) the next part of the series, -1 where there is none; the last entry is -1 too."""
    by_topic: NDArray[np.int32]
    sizes: NDArray[np.int64]
    """(topics,) movies of each."""
    cumulative: NDArray[np.int64]
    """(epochs * movies,) running sum of the weights at each epoch, movies in the order `by_topic`."""
    bounds: NDArray[np.int64]
    """(epochs, topics + 1) the running sum before each topic."""
    flat: NDArray[np.int64]
    """(movies,) the same for the roots of the weights of all time."""
    flat_bounds: NDArray[np.int64]


def make_catalogue(plan: Plan) -> Catalogue:
    """Draw the movies of a plan; memory grows with the movies (some 1 kB each), not with the ratings."""
    chance = plan.chance(_PURPOSE)
    ids, released, out_from = _releases(plan, chance)
    strands = int(np.clip(plan.movies // (len(GENRES) * MOVIES_PER_STRAND), 1, len(STRAND_WORDS)))
    genres = _genres(plan.movies, chance)
    topics = (genres[:, 0].astype(np.int32) * strands + chance.integers(0, strands, plan.movies)).astype(np.int32)
    topic_factors = _unit(chance.standard_normal((len(GENRES) * strands, HIDDEN)))
    weights, popular = _popularity(plan, chance)
    series, part, successor = _series(topics, weights, released, chance)
    by_topic = np.argsort(topics, kind="stable").astype(np.int32)
    edges = np.searchsorted(topics[by_topic], np.arange(len(topic_factors) + 1))
    flat, flat_bounds = _running_sums(np.sqrt(weights)[None, by_topic], edges)
    cumulative, bounds = _sampling_table(by_topic, edges, weights, released, out_from)
    return Catalogue(
        ids=ids, released=released, out_from=out_from, genres=genres, topics=topics, strands=strands,
        topic_factors=topic_factors, factors=_factors(genres, topic_factors[topics], chance),
        quality=(QUALITY_SPREAD * chance.standard_normal(plan.movies) + QUALITY_OF_POPULAR * popular).astype(np.float32),
        weights=weights, series=series, part=part, successor=successor,
        by_topic=by_topic, sizes=np.diff(edges), cumulative=cumulative, bounds=bounds, flat=flat, flat_bounds=flat_bounds[0],
    )  # fmt: skip


def _releases(
    plan: Plan, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16]]:
    """Ids rise with the time a movie came in, and leave gaps; half the catalogue is older than the service."""
    old, new = plan.old_movies, plan.movies - plan.old_movies
    ages = np.minimum(chance.gamma(1.2, 16.0, old), 93.0) * YEAR
    ages = np.maximum(ages, YEAR)
    recent = np.sort(chance.integers(START, END - 2 * EPOCH, new))
    released = np.concatenate([(START - ages).astype(np.int64), recent])
    out_from = np.concatenate([np.zeros(old, dtype=np.int64), (recent - START) // EPOCH + 1]).astype(np.int16)
    gaps = np.concatenate([chance.geometric(0.9, old), chance.geometric(0.2, new)])
    return np.cumsum(gaps), released, out_from


def _genres(movies: int, chance: np.random.Generator) -> NDArray[np.int8]:
    """A main genre and up to three companions."""
    main = chance.choice(len(GENRES), movies, p=GENRE_SHARES / GENRE_SHARES.sum())
    companions = np.array([[GENRES.index(name) for name in COMPANIONS[genre]] for genre in GENRES])[main]
    has = chance.random((movies, 3)) < np.array([0.55, 0.35, 0.2])
    return np.concatenate([main[:, None], np.where(has, companions, -1)], axis=1).astype(np.int8)


def _factors(
    genres: NDArray[np.int8], of_topic: NDArray[np.float32], chance: np.random.Generator
) -> NDArray[np.float32]:
    """Genre shares beside the topic's hidden factor, somewhat turned for each movie."""
    shares = np.zeros((len(genres), len(GENRES)), dtype=np.float32)
    for column in genres.T:
        listed = np.flatnonzero(column >= 0)
        shares[listed, column[listed]] = 1.0
    own = _unit(chance.standard_normal(of_topic.shape))
    return np.hstack([shares / shares.sum(axis=1, keepdims=True), _unit(of_topic + 0.6 * own)])


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _popularity(plan: Plan, chance: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights exp(-k (rank / M)^(1/3)) of shuffled ranks, k so that N w_1 / sum(w) = `HEAD` * P.

    Returns:
        (movies,) weights, and (movies,) popularity with mean 0 and deviation about 1.
    """
    places = (chance.permutation(plan.movies) + 1) / plan.movies
    wanted = plan.ratings / (HEAD * plan.people * plan.movies)
    low, high = 0.0, 30.0
    for _ in range(60):
        steep = (low + high) / 2
        low, high = (steep, high) if np.exp(-steep * np.cbrt(places)).mean() > wanted else (low, steep)
    return np.exp(-low * np.cbrt(places)), (0.5 - places) * np.sqrt(12.0)


def _series(
    topics: NDArray[np.int32], weights: NDArray[np.float64], released: NDArray[np.int64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Movies of one topic and like popularity form series, told in the order of release."""
    movies = len(topics)
    order = np.lexsort((-weights, topics))
    begins = chance.random(movies) < SERIES_ENDS
    begins[1:] |= topics[order[1:]] != topics[order[:-1]]
    begins[0] = True
    series = np.empty(movies, dtype=np.int64)
    series[order] = np.cumsum(begins) - 1
    told = np.lexsort((released, series))
    same = series[told[1:]] == series[told[:-1]]
    successor = np.full(movies + 1, -1, dtype=np.int32)
    successor[told[:-1][same]] = told[1:][same]
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    part = np.empty(movies, dtype=np.int64)
    part[told] = np.arange(movies) - np.repeat(starts, np.diff(np.append(starts, movies)))
    return series, part, successor


def _sampling_table(
    by_topic: NDArray[np.int32], edges: NDArray[np.int64],
    weights: NDArray[np.float64], released: NDArray[np.int64], out_from: NDArray[np.int16],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Running sums of w(t) = w * (1 - exp(-age / 0.5 y)) * (1/4 + 3/4 exp(-age / 4 y)), 0 before a movie is out."""
    movies = len(by_topic)
    table = np.empty((EPOCHS, movies), dtype=np.float64)
    for epoch in range(EPOCHS):
        age = np.maximum(START + (epoch + 0.5) * EPOCH - released[by_topic], 0) / YEAR
        now = weights[by_topic] * (1 - np.exp(-age / 0.5)) * (0.25 + 0.75 * np.exp(-age / 4))
        table[epoch] = np.where(out_from[by_topic] <= epoch, now, 0.0)
    return _running_sums(table, edges)


def _running_sums(table: NDArray[np.float64], edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One running sum over all rows, in whole numbers up to `DEPTH`, and its values before each topic; overwrites `table`."""
    flat = np.cumsum(table.reshape(-1), out=table.reshape(-1))
    cumulative = np.rint(flat * (DEPTH / flat[-1])).astype(np.int64)
    before = np.concatenate([[0], cumulative])
    return cumulative, before[np.arange(len(table))[:, None] * table.shape[1] + edges]
