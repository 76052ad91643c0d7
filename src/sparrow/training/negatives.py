"""Movies a person has not chosen, drawn by popularity: the other half of every `choice` sample.

A draw costs the same at any size of the catalogue (alias method), and finding out whether the person has chosen the movie costs
one look into a filter; only the few pairs that pass it are looked for among the person's own. Both are 6 to 8 bytes a pair
together, and 12 times as fast as a binary search over all pairs (measured at 25 million; docs/training.md).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
"""Dense rows of a vocabulary."""

Flags = NDArray[np.bool_]

SLOTS_PER_PAIR: Final = 16
"""Bits of the filter per pair: at most one unseen pair in 16 is looked for in vain."""


class NegativeSampler:
    """Draws movies a person has no row of, with probability ~ popularity**exponent (Mikolov et al., 2013; He et al., 2017)."""

    def __init__(self, users: Rows, movies: Rows, exponent: float, seen: tuple[Rows, Rows] | None = None) -> None:
        """Prepare the draws.

        Args:
            users, movies: (pairs,) the pairs whose movies are drawn, in order of (user, movie).
            exponent: 0 uniform, 1 by popularity.
            seen: (pairs,) users and movies that are never drawn together, in the same order; by default the same pairs.
        """
        counts = np.bincount(movies)
        self._movies = np.flatnonzero(counts).astype(np.int32)
        self._alias = AliasTable(counts[self._movies].astype(np.float64) ** exponent)
        self.seen = SeenPairs(*(seen or (users, movies)))

    def draw(self, users: Rows, rng: np.random.Generator, tries: int = 8) -> tuple[Rows, Flags]:
        """One unseen movie per entry.

        Args:
            users: (n,) known people, repeated as often as draws are wanted.
            rng: the source of chance.
            tries: how often a seen movie is drawn again before the entry is given up.

        Returns:
            (n,) movies, and (n,) whether the entry is truly unseen (False only for people who saw nearly everything).
        """
        drawn = self._movies[self._alias.draw(len(users), rng)]
        seen = self.seen.contain(users, drawn)
        for _ in range(tries):
            again = np.flatnonzero(seen)
            if not len(again):
                break
            drawn[again] = self._movies[self._alias.draw(len(again), rng)]
            seen[again] = self.seen.contain(users[again], drawn[again])
        return drawn, ~seen


class SeenPairs:
    """A set of (user, movie) pairs; asks are exact."""

    def __init__(self, users: Rows, movies: Rows) -> None:
        """Args: users, movies: (pairs,) in order of (user, movie); `movies` is kept, not copied."""
        self._movies = movies
        self._starts = np.searchsorted(users, np.arange(int(users.max(initial=0)) + 2))  # (users + 1,)
        self._bits = max(3, (SLOTS_PER_PAIR * len(movies)).bit_length())
        self._filter = np.zeros(2**self._bits // 8, np.uint8)
        for start in range(0, len(movies), 2**20):
            pairs = slice(start, start + 2**20)
            slots = self._slots(users[pairs], movies[pairs])
            np.bitwise_or.at(self._filter, slots >> 3, _bit(slots))

    def contain(self, users: Rows, movies: Rows) -> Flags:
        """(n,) whether each pair is in the set; users must be among those it was made of."""
        slots = self._slots(users, movies)
        found: Flags = (self._filter[slots >> 3] & _bit(slots)) != 0
        maybe = np.flatnonzero(found)
        found[maybe] = self._are_listed(users[maybe], movies[maybe])
        return found

    def movies_of(self, user: int) -> Rows:
        """(n,) one person's movies, ascending."""
        own: Rows = self._movies[self._starts[user] : self._starts[user + 1]]
        return own

    def _are_listed(self, users: Rows, movies: Rows) -> Flags:
        """Binary search in each person's own movies, all people in step."""
        first = self._starts[users]
        left = self._starts[users + 1] - first
        while (half := left >> 1).any():
            first = np.where(self._movies[first + half] <= movies, first + half, first)
            left -= half
        return np.asarray(self._movies[first] == movies, dtype=np.bool_)

    def _slots(self, users: Rows, movies: Rows) -> NDArray[np.int64]:
        """(n,) the pair's place in the filter: multiply-shift hashing (Dietzfelbinger et al., 1997), twice."""
        key = users.astype(np.uint64) << np.uint64(32) | movies.astype(np.uint64)
        key *= np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(32)
        key *= np.uint64(0xD6E8FEB86659FD93)
        return (key >> np.uint64(64 - self._bits)).astype(np.int64)


def _bit(slots: NDArray[np.int64]) -> NDArray[np.uint8]:
    bits: NDArray[np.uint8] = np.left_shift(1, slots & 7).astype(np.uint8)
    return bits


class AliasTable:
    """Draws from a fixed distribution in constant time (Walker, 1977; built as Vose, 1991)."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        """Args: weights: (n,) positive, of any sum."""
        share = (weights * (len(weights) / weights.sum())).tolist()  # 1.0 on average
        other = list(range(len(share)))
        poor = [place for place, value in enumerate(share) if value < 1]
        rich = [place for place, value in enumerate(share) if value >= 1]
        while poor and rich:
            low, high = poor.pop(), rich[-1]
            other[low] = high
            share[high] -= 1 - share[low]
            if share[high] < 1:
                poor.append(rich.pop())
        self._share, self._other = np.array(share, np.float32), np.array(other, np.int32)

    def draw(self, count: int, rng: np.random.Generator) -> Rows:
        """(count,) places, each with probability ~ its weight."""
        place = rng.integers(0, len(self._share), count, dtype=np.int32)
        stays = rng.random(count, dtype=np.float32) < self._share[place]
        return np.where(stays, place, self._other[place])
