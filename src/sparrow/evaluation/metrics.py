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
    check_both_labels(labels)
    positives = int(labels.sum())
    negatives = len(labels) - positives
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def check_both_labels(labels: NDArray[np.integer]) -> None:
    """Raises ValueError unless there are zeros and ones: a one alone cannot be told from anything."""
    positives = int(labels.sum())
    if not 0 < positives < len(labels):
        raise ValueError(f"AUC needs both labels; got {positives} positives and {len(labels) - positives} negatives.")


def gauc(scores: NDArray[np.floating], labels: NDArray[np.integer], groups: NDArray[np.integer]) -> float:
    """Group AUC: the mean of each person's AUC, weighted by their rows (Zhu et al., 2017; Zhou et al., 2018).

    People with one label left have no AUC: they and their rows are left out; `one_class_groups` says who. NaN if that is all.

    Args:
        scores: (n,) higher means more likely.
        labels: (n,) 0 or 1.
        groups: (n,) dense people, 0 to g - 1.

    Example:
        >>> gauc(np.array([0.1, 0.9, 0.5, 0.4, 0.8]), np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 2]))
        0.5
    """
    areas, rows = auc_by_group(scores, labels, groups)
    return float(areas @ rows / rows.sum()) if rows.any() else float("nan")


def one_class_groups(labels: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(g,) whether all rows of a group carry the same label."""
    positives = np.bincount(groups, labels)
    return np.asarray((positives == 0) | (positives == np.bincount(groups)))


def auc_by_group(
    scores: NDArray[np.floating], labels: NDArray[np.integer], groups: NDArray[np.integer]
) -> tuple[Values, NDArray[np.int64]]:
    """(g,) AUC of each group, and (g,) its rows; 0.0 and 0 where it has one label only."""
    order = np.lexsort((scores, groups))
    group, score, label = groups[order], scores[order], labels[order]
    starts = np.flatnonzero(np.append(True, (np.diff(group) != 0) | (np.diff(score) != 0)))  # runs of equal scores
    positive = np.add.reduceat(label.astype(np.float64), starts)
    negative = np.diff(np.append(starts, len(label))) - positive
    of_run, below = group[starts], np.cumsum(negative) - negative
    below -= below[np.searchsorted(of_run, of_run)]  # what stands below in the same group
    won = np.bincount(of_run, positive * (below + negative / 2))
    positives, rows = np.bincount(groups, labels), np.bincount(groups)
    pairs = positives * (rows - positives)
    return _share(won, pairs), np.where(pairs > 0, rows, 0)


def log_likelihood(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Values:
    """(n,) of each row, in nats; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(np.where(labels == 1, np.log(p), np.log1p(-p)))


def log_loss(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean negative `log_likelihood`."""
    return float(-np.mean(log_likelihood(probabilities, labels)))


CALIBRATION_BINS: Final = 15
"""Of equal width, as Guo et al. (2017) take them."""


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Expected calibration error (Naeini et al., 2015; Guo et al., 2017), over bins B_b of equal width.

    ECE = sum_b |B_b| / n * |mean label of B_b - mean probability of B_b|

    Of few rows it is above 0 even for true chances; compare it on the same rows only.

    Example:
        >>> round(calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 0, 0, 0])), 6)
        0.25
    """
    sums = calibration_sums(probabilities, labels, np.zeros(len(labels), np.int64))
    return float(np.abs(sums).sum() / len(labels))


def calibration_sums(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], groups: NDArray[np.integer]
) -> Values:
    """(g, bins) by how much a group's labels in a bin exceed its probabilities, summed; what `calibration_error` adds up."""
    width = CALIBRATION_BINS
    which = np.minimum((probabilities * width).astype(np.int64), width - 1)
    over = labels - probabilities.astype(np.float64)
    cells = int(groups.max(initial=0)) + 1
    return np.bincount(groups * width + which, over, cells * width).reshape(cells, width).astype(np.float64, copy=False)


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
