"""Rules of people's lists that no score of a single movie knows: the mix of genres follows the history.

Steck, "Calibrated Recommendations" (2018): place after place goes to the candidate i with the greatest

    (1 - w) s(i) - w KL(p || q_i),   KL(p || q) = Σ_g p_g log (p_g / ((1 - a) q_g + a p_g)),   a = 0.01

p: the mix of genres of what somebody liked, each movie spreading 1 over its own; q_i: that of the list so far with i in it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import People
from sparrow.online.catalog import Catalog
from sparrow.online.fatigue import Fatigue
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked, Reranker
from sparrow.online.rules import POOL, Varied, cap_rules, fresh_rules, in_unit
from sparrow.online.similarity import MovieSimilarity

SMOOTHING: Final = 0.01
"""a: how much of p stands in for a genre that the list lacks."""

Mix = NDArray[np.float64]
"""(g,) shares of genres."""


class Calibrated:
    """The mix of genres in the `POOL` best follows the history; the rest stay behind them."""

    name = "calibrated"

    def __init__(self, catalog: Catalog, weight: float) -> None:
        """Args: weight: w, 0 to 1."""
        sizes = catalog.genres.sum(axis=1, keepdims=True)
        self._mixes = (catalog.genres / np.maximum(sizes, 1)).astype(np.float64)
        self._weight = weight

    def rerank(self, ranked: Ranked, request: Request) -> Ranked:
        liked = self._mixes[request.person.liked].sum(axis=0)
        if not liked.sum() or not len(ranked.rows):
            return ranked
        order = self._order(in_unit(ranked.scores[:POOL]), self._mixes[ranked.rows[:POOL]], liked / liked.sum())
        places = np.concatenate([order, np.arange(len(order), len(ranked.rows))])
        return Ranked(ranked.rows[places], ranked.scores[places])

    def _order(self, scores: NDArray[np.float32], mixes: NDArray[np.float64], wanted: Mix) -> NDArray[np.int64]:
        merit, listed = (1 - self._weight) * scores, np.zeros_like(wanted)
        order = np.zeros(len(scores), dtype=np.int64)
        for place in range(len(scores)):
            gained = merit - self._weight * distance(wanted, (listed + mixes) / (place + 1))
            order[place] = best = int(np.argmax(gained))
            listed += mixes[best]
            merit[best] = -np.inf
        return order


def distance(wanted: Mix, mixes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) KL(p || q) of (n, g) mixes q, smoothed.

    Example:
        >>> distance(np.array([0.5, 0.5]), np.array([[0.5, 0.5], [1.0, 0.0]])).round(2).tolist()
        [0.0, 1.96]
    """
    smooth = (1 - SMOOTHING) * mixes + SMOOTHING * wanted
    ratio = np.where(wanted > 0, wanted / np.where(smooth > 0, smooth, 1), 1)
    return np.asarray((wanted * np.log(ratio)).sum(axis=1), dtype=np.float64)


def people_rules(
    catalog: Catalog, similarity: MovieSimilarity | None, settings: People, order: Sequence[str] | None = None
) -> list[Reranker]:
    """The rules that the settings ask for; without vectors nothing can be varied.

    Args:
        catalog: the release's movies.
        similarity: what likeness is.
        settings: their weights.
        order: names of those that shall follow, in this order; None: all, scores first, places last.
    """
    rules = fresh_rules(catalog, settings)
    if settings.fatigue:
        # Before what mixes the best of a list: it shall mix those that will be seen.
        rules.append(Fatigue(settings.fatigue))
    if settings.diversity and similarity is not None:
        rules.append(Varied(similarity, settings.diversity, in_unit))
    if settings.calibration:
        rules.append(Calibrated(catalog, settings.calibration))
    named = {rule.name: rule for rule in (*rules, *cap_rules(catalog, settings))}
    return [named[name] for name in (named if order is None else order) if name in named]
