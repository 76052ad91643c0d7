"""The best low-rank picture of a sparse matrix, by a randomised SVD.

Halko, Martinsson & Tropp, "Finding Structure with Randomness" (2011): a random subspace, a few power iterations, an exact SVD
of what is left. Work is (2 * POWER + 3) products with the matrix; memory (rows + columns) * (dim + SPARE) doubles.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

SPARE: Final = 10
"""Directions beyond those asked for, so that the last ones are right too."""

POWER: Final = 4
"""Power iterations."""


def low_rank(matrix: csr_matrix, dim: int, skip: int = 0, seed: int = 1) -> NDArray[np.float64]:
    """Rows in the matrix's own leading directions, U * sqrt(S).

    Args:
        matrix: (n, m).
        dim: directions kept, cut to what the matrix has.
        skip: leading directions left out before counting.
        seed: of the random subspace.

    Returns:
        (n, at most dim).
    """
    width = min(dim + skip + SPARE, *matrix.shape)
    basis = np.random.default_rng(seed).normal(size=(matrix.shape[1], width))
    for _ in range(POWER):
        basis = np.linalg.qr(matrix.T @ np.linalg.qr(matrix @ basis)[0])[0]
    left, strengths, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
    kept = slice(skip, min(skip + dim, int(np.sum(strengths > 1e-9 * max(strengths[0], 1e-300)))))
    directions: NDArray[np.float64] = left[:, kept] * np.sqrt(strengths[kept])
    return directions
