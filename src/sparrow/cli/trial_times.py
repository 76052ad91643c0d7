"""The clock of an evaluation's train rows, as the build of a pipeline needs it: seconds, one row of a person after the other.

A build learns what follows what, and chooses by each person's newest rows. On a random split these are no likeness of the test
rows, and a ranker chosen by them would be chosen for another question. So there each person's times are dealt out by chance:
the held-back rows of the build are then a random carve-out of train, as the test rows are of everything.

Which kind of split it is the protocol says. Of files that others cut nobody says it; there time decides, or file order:
whether most people's test rows come after their train rows. So whose the test rows are, and when they happened, is looked at;
what they are is not.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.rows import Ids, Rows

BEGIN: Final = 946_684_800
"""Seconds, UTC, where rows begin whose own timestamps say nothing (2000)."""

SPAN: Final = 10**8
"""Seconds over which everybody's rows are spread that have no timestamps."""

LATEST: Final = 10**9 * 2
"""Larger timestamps are no seconds, or lie in the future; their order is kept."""

SEED: Final = 1


def trial_times(train: Rows, test: Rows, in_order: bool | None = None) -> Ids:
    """(n,) seconds, UTC, of each train row; no two of one person are the same.

    Args:
        train, test: the parts.
        in_order: whether test follows train; None: as `order_tells`.
    """
    times = times_of(train)
    if not (order_tells(train, test) if in_order is None else in_order):
        times = dealt_out(times, train.users)
    return apart(times, train)


def order_tells(train: Rows, test: Rows) -> bool:
    """Whether most people's test rows follow their train rows in time; without timestamps, whether file order can be time.

    Example:
        >>> users, movies = np.array([1, 1, 1]), np.array([7, 5, 9])
        >>> order_tells(Rows(users, movies, None, np.array([1, 2, 3])), Rows(users[:1], movies[:1], None, np.array([4])))
        True
        >>> order_tells(Rows(users, movies, None, np.array([1, 2, 9])), Rows(users[:1], movies[:1], None, np.array([4])))
        False
        >>> order_tells(Rows(users, np.sort(movies)), Rows(users[:1], movies[:1]))
        False
    """
    if train.timestamps is None:
        return not _is_by_movie(train)
    if test.timestamps is None:
        return True
    people = np.intersect1d(train.users, test.users)
    newest = _of_people(np.maximum, train, people, np.iinfo(np.int64).min)
    oldest = _of_people(np.minimum, test, people, np.iinfo(np.int64).max)
    return not len(people) or float(np.mean(oldest >= newest)) > 0.5


def _is_by_movie(rows: Rows) -> bool:
    """Whether everybody's rows stand by ascending or by descending movie id; by chance few would."""
    order = rows.in_time()
    same = np.diff(rows.users[order]) == 0
    steps = np.diff(rows.movies[order])[same]
    return len(steps) > 1 and bool(np.all(steps >= 0) or np.all(steps <= 0))


def _of_people(pick: Any, rows: Rows, people: Ids, start: int) -> Ids:
    found = np.full(len(people), start, dtype=np.int64)
    mine = np.isin(rows.users, people)
    pick.at(found, np.searchsorted(people, rows.users[mine]), rows.times()[mine])
    return found


def times_of(rows: Rows) -> Ids:
    """(n,) seconds, UTC. Without timestamps each person's rows are spread over the same time in file order, so that a cut in
    time cuts everybody; timestamps that cannot be seconds keep their order."""
    if rows.timestamps is None:
        order = rows.in_time()
        _, starts, counts = np.unique(rows.users[order], return_index=True, return_counts=True)
        share: Any = np.empty(len(rows), dtype=np.int64)
        share[order] = (np.arange(len(rows)) - np.repeat(starts, counts) + 1) * SPAN // np.repeat(counts, counts)
        return np.asarray(BEGIN + share, dtype=np.int64)
    if rows.timestamps.min(initial=0) >= 0 and rows.timestamps.max(initial=0) < LATEST:
        return rows.timestamps
    return np.asarray(BEGIN + np.unique(rows.timestamps, return_inverse=True)[1], dtype=np.int64)


def dealt_out(times: Ids, users: Ids) -> Ids:
    """(n,) each person's own times, in a random order."""
    by_person = np.argsort(users, kind="stable")
    chance: NDArray[np.float64] = np.random.default_rng(SEED).random(len(times))
    dealt = np.empty_like(times)
    dealt[by_person] = times[np.lexsort((chance, users))]
    return dealt


def apart(times: Ids, rows: Rows) -> Ids:
    """(n,) the times, those of one person a second apart at least, in time and file order: what a second holds keeps its order
    in a build, which has no file order.

    Example:
        >>> apart(np.array([5, 5, 9, 5]), Rows(np.array([1, 1, 1, 2]), np.array([9, 8, 7, 9]))).tolist()
        [5, 6, 9, 5]
    """
    order = np.lexsort((np.arange(len(times)), times, rows.users))
    sorted_times = times[order]
    starts = np.flatnonzero(np.diff(rows.users[order], prepend=rows.users[order][:1] - 1))
    later = sorted_times - np.arange(len(times))
    for start, end in zip(starts, [*starts[1:], len(times)], strict=True):
        np.maximum.accumulate(later[start:end], out=later[start:end])
    spread = np.empty_like(times)
    spread[order] = later + np.arange(len(times))
    return spread
