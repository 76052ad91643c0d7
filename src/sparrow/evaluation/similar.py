"""How lists of similar movies behave over a whole catalogue, whatever similarity made them.

Lists are (movies, k) dense rows, best first, `NOBODY` in empty places; row i holds the neighbours of movie i. What coverage, ARP,
APLT and Gini are is said in `beyond_accuracy`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.beyond_accuracy import beyond_accuracy
from sparrow.evaluation.full_ranking import NOBODY
from sparrow.evaluation.rows import Ids

HEAD: Final = 0.01
"""Share of the catalogue that is its most popular movies."""


def behaviour(
    lists: Ids, met: Ids, genres: NDArray[np.bool_], steps: Ids, people: int, k: int = 10
) -> dict[str, float]:
    """Every figure of this page for the first `k` places.

    Args:
        lists: (movies, >= k) neighbours.
        met: (movies,) people who met each movie.
        genres: (movies, genres) which it has.
        steps: (m, 2) a movie, and what the same person met right after it; not known to the similarity.
        people: people in all.
        k: places that count.
    """
    shown = lists[:, :k]
    return {
        f"next_recall@{k}": next_recall(shown, steps),
        f"kind@{k}": kind_agreement(shown, genres),
        f"head@{k}": head_share(shown, met),
        f"popularity_in_degree@{k}": popularity_in_degree(shown, met),
        f"popularity_ratio@{k}": popularity_ratio(shown, met),
        **beyond_accuracy(shown, met, people, k),
    }


def dense_lists(ids: Ids, known: Ids, nearest: Ids) -> Ids:
    """Neighbours by raw id as lists of this page.

    Args:
        ids: (movies,) raw ids of the catalogue, ascending.
        known: (n,) raw ids of the movies that have neighbours.
        nearest: (n, k) their neighbours' raw ids.
    """
    lists = np.full((len(ids), nearest.shape[1]), NOBODY, dtype=np.int64)
    lists[np.searchsorted(ids, known)] = np.searchsorted(ids, nearest)
    return lists


def next_recall(lists: Ids, steps: Ids) -> float:
    """Share of the steps whose second movie stands in the list of the first; a movie without a list misses."""
    return float(np.mean(np.any(lists[steps[:, 0]] == steps[:, 1:], axis=1))) if len(steps) else 0.0


def kind_agreement(lists: Ids, genres: NDArray[np.bool_]) -> float:
    """Mean Jaccard similarity of the genres of a movie and of its neighbours, over movies that have a list."""
    total, places = 0.0, 0
    for row in np.flatnonzero(np.any(lists != NOBODY, axis=1)):
        mine = lists[row][lists[row] != NOBODY]
        shared = (genres[mine] & genres[row]).sum(axis=1)
        either = (genres[mine] | genres[row]).sum(axis=1)
        total += float(np.sum(shared / np.maximum(either, 1)))
        places += len(mine)
    return total / max(places, 1)


def head_share(lists: Ids, met: Ids, share: float = HEAD) -> float:
    """Share of all places that goes to the most popular movies; ties in popularity go to the smaller row."""
    head = np.argsort(-met, kind="stable")[: max(1, round(share * len(met)))]
    places = lists[lists != NOBODY]
    return float(np.mean(np.isin(places, head))) if len(places) else 0.0


def popularity_in_degree(lists: Ids, met: Ids) -> float:
    """Spearman's rank correlation of how many met a movie with how many lists it stands in; 0.0 where either is constant."""
    times = np.bincount(lists[lists != NOBODY], minlength=len(met))
    one, other = _ranks(met), _ranks(times)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def popularity_ratio(lists: Ids, met: Ids) -> float:
    """Geometric mean of (neighbours' popularity / the movie's own), the neighbours' being their geometric mean too.

    1 means that neighbours are as popular as the movie; a movie nobody met counts as met by one.
    """
    logs = np.log(np.maximum(met, 1))
    there = lists != NOBODY
    filled = there.any(axis=1)
    sums = np.where(there, logs[np.maximum(lists, 0)], 0).sum(axis=1)[filled]
    return float(np.exp(np.mean(sums / there.sum(axis=1)[filled] - logs[filled]))) if filled.any() else 0.0


def _ranks(values: Ids) -> NDArray[np.float64]:
    """(n,) ranks, equal values share their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
