"""One question put to every recommender: train rows, candidates, and what each person's list should have held.

The rules, each counted in the report:
- two rows of one person and movie in the same file count once, the newest stays (`duplicates`);
- a test row that is also masked for that person (in train, or in valid with `--seen train+valid`) could never be listed and
  is dropped (`repeats`);
- a test movie that is no candidate stays in the denominator (`untrained`);
- people without train rows are judged apart (`cold`), with the list a stranger gets;
- every test row that is left is a positive, whatever its rating.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.evaluation.rows import Ids, Rows, is_in, keep_newest


@dataclass(frozen=True)
class Case:
    """What is asked, and of whom.

    Attributes:
        train: rows to learn from, one per person and movie.
        movies: (m,) candidate ids, ascending: those in train and those of `--items`.
        masked: rows whose movies that person is never offered.
        test: positives of people who have train rows.
        cold: positives of people who have none.
        counts: what the rules above met.
    """

    train: Rows
    movies: Ids
    masked: Rows
    test: Rows
    cold: Rows
    counts: Mapping[str, int]


def make_case(train: Rows, test: Rows, seen: Rows | None = None, more_movies: Ids | None = None) -> Case:
    """Apply the rules.

    Args:
        train, test: rows in file order.
        seen: rows masked beside train (validation rows, with `--seen train+valid`).
        more_movies: candidate ids beside those in train.

    Raises:
        DataError: train or test is empty, or no test person has a train row.
    """
    for name, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise DataError(f"The {name} part has no rows; there is nothing to judge. Check the split or the file.")
    train, repeated_train = keep_newest(train)
    test, repeated_test = keep_newest(test)
    masked = train if seen is None else _ids_only(train).joined(_ids_only(seen))
    blocked = is_in(test, masked)
    test = test.take(~blocked)
    known = np.isin(test.users, train.users)
    if not known.any():
        raise DataError(
            "No person of the test rows has a train row, so no list can be personal; check that both use the same ids."
        )
    movies = np.unique(train.movies if more_movies is None else np.concatenate((train.movies, more_movies)))
    counts = {
        "duplicates": repeated_train + repeated_test,
        "repeats": int(blocked.sum()),
        "untrained": int((~np.isin(test.movies, movies)).sum()),
    }
    return Case(train, movies, masked, test.take(known), test.take(~known), counts)


def _ids_only(rows: Rows) -> Rows:
    return Rows(rows.users, rows.movies)


@dataclass(frozen=True)
class Pairs:
    """Person → movies as dense CSR: `starts` (people + 1,) and `columns` (n,) ascending within a person."""

    starts: Ids
    columns: Ids

    @classmethod
    def of(cls, rows: Rows, people: Ids, movies: Ids) -> "Pairs":
        """The rows of these people over these movies, both ascending raw ids; others are left out."""
        inside = np.isin(rows.users, people) & np.isin(rows.movies, movies)
        owners = np.searchsorted(people, rows.users[inside])
        columns = np.searchsorted(movies, rows.movies[inside])
        order = np.lexsort((columns, owners))
        return cls(np.searchsorted(owners[order], np.arange(len(people) + 1)), columns[order])

    def block(self, first: int, last: int, width: int) -> NDArray[np.bool_]:
        """(last - first, width) True where a person of the block has the movie."""
        there = np.zeros((last - first, width), dtype=np.bool_)
        entries = slice(int(self.starts[first]), int(self.starts[last]))
        owners = np.repeat(np.arange(last - first), np.diff(self.starts[first : last + 1]))
        there[owners, self.columns[entries]] = True
        return there
