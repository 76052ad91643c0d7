"""Lists judged against what people did next: full ranking over all unseen movies, one figure a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation import metrics

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """What one recommender reached: metric name → (people,) values, people in the same order for every recommender."""

    name: str
    values: Mapping[str, NDArray[np.float64]]

    def mean(self, metric: str) -> float:
        return float(self.values[metric].mean())

    def interval(self, metric: str) -> tuple[float, float]:
        """95 % bootstrap interval over people."""
        return metrics.bootstrap_interval(self.values[metric])

    def lead(self, other: "Judged", metric: str) -> tuple[float, float, float]:
        """Mean difference to `other` and its paired 95 % interval."""
        difference = self.values[metric] - other.values[metric]
        return float(difference.mean()), *metrics.bootstrap_interval(difference)


def judge(name: str, lists: Sequence[Ids], relevant: Sequence[Ids], k: int) -> Judged:
    """Score one list per person.

    Args:
        name: of the recommender.
        lists: per person, (>= 0,) movie ids, best first; a list shorter than `k` misses on its empty places.
        relevant: per person, (>= 1,) movie ids that count as hits.
        k: places that count, >= 1.

    A movie that a list repeats, or that a person liked twice, counts once.
    """
    if k < 1:
        raise ValueError(f"judge needs at least one place; got k = {k}.")
    hits = np.array([_hits(ranked[:k], wanted, k) for ranked, wanted in zip(lists, relevant, strict=True)])
    distinct = np.array([len(np.unique(wanted)) for wanted in relevant])
    shaped = hits.reshape(-1, k)
    return Judged(name, {f"{metric}@{k}": formula(shaped, distinct) for metric, formula in metrics.RANKING.items()})


def _hits(ranked: Ids, wanted: Ids, k: int) -> metrics.Hits:
    """(k,) whether each place holds a wanted movie for the first time."""
    first = np.unique(ranked, return_index=True)[1]
    hits = np.zeros(k, dtype=np.bool_)
    hits[first] = np.isin(ranked[first], wanted)
    return hits
