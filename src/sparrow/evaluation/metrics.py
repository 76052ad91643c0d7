"""Ranking and classification metrics, each with its definition; binary relevance throughout.

A ranked list is given as `hits`: (k,) booleans, position 1 first, whether the movie there is relevant; `relevant` is how many
relevant movies there are in all.
"""

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]


def ndcg(hits: Hits, relevant: int) -> float:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen, 2002).

    DCG = sum_i hit_i / log2(i + 1); divided by the best DCG that min(k, relevant) hits can have; 0.0 without relevant movies.

    Example:
        >>> ndcg(np.array([False, True]), relevant=1)  # the only hit stands second
        0.6309297535714575
    """
    if relevant < 1:
        return 0.0
    discounts = 1.0 / np.log2(np.arange(2, len(hits) + 2))
    return float(discounts[hits].sum() / discounts[: min(len(hits), relevant)].sum())


def precision(hits: Hits, relevant: int) -> float:  # noqa: ARG001 - one shape for all
    """Hits divided by places."""
    return float(hits.mean()) if len(hits) else 0.0


def recall(hits: Hits, relevant: int) -> float:
    """Hits divided by relevant movies."""
    return float(hits.sum() / relevant) if relevant else 0.0


def hit_rate(hits: Hits, relevant: int) -> float:  # noqa: ARG001 - one shape for all
    """1.0 when there is any hit."""
    return float(hits.any())


def reciprocal_rank(hits: Hits, relevant: int) -> float:  # noqa: ARG001 - one shape for all
    """1 / position of the first hit, 0.0 without one."""
    return float(1.0 / (np.argmax(hits) + 1)) if hits.any() else 0.0


def average_precision(hits: Hits, relevant: int) -> float:
    """Mean of the precisions at the hits, divided by min(relevant, k)."""
    if relevant < 1:
        return 0.0
    at_hits = np.cumsum(hits)[hits] / (np.flatnonzero(hits) + 1)
    return float(at_hits.sum() / min(relevant, len(hits)))


RANKING = {
    "map": average_precision,
    "ndcg": ndcg,
    "precision": precision,
    "recall": recall,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
}
"""Metric names as users write them."""


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
    if not len(values):
        raise ValueError("A bootstrap interval needs at least one person; got none.")
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
