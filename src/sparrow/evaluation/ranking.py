"""Lists judged against what people did next: full ranking over all unseen movies, one figure a person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation import metrics

Ids = NDArray[np.int64]
Score = Callable[[Ids, Ids], NDArray[np.floating]]
"""(n,) user ids, (n,) movie ids → (n,) scores, higher is better."""


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


def top_unseen(scores: NDArray[np.floating], movies: Ids, seen: Ids, k: int) -> Ids:
    """The `k` best movies of one person.

    Args:
        scores: (n,) of `movies`.
        movies: (n,) candidate ids, ascending, so that ties go to the smaller id.
        seen: movie ids left out.
        k: how many at most.
    """
    unseen = ~np.isin(movies, seen)
    order = np.argsort(-scores[unseen], kind="stable")[:k]
    return movies[unseen][order]


def group_by_person(users: Ids, movies: Ids) -> dict[int, Ids]:
    """user id → (n,) movie ids in row order."""
    order = np.argsort(users, kind="stable")
    people, starts = np.unique(users[order], return_index=True)
    return dict(zip(people.tolist(), np.split(movies[order], starts)[1:], strict=True))


class RankingValidation:
    """nDCG@k of a scorer on held-out rows of a sample of people: what stops an id model early."""

    def __init__(
        self, seen: tuple[Ids, Ids], held_out: tuple[Ids, Ids], people: int = 100, k: int = 10, seed: int = 1
    ) -> None:
        """Args: seen, held_out: (users, movies) rows; people: at most so many are asked, drawn by `seed`."""
        self._seen, self._relevant = group_by_person(*seen), group_by_person(*held_out)
        known = sorted(self._seen.keys() & self._relevant.keys())
        self._people = np.random.default_rng(seed).permutation(np.array(known, dtype=np.int64))[:people].tolist()
        self._movies, self._k = np.unique(seen[1]), k

    def __bool__(self) -> bool:
        """Whether anyone has held-out rows."""
        return bool(self._people)

    def __call__(self, score: Score) -> float:
        lists = [
            top_unseen(score(np.full(len(self._movies), who), self._movies), self._movies, self._seen[who], self._k)
            for who in self._people
        ]
        return judge("", lists, [self._relevant[who] for who in self._people], self._k).mean(f"ndcg@{self._k}")
