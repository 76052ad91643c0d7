"""The people of a synthetic world: how much each rates, and what each likes. Drawn block by block, never all at once."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.synthetic_catalogue import HIDDEN, Catalogue
from sparrow.datasets.synthetic_plan import BLOCK_ROWS, DAY, END, START, Plan
from sparrow.datasets.synthetic_words import GENRE_SHARES, GENRES

BUSY_SPREAD: Final = 1.4
"""Deviation of the logarithm of how many ratings a person gives."""

BUSIEST: Final = 4
"""Nobody rates more than this part of the catalogue,"""
USUAL_ROOM: Final = 3
"""unless the average person rates a third as much."""

CONCENTRATION: Final = 6.0
"""Of the Dirichlet over genres: lower is more one-sided."""

STRAND_PULL: Final = 1.2
BIAS_SPREAD: Final = 0.4
GENRE_PULL: Final = 0.35
HIDDEN_PULL: Final = 0.4
"""Stars: how far a person's mean, a liked genre and a hidden liking move a rating."""

WHOLE_STARS: Final = 0.3
"""Share of people who give no half stars."""

COME_BACK: Final = 0.5
"""Share of people who ever come back for a second session."""

TAGGERS: Final = 0.1

WIDE_AT: Final = (1 / 6, 500)
"""A person of so many ratings (a share of the movies, or a number, whichever is less) looks beyond taste every other time."""

_ACTIVITY, _TASTE = 2, 3


@dataclass(frozen=True, eq=False, slots=True)
class People:
    """One block of people in the order of their ids; all arrays by place in the block."""

    first: int
    """Place of the first in the whole world; its id is one more."""
    counts: NDArray[np.int64]
    """Ratings each gives."""
    genres: NDArray[np.float32]
    """(people, genres) each one's Dirichlet draw."""
    factors: NDArray[np.float32]
    """(people, genres + HIDDEN): times a movie's factors they give stars above the mean."""
    bias: NDArray[np.float32]
    step: NDArray[np.float32]
    """1.0 for people of whole stars, else 0.5."""
    arrival: NDArray[np.int64]
    """The first second, UTC."""
    sessions: NDArray[np.float64]
    """Expected number of later sessions."""
    span: NDArray[np.float64]
    """Seconds over which the sessions spread, about."""
    tags: NDArray[np.bool_]
    """Who writes tags."""
    width: NDArray[np.float64]
    """How often each looks beyond taste and popularity: n / (n + `WIDE_AT`)."""
    topics: NDArray[np.float64]
    """(people, topics) running sums of the topic preference, each row ending at 1."""


def draw_activity(plan: Plan) -> NDArray[np.int64]:
    """(people,) ratings of each: `min_ratings` and a log-normal rest, at most `most_per_person`, exactly `ratings` in all."""
    appetite = plan.chance(_ACTIVITY).lognormal(0.0, BUSY_SPREAD, plan.people)
    counts = np.full(plan.people, plan.min_ratings, dtype=np.int64)
    usual = max(plan.movies // BUSIEST, USUAL_ROOM * plan.ratings // plan.people)
    most = min(usual, plan.most_per_person)
    while (left := plan.ratings - int(counts.sum())) > 0:
        room = most - counts
        share = np.where(room > 0, appetite, 0.0)
        gift = np.minimum((left * (share / share.sum())).astype(np.int64), room)
        if not gift.any():
            gift[np.flatnonzero(room)[:left]] = 1
        counts += gift
    return counts


def blocks_of(counts: NDArray[np.int64]) -> list[slice]:
    """Neighbouring people that give about `BLOCK_ROWS` ratings together, one person at least."""
    before = np.cumsum(counts) - counts
    edges = np.append(np.flatnonzero(np.diff(before // BLOCK_ROWS, prepend=-1)), len(counts)).tolist()
    return [slice(start, stop) for start, stop in pairwise(edges)]


def draw_people(plan: Plan, catalogue: Catalogue, place: slice, counts: NDArray[np.int64]) -> People:
    """The people of one block.

    Args:
        place: which of all people.
        counts: (people in the block,) from `draw_activity`.
    """
    chance, people = plan.chance(_TASTE, place.start), place.stop - place.start
    base = GENRE_SHARES / GENRE_SHARES.sum()
    genres = chance.standard_gamma(CONCENTRATION * base, (people, len(GENRES)))
    genres /= genres.sum(axis=1, keepdims=True)
    hidden = chance.standard_normal((people, HIDDEN))
    liking = (genres - base) / np.sqrt(base * (1 - base) / (CONCENTRATION + 1))
    factors = np.hstack([GENRE_PULL * np.clip(liking, -2.0, 2.0), HIDDEN_PULL * hidden])
    arrival = chance.integers(START, END - 40 * DAY, people)
    width = counts / (counts + min(WIDE_AT[0] * plan.movies, WIDE_AT[1]))
    comes_back = chance.random(people) < COME_BACK
    return People(
        first=place.start,
        counts=counts,
        genres=genres.astype(np.float32),
        factors=factors.astype(np.float32),
        bias=(BIAS_SPREAD * chance.standard_normal(people)).astype(np.float32),
        step=np.where(chance.random(people) < WHOLE_STARS, 1.0, 0.5).astype(np.float32),
        arrival=arrival,
        sessions=np.where(comes_back, chance.lognormal(1.5, 1.0, people), 0.0),
        span=chance.random(people) ** 2 * (END - arrival),
        tags=chance.random(people) < TAGGERS,
        width=width,
        topics=_topic_preference(genres, hidden, width, catalogue),
    )


def _topic_preference(
    genres: NDArray[np.float64], hidden: NDArray[np.float64], width: NDArray[np.float64], catalogue: Catalogue
) -> NDArray[np.float64]:
    """theta(genre) * softmax over strands of pull * z . v, mixed with the topics' sizes by `width`; as running sums."""
    pull = np.exp(STRAND_PULL * (hidden @ catalogue.topic_factors.T.astype(np.float64)))
    pull = pull.reshape(len(genres), len(GENRES), catalogue.strands)
    preference = (genres[:, :, None] * pull / pull.sum(axis=2, keepdims=True)).reshape(len(genres), -1)
    sizes = catalogue.sizes / catalogue.sizes.sum()
    running = np.cumsum((1 - width[:, None]) * preference + width[:, None] * sizes, axis=1)
    return np.asarray(running / running[:, -1:], dtype=np.float64)
