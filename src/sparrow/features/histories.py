"""What each person had rated before a row, as slices of one list per person.

A history is not written with every sample row: the row says how many ratings, and how many likes, its person had before it,
and these are the first so many of the person's list. A hundred million histories cost one list of all ratings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.features.encoding import PAD_ID, PAD_ROW, Vocabulary
from sparrow.features.grouped import Ints, column
from sparrow.features.inputs import DISLIKES, HISTORY, RATED
from sparrow.schema import Columns

COLUMNS: Final = (Columns.USER, Columns.MOVIE, "liked")

COUNTS: Final = ("user_count", "user_liked_count")
"""What a row must tell of its person."""


@dataclass(frozen=True)
class Ordered:
    """One list per person: `values` (n,) person p's from `starts[p]` to `starts[p + 1]`, oldest first."""

    starts: Ints
    values: NDArray[np.integer]

    def before(self, person: Ints, count: Ints, length: int, pad: int) -> NDArray[np.integer]:
        """(rows, length) the newest of each person's first `count` values, oldest first, padded in front.

        Args:
            person: (rows,) dense people; -1 has no values.
            count: (rows,) how many values lie before the row.
        """
        known = np.where(person >= 0, count, 0)
        there = np.arange(-length, 0) >= -known[:, None]
        places = (self.starts[person] + known)[:, None] + np.arange(-length, 0)
        found = np.full(there.shape, pad, self.values.dtype)
        found[there] = self.values[places[there]]
        return found


@dataclass(frozen=True)
class Histories:
    """The lists of `inputs.LISTS` for everyone.

    Attributes:
        people: (p,) raw ids, ascending.
        lists: input name → list.
        pad: what fills up.
    """

    people: Ints
    lists: Mapping[str, Ordered]
    pad: int

    @classmethod
    def of(cls, events: Iterable[pa.Table], movies: Vocabulary | None = None) -> "Histories":
        """Read them.

        Args:
            events: tables with `COLUMNS`; each person's rows stand in one piece, in (timestamp, movie id) order.
            movies: lists hold its rows; None: raw ids.
        """
        users, values, liked = [], [], []
        for table in events:
            users.append(column(table, Columns.USER))
            values.append(
                column(table, Columns.MOVIE) if movies is None else movies.encode(column(table, Columns.MOVIE))
            )
            liked.append(table["liked"].to_numpy())
        user, value, is_liked = (np.concatenate(parts) for parts in (users, values, liked))
        order = np.argsort(user, kind="stable")
        user, value, is_liked = user[order], value[order], is_liked[order]
        people = np.unique(user)
        chosen = {HISTORY: is_liked, DISLIKES: ~is_liked, RATED: np.ones(len(user), np.bool_)}
        lists = {
            name: Ordered(np.searchsorted(user[mask], np.append(people, people[-1:] + 1)), value[mask])
            for name, mask in chosen.items()
        }
        return cls(people, lists, PAD_ID if movies is None else PAD_ROW)

    def before(self, name: str, rows: Mapping[str, Ints], length: int) -> NDArray[np.integer]:
        """(n, length) one list as of just before each row.

        Args:
            name: of `inputs.LISTS`.
            rows: `userId` and `COUNTS`, (n,) each.
        """
        at = np.minimum(np.searchsorted(self.people, rows[Columns.USER]), len(self.people) - 1)
        person = np.where(self.people[at] == rows[Columns.USER], at, -1)
        liked, every = rows["user_liked_count"], rows["user_count"]
        count = {HISTORY: liked, DISLIKES: every - liked, RATED: every}[name]
        return self.lists[name].before(person, count, length, self.pad)
