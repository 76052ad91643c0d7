"""Several models as one: a weighted sum of scores, each standardised per person.

    score(u, i) = sum_m weight_m (s_m(u, i) - mean_u) / deviation_u,   mean and deviation over the movies u has not met

Standardising makes scores of different models comparable without forgetting their distances, which fusion by rank does
(Fox & Shaw, "Combination of Multiple Searches", 1994, as CombSUM; Lee, 1997).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.retrieval.ease import LARGEST, Ease
from sparrow.retrieval.ials import Ials, Progress
from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Model


@dataclass(frozen=True)
class Blend:
    """Models over the same movies and how much each counts. Saved as its parts and the weights, each on their own."""

    models: Mapping[str, Model]
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.models or self.models.keys() != self.weights.keys():
            raise ValueError(
                f"A blend needs one weight per model; got models {sorted(self.models)}, weights {sorted(self.weights)}."
            )

    @property
    def movie_ids(self) -> Ids:
        return next(iter(self.models.values())).movie_ids

    def scores(self, histories: Interactions) -> Scores:
        met = histories.matrix().toarray() > 0
        summed = np.zeros(histories.shape, dtype=np.float32)
        for name, model in self.models.items():
            summed += self.weights[name] * standardise(model.scores(histories), met)
        return summed


def standardise(scores: Scores, met: NDArray[np.bool_]) -> Scores:
    """Mean 0 and deviation 1 per person over what is not met; constant scores become 0.

    Args:
        scores: (people, movies).
        met: (people, movies) what to leave out of mean and deviation.
    """
    fresh = ~met
    count = np.maximum(fresh.sum(axis=1, keepdims=True), 1)
    mean = np.sum(scores, axis=1, keepdims=True, where=fresh, dtype=np.float64) / count
    centred = (scores - mean).astype(np.float32)
    spread = np.sqrt(np.sum(centred**2, axis=1, keepdims=True, where=fresh, dtype=np.float64) / count)
    standard: Scores = (centred / np.where(spread > 1e-12, spread, np.inf)).astype(np.float32)
    return standard


def fit_blend(
    train: Interactions,
    als_weight: float = 2.0,
    als_stars: float = 0.4,
    alpha: float = 0.25,
    reg: float = 0.4,
    nu: float = 0.5,
    dim: int = 64,
    epochs: int = 12,
    l2: float = 300.0,
    dropout: float = 0.5,
    ease_stars: float = 0.2,
    ease_movies: int = LARGEST,
    ease_min_count: int = 3,
    seed: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> Blend:
    """iALS and EASE with dropout, both with ratings: the best of this room on rated data (docs/evaluation.md)."""
    models: dict[str, Model] = {
        "als": Ials.fit(
            train, dim=dim, alpha=alpha, reg=reg, nu=nu, epochs=epochs, stars=als_stars, seed=seed, progress=progress
        ),
        "ease": Ease.fit(
            train, l2=l2, dropout=dropout, stars=ease_stars, largest=ease_movies, min_count=ease_min_count
        ),
    }
    return Blend(models, {"als": als_weight, "ease": 1.0})
