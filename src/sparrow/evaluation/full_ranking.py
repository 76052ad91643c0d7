"""Every candidate is ranked for every person, never a sample of them: top k of blocks of scores, then figures per person.

Sampled negatives change which recommender looks best (Krichene & Rendle, "On Sampled Metrics for Item Recommendation", 2020).
Equal scores go to the smaller movie id, for every recommender alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation import metrics
from sparrow.evaluation.cases import Case, Pairs
from sparrow.evaluation.ranking import Judged
from sparrow.evaluation.rows import Ids, Rows

Scorer = Callable[[Ids], NDArray[np.floating]]
"""(n,) raw user ids, ascending → (n, candidates) scores, higher is better, movies ascending by raw id."""

Progress = Callable[[int, int], None]
"""Called with (people done, people in all)."""

CELLS: Final = 2**25
"""Scores in a block at most: 128 MB in float32, and a few times that while they are ranked."""

NOBODY: Final = -1
"""An empty place of a list that has fewer candidates than places."""


@dataclass(frozen=True)
class Asked:
    """Lists of one recommender.

    Attributes:
        people: (people,) raw ids, ascending.
        lists: (people, k) dense candidates, best first; `NOBODY` where there are no more.
    """

    people: Ids
    lists: Ids


def ask(scorer: Scorer, case: Case, test: Rows, k: int, progress: Progress = lambda _done, _total: None) -> Asked:
    """The best `k` candidates of each person in `test`, masked movies left out."""
    people = np.unique(test.users)
    masked = Pairs.of(case.masked, people, case.movies)
    lists = np.full((len(people), k), NOBODY, dtype=np.int64)
    for first, last in _blocks(len(people), len(case.movies)):
        scores = np.array(scorer(people[first:last]), dtype=np.float32)
        _check(scores, (last - first, len(case.movies)))
        scores[masked.block(first, last, len(case.movies))] = -np.inf
        best = top_k(scores, k)
        lists[first:last, : best.shape[1]] = best
        progress(last, len(people))
    return Asked(people, lists)


def top_k(scores: NDArray[np.float32], k: int) -> Ids:
    """(people, min(k, candidates)) columns of the highest scores, ties to the smaller column, `NOBODY` for -inf.

    Example:
        >>> top_k(np.array([[1, 3, 3, -np.inf]], dtype=np.float32), 4).tolist()
        [[1, 2, 0, -1]]
    """
    k = min(k, scores.shape[1])
    least = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    above, equal = scores > least, scores == least
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= room))
    columns = np.nonzero(chosen)[1].reshape(len(scores), k)
    found = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    columns = np.where(np.isneginf(found), NOBODY, columns)
    return np.take_along_axis(columns, order, axis=1)


def judge_lists(name: str, asked: Asked, case: Case, test: Rows, ks: Sequence[int]) -> Judged:
    """Figures per person at each k; relevant movies that are no candidates stay in the denominator."""
    relevant = np.unique(test.users, return_counts=True)[1]
    hits = hits_of(asked, case, test)
    values = {
        f"{metric}@{k}": formula(_places(hits, k), relevant) for k in ks for metric, formula in metrics.RANKING.items()
    }
    return Judged(name, values)


def hits_of(asked: Asked, case: Case, test: Rows) -> metrics.Hits:
    """(people, k) whether the movie at each place is one of that person's test movies."""
    wanted = Pairs.of(test, asked.people, case.movies)
    hits = np.zeros(asked.lists.shape, dtype=np.bool_)
    for first, last in _blocks(len(asked.people), len(case.movies)):
        there = wanted.block(first, last, len(case.movies))
        block = asked.lists[first:last]
        hits[first:last] = np.take_along_axis(there, np.maximum(block, 0), axis=1) & (block != NOBODY)
    return hits


def _places(hits: metrics.Hits, k: int) -> metrics.Hits:
    """(people, k) the first places; those beyond the lists are misses."""
    return np.pad(hits[:, :k], ((0, 0), (0, max(k - hits.shape[1], 0))))


def _blocks(people: int, candidates: int) -> Iterator[tuple[int, int]]:
    size = max(CELLS // max(candidates, 1), 1)
    for first in range(0, people, size):
        yield first, min(first + size, people)


def _check(scores: NDArray[np.float32], shape: tuple[int, int]) -> None:
    if scores.shape != shape:
        raise ValueError(f"A scorer must give {shape} scores (people, candidates); got {scores.shape}.")
    if np.isnan(scores).any():
        raise ValueError("A scorer gave NaN, which cannot be ranked; it has diverged or divides by nothing.")
