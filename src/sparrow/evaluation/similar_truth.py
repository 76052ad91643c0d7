"""Similarities against people's judgements: one list of all judged pairs, most similar first.

    auc                chance that a pair called alike scores above one called unlike, ties half
    average_precision  sum over thresholds of (recall_t - recall_t-1) * precision_t; pairs of equal score share a threshold
    ndcg               gain = label less the smallest label, discount 1 / log2(1 + place), shared by pairs of equal score

"Alike" is a label above the middle of the scale that the file uses (`Truth.alike`); only `ndcg` uses the grades themselves.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.evaluation.ground_truth import Truth

Floats = NDArray[np.float64]
DRAWS: Final = 1000
"""Bootstrap resamples of pairs."""


def judge_similarities(truth: Truth, scores: Mapping[str, Floats], default: str, seed: int = 1) -> dict[str, Any]:
    """The whole answer of `sparrow evaluate-similar`.

    Args:
        truth: judged pairs.
        scores: similarity → (n,) scores of the pairs, NaN where it knows one of the movies not.
        default: the similarity behind the site's similar movies.
        seed: of the resampling.

    Returns:
        `pairs`, `known`, `default`, and per similarity its metrics, their 95 % intervals and the share of pairs it could score;
        a pair it could not score has the middle (median) of its scores.

    Raises:
        DataError: no known pair is called alike, or none unlike.
    """
    alike = truth.alike
    if alike.all() or not alike.any():
        raise DataError(
            f"{int(alike.sum())} of {len(alike)} judged pairs of known movies are called alike; both kinds are needed."
        )
    rows = [_row(name, truth, values, seed) for name, values in scores.items()]
    return {
        "pairs": truth.pairs, "known": len(alike), "alike": int(alike.sum()), "default": default, "rows": rows,
        "faults": truth.faults.report(),
    }  # fmt: skip


def paired_lead(truth: Truth, ours: Floats, theirs: Floats, seed: int = 1) -> dict[str, Any]:
    """AUC of `ours` less that of `theirs` on the same pairs, with its paired 95 % interval."""
    alike, one, other = truth.alike, _whole(ours), _whole(theirs)
    chance, leads = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        drawn = chance.integers(0, len(alike), len(alike))
        if 0 < alike[drawn].sum() < len(drawn):
            leads.append(auc(alike[drawn], one[drawn]) - auc(alike[drawn], other[drawn]))
    low, high = np.percentile(leads, [2.5, 97.5])
    return {
        "auc": round(auc(alike, one) - auc(alike, other), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
    }


def rank_sum(*scores: Floats) -> Floats:
    """(n,) mean rank over several similarities, the plainest fusion there is."""
    ranked: Floats = np.mean([_ranks(_whole(one)) for one in scores], axis=0)
    return ranked


def auc(alike: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the ROC curve (Mann-Whitney)."""
    positives = int(alike.sum())
    ranked = float(_ranks(scores)[alike].sum())
    return (ranked - positives * (positives + 1) / 2) / (positives * (len(alike) - positives))


def average_precision(alike: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the precision-recall steps."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # last place of each threshold
    hits = np.cumsum(alike[order])[ends]
    return float(np.diff(hits, prepend=0) @ (hits / (ends + 1)) / max(int(alike.sum()), 1))


def ndcg(labels: Floats, scores: Floats) -> float:
    """Discounted gain of the whole list over that of the best order."""
    gains = labels - labels.min()
    discounts = 1 / np.log2(np.arange(2, len(gains) + 2))
    _, group, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.add.reduceat(discounts, np.cumsum(counts) - counts) / counts
    best = float(np.sort(gains)[::-1] @ discounts)
    return float(gains @ shared[group]) / best if best > 0 else 0.0


METRICS: Final[Mapping[str, Callable[[Truth, NDArray[np.int64], Floats], float]]] = {
    "auc": lambda truth, rows, scores: auc(truth.alike[rows], scores[rows]),
    "average_precision": lambda truth, rows, scores: average_precision(truth.alike[rows], scores[rows]),
    "ndcg": lambda truth, rows, scores: ndcg(truth.labels[rows], scores[rows]),
}


def _row(name: str, truth: Truth, scores: Floats, seed: int) -> dict[str, Any]:
    whole, everyone = _whole(scores), np.arange(len(scores))
    chance, drawn = np.random.default_rng(seed), []
    alike = truth.alike
    for _ in range(DRAWS):
        rows = chance.integers(0, len(scores), len(scores))
        if 0 < alike[rows].sum() < len(rows):  # a resample of one kind alone has no AUC
            drawn.append([metric(truth, rows, whole) for metric in METRICS.values()])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return {
        "embedding": name,
        "metrics": {metric: round(figure(truth, everyone, whole), 4) for metric, figure in METRICS.items()},
        "interval": {
            metric: [round(float(low[at]), 4), round(float(high[at]), 4)] for at, metric in enumerate(METRICS)
        },
        "coverage": round(float(np.mean(np.isfinite(scores))), 4),
    }


def _whole(scores: Floats) -> Floats:
    """Scores with the median in place of what is not known; 0 when nothing is."""
    known = np.isfinite(scores)
    return np.where(known, scores, np.median(scores[known]) if known.any() else 0.0)


def _ranks(scores: Floats) -> Floats:
    """(n,) ranks from 1, the smallest first; equal scores share their mean."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
