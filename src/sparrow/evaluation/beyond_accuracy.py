"""What a set of lists does to the catalogue: how much of it is shown, and how much goes to the bestsellers."""

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.full_ranking import NOBODY
from sparrow.evaluation.rows import Ids

HEAD_SHARE = 0.8
"""Share of the interactions that belongs to the head of the catalogue."""


def beyond_accuracy(lists: Ids, met: Ids, people: int, k: int) -> dict[str, float]:
    """All figures of this page for the first `k` places.

    Args:
        lists: (asked, >= k) dense movies, `NOBODY` in empty places.
        met: (movies,) people who met each movie in train.
        people: people in train.
        k: places that count.
    """
    shown = lists[:, :k]
    return {
        f"coverage@{k}": coverage(shown, len(met)),
        f"novelty@{k}": novelty(shown, met, people),
        f"arp@{k}": average_popularity(shown, met),
        f"aplt@{k}": long_tail_share(shown, met),
        f"gini@{k}": gini(shown, len(met)),
    }


def coverage(lists: Ids, movies: int) -> float:
    """Share of the candidates that stand in at least one list (catalogue coverage, Ge et al., 2010)."""
    return len(np.unique(lists[lists != NOBODY])) / movies


def novelty(lists: Ids, met: Ids, people: int) -> float:
    """Mean self-information of a shown movie, -log2(share of people who met it), in bits (Zhou et al., 2010).

    A movie nobody met counts as met by one.
    """
    shares = np.maximum(met, 1) / people
    return _mean_over_lists(-np.log2(shares), lists)


def average_popularity(lists: Ids, met: Ids) -> float:
    """ARP: mean number of train interactions of a shown movie, per list, then over lists (Yin et al., 2012)."""
    return _mean_over_lists(met.astype(np.float64), lists)


def long_tail_share(lists: Ids, met: Ids) -> float:
    """APLT: mean share of a list that is long tail (Abdollahpouri et al., 2017).

    The head is the most popular movies that together hold 80 % of the interactions; ties go to the smaller id; the tail is
    the rest.
    """
    order = np.argsort(-met, kind="stable")
    before = np.cumsum(met[order]) - met[order]
    is_tail = np.empty(len(met), dtype=np.float64)
    is_tail[order] = before >= HEAD_SHARE * met.sum()
    return _mean_over_lists(is_tail, lists)


def gini(lists: Ids, movies: int) -> float:
    """Gini index of how often each candidate is shown: 0 all equally, towards 1 one movie for everybody.

    G = sum_j (2 j - n - 1) x_j / (n sum x), x ascending, j from 1 (Fleder & Hosanagar, 2009, write it with n - 1).
    """
    times = np.sort(np.bincount(lists[lists != NOBODY], minlength=movies)).astype(np.float64)
    places = np.arange(1, movies + 1)
    return float(((2 * places - movies - 1) @ times) / (movies * max(times.sum(), 1)))


def _mean_over_lists(values: NDArray[np.float64], lists: Ids) -> float:
    """Mean over lists of the mean value of the shown movies; empty lists are left out."""
    there = lists != NOBODY
    sums = np.where(there, values[np.maximum(lists, 0)], 0).sum(axis=1)
    lengths = there.sum(axis=1)
    filled = lengths > 0
    return float(np.mean(sums[filled] / lengths[filled])) if filled.any() else 0.0
