"""EASE: a linear item-item model in closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019).

    min_B |X - XB|² + l2 |B|²,  diag(B) = 0      =>      P = (X'X + Λ)⁻¹,  B_ij = -P_ij / P_jj,  B_jj = 0

Λ = l2 I + p / (1 - p) diag(X'X) is the expectation of training with inputs dropped at rate p ("EDLAE", Steck, "Autoencoders
that don't overfit towards the Identity", 2020); p = 0 is EASE itself. `user_power` weighs a person by n_u^-user_power, so
that the longest histories do not own the model.

`movie_power` a fits the scaled columns X D, D = diag(n_i^-a), and scales back: rare movies are regularised as much as popular
ones. Inputs of someone's history may carry ratings: w_ui = 1 + stars * (rating above the movie's mean).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri

from sparrow.errors import BuildError
from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies, dense, strongest

LARGEST = 12_000
"""Movies in the model at most, the most popular ones: 12,000² doubles are 1.2 GB, and the inverse needs two of them."""


@dataclass(frozen=True, eq=False)
class Ease(Saved):
    """The matrix B over the most popular movies.

    Args:
        movie_ids: (movies,) raw ids, ascending.
        inside: (m,) columns that B covers, ascending; others score 0.
        weights: (m, m) float32, B.
        means: (movies,) usual stars.
        stars: how much ratings weigh in a history.
    """

    kind: ClassVar[str] = "ease"
    movie_ids: Ids
    inside: Ids
    weights: NDArray[np.float32]
    means: NDArray[np.float64]
    stars: float

    @classmethod
    def fit(
        cls,
        train: Interactions,
        l2: float = 400.0,
        dropout: float = 0.0,
        user_power: float = 0.0,
        movie_power: float = 0.0,
        stars: float = 0.0,
        largest: int = LARGEST,
        min_count: int = 1,
    ) -> "Ease":
        """Args: l2: in units of co-counts when both powers are 0. dropout: p, in [0, 1). min_count: people who met a movie
        that B covers; the most popular one always is. Cost goes with movies³."""
        met = train.popularity()
        covered = max(int((met >= min_count).sum()), 1)
        inside = np.sort(np.argsort(-met, kind="stable")[: min(largest, covered)])
        scale = np.maximum(met[inside], 1.0) ** -movie_power
        gram = _gram(train, inside, user_power) * np.outer(scale, scale)
        weights = _solve(gram, l2 + dropout / (1 - dropout) * np.diag(gram))
        weights *= np.outer(scale, 1 / scale)
        return cls(train.movie_ids, inside, weights.astype(np.float32), train.movie_means(), stars)

    def scores(self, histories: Interactions) -> Scores:
        check_same_movies(self, histories)
        inputs = histories.matrix(1 + self.stars * histories.above(self.means))[:, self.inside].astype(np.float32)
        if len(self.inside) == len(self.movie_ids):
            return dense(inputs @ self.weights)
        scored = np.zeros(histories.shape, dtype=np.float32)
        scored[:, self.inside] = dense(inputs @ self.weights)
        return scored

    def pruned(self, kept: int) -> "Ease":
        """The model of those weights alone."""
        places, weights = strongest(self.weights, kept)
        sparse = np.zeros_like(self.weights)
        np.put_along_axis(sparse, places, weights, axis=1)
        return replace(self, weights=sparse)


def _gram(train: Interactions, inside: Ids, user_power: float) -> NDArray[np.float64]:
    """(m, m) weighted co-counts of the chosen movies."""
    weights = np.maximum(train.counts(), 1.0) ** (-user_power / 2)
    matrix = train.matrix(weights[train.rows()])[:, inside]
    together: NDArray[np.float64] = (matrix.T @ matrix).toarray()
    return together


def _solve(gram: NDArray[np.float64], ridge: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, m) B with a zero diagonal; the inverse by Cholesky, in place where it can be."""
    gram[np.diag_indices_from(gram)] += ridge
    factor, fault = dpotrf(gram.T, lower=True, overwrite_a=True)  # symmetric, and its transpose is in Fortran order
    if fault:
        raise BuildError(f"EASE cannot invert its matrix: it is not positive definite; raise l2 above {ridge.min():g}.")
    lower, _ = dpotri(factor, lower=True, overwrite_c=True)
    inverse: NDArray[np.float64] = lower + np.tril(lower, -1).T
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0)
    return inverse
