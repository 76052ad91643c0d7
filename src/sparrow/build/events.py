"""All that happened, for judging: a sample of people with all their events, by person and time."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.evaluation.rows import Ids
from sparrow.features.chance import mixed
from sparrow.features.jobs import Cuts
from sparrow.schema import Columns

MOST_PEOPLE: Final = 6000
"""People who are asked about: their interval is narrow enough, and 160 thousand would take hours."""


@dataclass(frozen=True)
class Events:
    """Parallel arrays over all events, by person and time."""

    users: Ids
    movies: Ids
    stars: NDArray[np.float64]
    is_stop: NDArray[np.bool_]
    is_last: NDArray[np.bool_]
    is_after: NDArray[np.bool_]

    @classmethod
    def read(cls, features: Path, most_people: int = MOST_PEOPLE) -> "Events":
        """The events of everybody, or of so many people."""
        path, valid_from = features / "events.parquet", Cuts.load(features / "cuts.json").valid_from
        columns = [Columns.USER, Columns.MOVIE, "half", Columns.TIMESTAMP, "fold"]
        table = pq.read_table(
            path, columns=columns, filters=pc.field(Columns.USER).isin(_asked_people(path, most_people))
        )
        table = table.sort_by(
            [(Columns.USER, "ascending"), (Columns.TIMESTAMP, "ascending"), (Columns.MOVIE, "ascending")]
        )
        users, movies, half, time, fold = (
            table[name].to_numpy() for name in (Columns.USER, Columns.MOVIE, "half", Columns.TIMESTAMP, "fold")
        )
        return cls(users, movies, half / 2, fold == "stop", fold == "last", time >= valid_from)

    def people(self) -> Iterator[tuple[int, "Events"]]:
        """(user id, their own events), by ascending id."""
        people, starts = np.unique(self.users, return_index=True)
        for user, start, end in zip(people.tolist(), starts, [*starts[1:], len(self.users)], strict=True):
            own = slice(start, end)
            yield user, Events(*(getattr(self, one.name)[own] for one in fields(self)))

    def history(self, chosen: NDArray[np.bool_]) -> list[tuple[int, float | None]]:
        """(movie id, stars) of the chosen events, oldest first."""
        return list(zip(self.movies[chosen].tolist(), self.stars[chosen].tolist(), strict=True))


def _asked_people(events: Path, most: int) -> Ids:
    """Everybody, or `most` of them by the chance that belongs to each: the same people in every build of the data."""
    people = pc.unique(pq.read_table(events, columns=[Columns.USER])[Columns.USER]).to_numpy()
    return np.asarray(people[np.argsort(mixed(0, people), kind="stable")[:most]])
