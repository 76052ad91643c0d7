"""Ranking and classification metrics, each with its definition; binary relevance throughout.

Ranked lists are given as `hits`: (..., k) booleans, position 1 first, whether the movie there is relevant; `relevant` is (...),
how many relevant movies there are in all. The last axis is the list, so that one list and a million people are one formula.
Where conventions differ, the docstring says which is meant.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Hits = NDArray[np.bool_]
Values = NDArray[np.float64]


def ndcg(hits: Hits, relevant: ArrayLike) -> Values:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen, 2002).

    DCG = sum_i hit_i / log2(i + 1); divided by the best DCG that min(k, relevant) hits can have; 0.0 without relevant movies.

    Example:
        >>> float(ndcg(np.array([False, True]), relevant=1))  # the only hit stands second
        0.6309297535714575
    """
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[-1] + 2))
    ideal = np.concatenate(([0.0], np.cumsum(discounts)))
    return _share(hits @ discounts, ideal[np.minimum(relevant, hits.shape[-1])])


def precision(hits: Hits, relevant: ArrayLike) -> Values:  # noqa: ARG001 - one shape for all
    """Hits divided by places."""
    return _share(hits.sum(axis=-1), hits.shape[-1])


def recall(hits: Hits, relevant: ArrayLike) -> Values:
    """Hits divided by relevant movies, however many places there are (some divide by min(k, relevant): not here)."""
    return _share(hits.sum(axis=-1), relevant)


def hit_rate(hits: Hits, relevant: ArrayLike) -> Values:  # noqa: ARG001 - one shape for all
    """1.0 when there is any hit."""
    return np.asarray(hits.any(axis=-1), dtype=np.float64)


def reciprocal_rank(hits: Hits, relevant: ArrayLike) -> Values:  # noqa: ARG001 - one shape for all
    """1 / position of the first hit, 0.0 without one (Voorhees, 1999)."""
    places = np.arange(1, hits.shape[-1] + 1)
    return np.asarray(np.max(hits / places, axis=-1, initial=0.0), dtype=np.float64)


def average_precision(hits: Hits, relevant: ArrayLike) -> Values:
    """Sum of the precisions at the hits, divided by min(relevant, k): a full list of hits is 1.0."""
    return _share(_precision_at_hits(hits), np.minimum(relevant, hits.shape[-1]))


def average_precision_ms(hits: Hits, relevant: ArrayLike) -> Values:
    """Sum of the precisions at the hits, divided by all relevant movies: the MAP of Microsoft Recommenders' tables."""
    return _share(_precision_at_hits(hits), relevant)


def _precision_at_hits(hits: Hits) -> Values:
    precisions = np.cumsum(hits, axis=-1) / np.arange(1, hits.shape[-1] + 1)
    return np.asarray(np.sum(precisions, axis=-1, where=hits), dtype=np.float64)


def _share(part: ArrayLike, whole: ArrayLike) -> Values:
    """part / whole, and 0.0 where there is nothing to divide by."""
    numerator, denominator = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.asarray(np.where(denominator > 0, numerator / np.maximum(denominator, 1e-300), 0.0))


Metric = Callable[[Hits, ArrayLike], Values]
RANKING: Final[Mapping[str, Metric]] = {
    "map": average_precision,
    "map_ms": average_precision_ms,
    "ndcg": ndcg,
    "precision": precision,
    "recall": recall,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
}
"""Metric names as users write them, `@k` behind."""


def auc(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half (Mann-Whitney).

    Args:
        scores: (n,) higher means more likely.
        labels: (n,) 0 or 1, both present.

    Example:
        >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 1, 0, 1]))
        0.875
    """
    if np.isnan(scores).any():
        raise ValueError(f"AUC needs scores that can be ordered; {int(np.isnan(scores).sum())} are NaN.")
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError(f"AUC needs both labels; got {positives} positives and {negatives} negatives.")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean negative log likelihood in nats; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(labels == 1, np.log(p), np.log1p(-p))))


def bootstrap_interval(values: NDArray[np.floating], draws: int = 2000, seed: int = 1) -> tuple[float, float]:
    """95 % percentile interval of the mean of per-person values (Efron, 1979).

    Args:
        values: (people,) one figure a person, or one difference a person for a paired comparison.
        draws: resamples of people.
        seed: of the resampling.
    """
    low, high = bootstrap_intervals(values[:, None], draws, seed)[0]
    return float(low), float(high)


def bootstrap_intervals(values: NDArray[np.floating], draws: int = 2000, seed: int = 1) -> Values:
    """95 % percentile intervals of the means of several figures, people resampled together.

    Args:
        values: (people, figures).
        draws: resamples of people; memory stays at a few times (people,).
        seed: of the resampling.

    Returns:
        (figures, 2) low and high.
    """
    people = len(values)
    if not people:
        raise ValueError("A bootstrap interval needs at least one person; got none.")
    chance = np.random.default_rng(seed)
    means = np.empty((draws, values.shape[1]))
    for draw in range(draws):
        times = np.bincount(chance.integers(0, people, people), minlength=people)
        means[draw] = times @ values / people
    return np.asarray(np.percentile(means, [2.5, 97.5], axis=0).T)


def paired_p_value(differences: NDArray[np.floating], draws: int = 2000, seed: int = 1) -> float:
    """Two-sided p of Fisher's randomisation test: how often randomly flipped signs give a mean as far from 0.

    The test that Smucker, Allan & Carterette, "A Comparison of Statistical Significance Tests for Information Retrieval
    Evaluation" (2007) recommend for two systems asked by the same people.

    Args:
        differences: (people,) of one metric, ours less theirs.
        draws: random flips; the smallest p is 1 / (draws + 1).
        seed: of the flips.
    """
    if not len(differences):
        raise ValueError("A paired test needs at least one person; got none.")
    chance = np.random.default_rng(seed)
    observed = abs(differences.sum()) - 1e-12
    flips = (chance.integers(0, 2, len(differences)) * 2 - 1 for _ in range(draws))
    as_far = sum(bool(abs(flip @ differences) >= observed) for flip in flips)
    return (as_far + 1) / (draws + 1)
