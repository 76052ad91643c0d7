"""The two sample sets.

`liking`  rated rows, label = rating >= 3.5, each with its features as of just before it.
`choice`  every interaction is a positive; a few unseen movies, drawn by the fit's popularity**0.75, are its negatives,
          described as of the same moment.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import Settings
from sparrow.errors import BuildError
from sparrow.features import queries
from sparrow.features.engines import Engine
from sparrow.features.jobs import TRAINING_ROWS, Cuts, Fit, genre_vocabulary
from sparrow.schema import MAX_ID, Columns


def describe_people(engine: Engine, settings: Settings) -> None:
    """Make the table `users_before` (each person just before each of their seconds) from `events`; both fits read it."""
    history, favourites = settings.features.history_length, settings.features.favourite_genres
    engine.create("users_before", queries.users_before("events", genre_vocabulary(engine), history, favourites))


def write_samples(engine: Engine, folder: Path, fit: Fit, cuts: Cuts, settings: Settings) -> dict[str, int]:
    """Write `liking.parquet` and `choice.parquet` of one fit, after `describe_people`. Returns rows by set.

    In the judging fit every row is described (movie statistics frozen at the cut from there on) and `split` tells them
    apart; choice rows come from its training rows. In the release fit there is no cut.
    """
    cut = cuts.valid_from if fit == "judging" else MAX_ID
    seen, drawn = f"events_{fit}", f"draws_{fit}"
    engine.create(seen, f"SELECT * FROM events WHERE {TRAINING_ROWS[fit]}")
    engine.read(drawn, _draw_choice(engine, folder, seen, settings))
    counts = {}
    rated = "(SELECT userId, movieId, timestamp, row, rating, CAST(liked AS TINYINT) AS label, split, fold FROM events)"
    for name, points in (("liking", rated), ("choice", drawn)):
        engine.create(f"movies_{name}_{fit}", queries.movies_before("events", points, cut))
        sql = queries.describe(points, "movies", f"movies_{name}_{fit}", "users_before", cut)
        counts[name] = engine.write(sql, folder / f"{name}.parquet")
    return counts


def _draw_choice(engine: Engine, folder: Path, seen: str, settings: Settings) -> Path:
    """The (person, movie, moment, label) points of the choice set: positives, then their negatives."""
    rows = engine.rows(f"SELECT userId, movieId, timestamp FROM {seen} ORDER BY timestamp, userId, movieId")
    if not rows:
        raise BuildError("No rating lies before the cut; lower split.valid and split.test or bring more data.")
    users, movies, times = np.array(rows, dtype=np.int64).T
    sampler = NegativeSampler(users, movies, settings.samples.exponent)
    anchors = np.repeat(np.arange(len(users)), settings.samples.negatives)
    negatives, kept = sampler.draw(users[anchors], np.random.default_rng(settings.samples.seed))
    anchors = anchors[kept]
    table = pa.table(
        {
            Columns.USER: np.concatenate([users, users[anchors]]),
            Columns.MOVIE: np.concatenate([movies, negatives[kept]]),
            Columns.TIMESTAMP: np.concatenate([times, times[anchors]]),
            "label": np.repeat(np.array([1, 0], dtype=np.int8), [len(users), len(anchors)]),
        }
    )
    path = folder / "draws.parquet"
    pq.write_table(table, path)
    return path


class NegativeSampler:
    """Draws movies a person has no row of, with probability ~ popularity**exponent (Mikolov et al., 2013; He et al., 2017)."""

    def __init__(self, users: NDArray[np.int64], movies: NDArray[np.int64], exponent: float) -> None:
        """Args: users, movies: (rows,) every known interaction; exponent: 0 uniform, 1 by popularity."""
        self._movies, counts = np.unique(movies, return_counts=True)
        self._cumulative = np.cumsum(counts.astype(np.float64) ** exponent)
        self._users = np.unique(users)
        self._taken = np.unique(self._keys(users, movies))

    def draw(
        self, users: NDArray[np.int64], rng: np.random.Generator, tries: int = 8
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """One unseen movie per entry.

        Args:
            users: (n,) known user ids, repeated as often as draws are wanted.
            rng: the source of chance.
            tries: how often a seen movie is drawn again before the entry is given up.

        Returns:
            (n,) movie ids, and (n,) whether the entry is truly unseen (False only for people who saw nearly everything).
        """
        drawn = self._sample(len(users), rng)
        seen = self.is_seen(users, drawn)
        for _ in range(tries):
            again = np.flatnonzero(seen)
            if not len(again):
                break
            drawn[again] = self._sample(len(again), rng)
            seen[again] = self.is_seen(users[again], drawn[again])
        return drawn, ~seen

    def is_seen(self, users: NDArray[np.int64], movies: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n,) whether the person has a row of the movie; both ids must be known ones."""
        keys = self._keys(users, movies)
        at = np.minimum(np.searchsorted(self._taken, keys), len(self._taken) - 1)
        return np.asarray(self._taken[at] == keys, dtype=np.bool_)

    def _sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        at = np.searchsorted(self._cumulative, rng.random(count) * self._cumulative[-1], side="right")
        return np.asarray(self._movies[np.minimum(at, len(self._movies) - 1)], dtype=np.int64)

    def _keys(self, users: NDArray[np.int64], movies: NDArray[np.int64]) -> NDArray[np.int64]:
        """One int64 per (person, movie), from dense ranks so that ids of any size cannot overflow."""
        people, places = np.searchsorted(self._users, users), np.searchsorted(self._movies, movies)
        keys: NDArray[np.int64] = people * len(self._movies) + places
        return keys
