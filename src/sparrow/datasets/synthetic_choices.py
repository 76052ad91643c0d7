"""What a block of people rates, when, and with how many stars; every step is vectorised over all of the block's candidates.

A person walks through more *candidates* than ratings are wanted. A candidate that was met before, or is not out yet, is
passed over; the first sound ones become the ratings. People who run short walk on; the few who have seen
nearly all of their taste take the rest from whatever is left.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.synthetic_catalogue import Catalogue
from sparrow.datasets.synthetic_people import People
from sparrow.datasets.synthetic_plan import END, EPOCH, START, Plan

FOLLOW: Final = 0.2
"""How often the next candidate is the next part of the last one's series."""
STAY: Final = 0.3
"""How often it is another movie of the same topic."""

SAME_SECOND: Final = 0.2
"""How often two ratings share a second within a session."""

SHORTEST_SESSION: Final = 4
"""Ratings in a session, on average, at least."""

MEAN_STARS: Final = 3.35
NOISE: Final = 0.68
"""Stars."""

STRIDES: Final = (1.0, 2.5, 8.0)
"""Candidates of the first walk (1: as many as mostly do) and of the next ones, for people who run short."""

_CHOICE, _STARS = 4, 5


@dataclass(frozen=True, eq=False, slots=True)
class Rated:
    """Ratings of a block, ordered by (person, movie); all arrays (ratings,)."""

    person: NDArray[np.int64]
    """Place in the block."""
    movie: NDArray[np.int64]
    """Number in the catalogue."""
    time: NDArray[np.int64]
    """Seconds, UTC."""
    half: NDArray[np.int64]
    """Half stars, 1 to 10."""


@dataclass(frozen=True, eq=False, slots=True)
class _Walk:
    """Sound candidates of some people, ordered by (person, movie)."""

    person: NDArray[np.int64]
    movie: NDArray[np.int64]
    time: NDArray[np.int64]


def draw_ratings(plan: Plan, catalogue: Catalogue, people: People) -> Rated:
    """Exactly `people.counts` ratings of different movies for each person.

    Memory: some 300 bytes per rating of the block.
    """
    chance = plan.chance(_CHOICE, people.first)
    rated = _Walk(*(np.array([], dtype=np.int64) for _ in range(3)))
    who, lacking = np.arange(len(people.counts)), people.counts
    for stride in STRIDES:
        steps = (lacking * np.minimum(1.3 + 0.09 * lacking**0.4, 3.0) * stride).astype(np.int64) + 3
        rated = _joined(rated, _walk(catalogue, people, rated, who, steps, lacking, chance), plan.movies)
        missing = people.counts - np.bincount(rated.person, minlength=len(people.counts))
        who = np.flatnonzero(missing)
        lacking = missing[who]
        if not len(who):
            break
    for one in who.tolist():
        rated = _joined(rated, _rest(catalogue, people, rated, one, chance), plan.movies)
    half = _half_stars(catalogue, people, rated, plan.chance(_STARS, people.first))
    return Rated(rated.person, rated.movie, rated.time, half)


def _joined(first: _Walk, second: _Walk, movies: int) -> _Walk:
    """Both, ordered by (person, movie)."""
    if not len(first.person):
        return second
    person, movie, time = (
        np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("person", "movie", "time")
    )
    order = np.argsort(person * movies + movie, kind="stable")
    return _Walk(person[order], movie[order], time[order])


def _walk(
    catalogue: Catalogue, people: People, rated: _Walk,
    who: NDArray[np.int64], steps: NDArray[np.int64], lacking: NDArray[np.int64], chance: np.random.Generator,
) -> _Walk:  # fmt: skip
    """Let `who` go on for `steps` candidates, and keep the first `lacking` that are sound and not yet `rated`."""
    starts = np.cumsum(steps) - steps
    person = np.repeat(who, steps)
    time, opens = _times(people, who, steps, starts, _last_seen(people, rated)[who], chance)
    epoch = (time - START) // EPOCH
    movie = _candidates(catalogue, people, person, epoch, opens, chance)
    sound = np.flatnonzero((movie >= 0) & (catalogue.out_from[movie] <= epoch))
    new = _first_met(person[sound] * len(catalogue.ids) + movie[sound], sound, rated, len(catalogue.ids))
    kept = np.zeros(len(person), dtype=np.int64)
    kept[new] = 1
    met = np.cumsum(kept)
    met -= np.repeat(met[starts] - kept[starts] + lacking, steps)
    new = new[met[new] <= 0]
    return _Walk(person[new], movie[new], time[new])


def _last_seen(people: People, rated: _Walk) -> NDArray[np.int64]:
    """(people,) the second from which each goes on."""
    last = people.arrival.copy()
    np.maximum.at(last, rated.person, rated.time)
    return last


def _first_met(pairs: NDArray[np.int64], places: NDArray[np.int64], rated: _Walk, movies: int) -> NDArray[np.int64]:
    """The places, ordered by pair, where a (person, movie) pair is met for the first time and is not `rated`."""
    bits = int(places[-1] + 1).bit_length() if len(places) else 1
    before = (rated.person * movies + rated.movie) << bits
    keys = np.sort(np.concatenate([before, (pairs << bits) | (places + 1)]))
    first = keys[np.diff(keys >> bits, prepend=-1) != 0] & ((1 << bits) - 1)
    places_of_new: NDArray[np.int64] = first[first > 0] - 1
    return places_of_new


def _times(
    people: People, who: NDArray[np.int64], steps: NDArray[np.int64], starts: NDArray[np.int64],
    begin: NDArray[np.int64], chance: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:  # fmt: skip
    """(candidates,) seconds, UTC, from `begin` on, rising for each person; and where a session opens."""
    rows = int(steps.sum())
    gaps = np.exp(chance.standard_normal(rows, dtype=np.float32) * np.float32(1.2) + np.float32(2.4)).astype(np.int64)
    gaps[chance.random(rows, dtype=np.float32) < SAME_SECOND] = 0
    returns = np.minimum(people.sessions[who] / people.counts[who], 1 / SHORTEST_SESSION).astype(np.float32)
    opens = chance.random(rows, dtype=np.float32) < np.repeat(returns, steps)
    opens[starts] = True
    gaps[opens] = 0
    within = np.cumsum(gaps)
    within -= np.repeat(within[starts], steps)
    pauses = np.zeros(rows)
    later = np.flatnonzero(opens)
    pauses[later] = chance.standard_exponential(len(later))
    pauses[starts] = 0.0
    between = np.cumsum(pauses)
    between -= np.repeat(between[starts], steps)
    ends = starts + steps - 1
    left = np.maximum(END - begin - within[ends], 0)
    pace = np.minimum(people.span[who] / np.maximum(people.sessions[who], 1.0), left / np.maximum(between[ends], 1e-9))
    time = np.repeat(begin, steps) + within + (between * np.repeat(pace, steps)).astype(np.int64)
    return np.minimum(time, END), opens


def _candidates(
    catalogue: Catalogue, people: People, person: NDArray[np.int64], epoch: NDArray[np.int64],
    opens: NDArray[np.bool_], chance: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """(candidates,) movie numbers; -1 where a series has no next part."""
    turn = chance.random(len(person), dtype=np.float32)
    follows = (turn < FOLLOW) & ~opens
    fresh = (turn >= FOLLOW + STAY) | opens
    at = np.flatnonzero(~follows)
    topic = _topics(people.topics, person, np.flatnonzero(fresh), chance)
    movie = np.full(len(person), -1, dtype=np.int64)
    topic = topic[(np.cumsum(fresh) - 1)[at]]
    wide = chance.random(len(at), dtype=np.float32) < people.width[person[at]]
    movie[at[~wide]] = _popular(catalogue, epoch[at[~wide]], topic[~wide], chance)
    movie[at[wide]] = _lesser_known(catalogue, topic[wide], chance)
    _follow(catalogue, movie, follows)
    return movie


def _topics(
    running: NDArray[np.float64], person: NDArray[np.int64], fresh: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """A topic by each one's preference; all rows of `running` are searched as one line."""
    line = (running + np.arange(len(running))[:, None]).reshape(-1)
    drawn = np.searchsorted(line, person[fresh] + chance.random(len(fresh)), side="right")
    topics: NDArray[np.int64] = np.clip(drawn - person[fresh] * running.shape[1], 0, running.shape[1] - 1)
    return topics


def _popular(
    catalogue: Catalogue, epoch: NDArray[np.int64], topic: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """A movie of each topic by its popularity in that epoch; one that is not out yet where the topic has none."""
    low, high = catalogue.bounds[epoch, topic], catalogue.bounds[epoch, topic + 1]
    place = _search(catalogue.cumulative, low, high, chance) % len(catalogue.ids)
    return catalogue.by_topic[place].astype(np.int64)


def _lesser_known(catalogue: Catalogue, topic: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    """A movie of each topic, out or not, by the root of its popularity."""
    low, high = catalogue.flat_bounds[topic], catalogue.flat_bounds[topic + 1]
    return catalogue.by_topic[_search(catalogue.flat, low, high, chance)].astype(np.int64)


def _search(
    cumulative: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """(n,) places drawn between two values of a running sum each; sorted, the queries walk the table once: six times as fast."""
    drawn = low + (chance.random(len(low)) * (high - low)).astype(np.int64)
    bits = len(drawn).bit_length()
    queries = np.sort((drawn << bits) | np.arange(len(drawn)))
    place = np.empty(len(drawn), dtype=np.int64)
    place[queries & ((1 << bits) - 1)] = np.searchsorted(cumulative, queries >> bits, side="right")
    return np.minimum(place, len(cumulative) - 1)


def _follow(catalogue: Catalogue, movie: NDArray[np.int64], follows: NDArray[np.bool_]) -> None:
    """Fill in the followers, a step of all series at a time."""
    waiting = np.flatnonzero(follows)
    before = waiting[~follows[waiting - 1]]
    while len(before):
        movie[before] = catalogue.successor[movie[before - 1]]
        after = before[before + 1 < len(movie)] + 1
        before = after[follows[after]]


def _rest(catalogue: Catalogue, people: People, walk: _Walk, one: int, chance: np.random.Generator) -> _Walk:
    """What a person still lacks: movies that are out and unseen, by popularity, all in the last second (Gumbel top-k)."""
    mine = walk.person == one
    time = int(walk.time[mine].max()) if mine.any() else int(people.arrival[one])
    open_ = catalogue.out_from <= (time - START) // EPOCH
    open_[walk.movie[mine]] = False
    left = np.flatnonzero(open_)
    lacking = int(people.counts[one] - mine.sum())
    best = np.argsort(-(np.log(catalogue.weights[left]) + chance.gumbel(size=len(left))), kind="stable")[:lacking]
    return _Walk(np.full(lacking, one), left[best], np.full(lacking, time))


def _half_stars(catalogue: Catalogue, people: People, walk: _Walk, chance: np.random.Generator) -> NDArray[np.int64]:
    """Mean + bias + quality + taste + noise, in the steps that the person uses, 0.5 to 5.0 stars."""
    taste = np.einsum("nd,nd->n", people.factors[walk.person], catalogue.factors[walk.movie])
    stars = MEAN_STARS + people.bias[walk.person] + catalogue.quality[walk.movie] + taste
    stars += NOISE * chance.standard_normal(len(stars), dtype=np.float32)
    step = people.step[walk.person]
    half: NDArray[np.int64] = np.clip(np.rint(stars / step) * (2 * step), 2 * step, 10).astype(np.int64)
    return half
