"""The negatives of the `choice` set: movies a person has no row of, drawn with probability ~ popularity**exponent.

Mikolov et al. (2013), He et al. (2017). A draw's chance comes from the row it belongs to (`features.chance`), so both engines
draw the same, and a person's negatives do not depend on who else is there.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.features.chance import mixed, uniform
from sparrow.features.grouped import Ints, column, run_starts
from sparrow.features.people import person_fields
from sparrow.schema import Columns

TRIES = 8
"""How often a seen movie is drawn again before the draw is given up; only people who saw nearly everything need them all."""


@dataclass(frozen=True)
class Popularity:
    """What is drawn from.

    Attributes:
        movies: (m,) ids, ascending.
        cumulative: (m,) running sums of count**exponent.
    """

    movies: Ints
    cumulative: NDArray[np.float64]

    @classmethod
    def of(cls, movies: Ints, counts: Ints, exponent: float) -> "Popularity":
        """From (m,) ascending ids and their counts; exponent 0 is uniform, 1 by popularity."""
        return cls(movies, np.cumsum(counts.astype(np.float64) ** exponent))

    def at(self, chance: NDArray[np.float64]) -> Ints:
        """(n,) numbers in [0, 1) → (n,) places in `movies`."""
        found = np.searchsorted(self.cumulative, chance * self.cumulative[-1], side="right")
        return np.asarray(np.minimum(found, len(self.movies) - 1))


@dataclass(frozen=True)
class DrawChoices:
    """Kernel over a fit's rows by (userId, timestamp, movieId): each row as a positive, then its negatives.

    Attributes:
        popularity: of the fit's own rows.
        negatives: per positive.
        newest_from: seconds; earlier rows are seen, and so never drawn, but become no positives.
        seed: of all draws.
        favourites: how many favourite-genre columns the rows carry.
    """

    popularity: Popularity
    negatives: int
    newest_from: int
    seed: int
    favourites: int

    @property
    def schema(self) -> pa.Schema:
        """The points, their label and fold, and the person just before them."""
        key = [(name, pa.int64()) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)]
        return pa.schema([*key, ("label", pa.int8()), ("fold", pa.string()), *person_fields(self.favourites)])

    def __call__(self, rows: pa.Table) -> pa.Table:
        user, movie, time = (column(rows, name) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP))
        positives = np.flatnonzero(time >= self.newest_from)
        anchors = np.repeat(positives, self.negatives)
        drawn, unseen = self._draw(user, movie, time, anchors)
        rows = rows.take(pa.array(np.concatenate([positives, anchors[unseen]])))
        made = {
            Columns.MOVIE: np.concatenate([movie[positives], drawn[unseen]]),
            "label": np.repeat(np.array([1, 0], dtype=np.int8), [len(positives), int(unseen.sum())]),
        }
        return pa.Table.from_arrays(
            [pa.array(made[one.name]) if one.name in made else rows[one.name].cast(one.type) for one in self.schema],
            schema=self.schema,
        )

    def _draw(self, user: Ints, movie: Ints, time: Ints, anchors: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """(n,) a movie for each anchor, and whether its person has no row of it."""
        person, catalogue = run_starts(user), len(self.popularity.movies)
        taken = np.sort(person * catalogue + np.searchsorted(self.popularity.movies, movie))
        slot = np.arange(len(anchors)) % max(self.negatives, 1)
        about = (user[anchors], movie[anchors], time[anchors], slot)
        places, base = np.zeros(len(anchors), dtype=np.int64), person[anchors] * catalogue
        seen = np.ones(len(anchors), dtype=np.bool_)
        for attempt in range(TRIES + 1):
            again = np.flatnonzero(seen)
            if not len(again):
                break
            tried = np.full(len(again), attempt)
            places[again] = self.popularity.at(uniform(mixed(self.seed, *(one[again] for one in about), tried)))
            seen[again] = _is_in(base[again] + places[again], taken)
        return self.popularity.movies[places], ~seen


def _is_in(keys: Ints, ascending: Ints) -> NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.asarray(ascending[at] == keys, dtype=np.bool_)
