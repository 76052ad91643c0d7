"""iALS: implicit-feedback matrix factorisation by alternating least squares (Hu, Koren & Volinsky, 2008), as revisited.

Rendle, Krichene, Zhang & Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks" (2022):

    L = sum_{(u,i) met} (w_u·h_i - 1)² + alpha sum_{all u,i} (w_u·h_i)² + sum_u λ_u |w_u|² + sum_i λ_i |h_i|²
    λ_u = reg (n_u + alpha |movies|)^nu,   λ_i = reg (n_i + alpha |people|)^nu

Frequency-scaled regularisation (nu > 0) and a tuned unobserved weight alpha are what that paper found to matter; libraries
with one flat λ cannot express nu. Weighing a met pair by its stars is ours: a movie that disappointed says less. Each half
step is exact: whoever met few is solved in blocks by a system of what they met, the others by Cholesky one at a time.

People's vectors are not kept: scoring solves w_u anew from a history, which for trained people is the next half step and for
newcomers the fold-in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv
from scipy.sparse import csr_matrix

from sparrow.errors import BuildError
from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies

Progress = Callable[[int, int], None]
"""Called with (half steps done, half steps in all)."""

CELLS = 2**21
"""Numbers in a block of rows that are solved at once: 16 MB."""


@dataclass(frozen=True, eq=False)
class Ials(Saved):
    """Movie vectors, and what is needed to solve for a person.

    Args:
        movie_ids: (movies,) raw ids, ascending.
        vectors: (movies, dim) float64.
        means: (movies,) usual stars.
        alpha, reg, nu: the paper's unobserved weight, regularisation and its power of frequency.
        stars: how much ratings weigh: a met pair counts exp(stars * (rating above the movie's mean)).
    """

    kind: ClassVar[str] = "ials"
    movie_ids: Ids
    vectors: NDArray[np.float64]
    means: NDArray[np.float64]
    alpha: float
    reg: float
    nu: float
    stars: float

    @classmethod
    def fit(
        cls,
        train: Interactions,
        dim: int = 64,
        alpha: float = 0.3,
        reg: float = 0.4,
        nu: float = 0.5,
        epochs: int = 12,
        stars: float = 0.0,
        seed: int = 1,
        progress: Progress = lambda _done, _total: None,
    ) -> "Ials":
        """Args: dim: numbers in a vector; an epoch costs n dim² + (people + movies) dim³."""
        means = train.movie_means()
        met = _met(train, means, stars)
        by_movie = met.T.tocsr()
        vectors = np.random.default_rng(seed).normal(0, 0.1 / np.sqrt(dim), (len(train.movie_ids), dim))
        for epoch in range(epochs):
            people = _solve(vectors, met, alpha, reg, nu)
            progress(2 * epoch + 1, 2 * epochs)
            vectors = _solve(people, by_movie, alpha, reg, nu)
            progress(2 * epoch + 2, 2 * epochs)
        return cls(train.movie_ids, vectors, means, alpha, reg, nu, stars)

    def people(self, histories: Interactions) -> NDArray[np.float64]:
        """(people, dim) vectors solved from their histories."""
        check_same_movies(self, histories)
        return _solve(self.vectors, _met(histories, self.means, self.stars), self.alpha, self.reg, self.nu)

    def scores(self, histories: Interactions) -> Scores:
        return (self.people(histories) @ self.vectors.T).astype(np.float32)


def _met(interactions: Interactions, means: NDArray[np.float64], stars: float) -> csr_matrix:
    return interactions.matrix(np.exp(stars * interactions.above(means)))


def _solve(fixed: NDArray[np.float64], met: csr_matrix, alpha: float, reg: float, nu: float) -> NDArray[np.float64]:
    """(rows, dim) the exact minimiser of one side.

    What all rows share, alpha V'V = Q Λ Q', is made diagonal once, so that a row only adds what it met itself.

    Args:
        fixed: (columns, dim) vectors of the other side, V.
        met: (rows, columns) weights of what was met.
    """
    shared, turn = np.linalg.eigh(alpha * (fixed.T @ fixed))
    turned, lengths = fixed @ turn, np.diff(met.indptr)
    weights = np.add.reduceat(np.append(met.data, 0.0), met.indptr[:-1]) * (lengths > 0)
    ridge = reg * (weights + alpha * met.shape[1]) ** nu
    solved, short = np.zeros((met.shape[0], fixed.shape[1])), 0
    for width in _widths(fixed.shape[1]):
        for rows in _blocks(np.flatnonzero((lengths > short) & (lengths <= width)), width * fixed.shape[1]):
            near, weight = _padded(turned, met, rows, width)
            solved[rows] = _few(np.maximum(shared, 0) + ridge[rows, None], near, weight)
        short = width
    for row in np.flatnonzero(lengths > short).tolist():
        own = slice(met.indptr[row], met.indptr[row + 1])
        solved[row] = _many(shared + ridge[row], turned[met.indices[own]], met.data[own])
    turned_back: NDArray[np.float64] = solved @ turn.T
    return turned_back


def _widths(dim: int) -> list[int]:
    """Lengths to which short rows are padded, so that many are solved at once: 1, 2, 4, …, dim."""
    return [2**power for power in range(dim.bit_length()) if 2**power < dim] + [dim]


def _blocks(rows: NDArray[np.int64], cells: int) -> list[NDArray[np.int64]]:
    """Rows in blocks of at most `CELLS` numbers, each row taking `cells`."""
    size = max(CELLS // cells, 1)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _padded(
    fixed: NDArray[np.float64], met: csr_matrix, rows: NDArray[np.int64], width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rows, width, dim) vectors and (rows, width) weights of what each row met; zero vectors of weight 1 fill up."""
    places = met.indptr[rows][:, None] + np.arange(width)
    there = places < met.indptr[rows + 1][:, None]
    places = np.where(there, places, 0)
    near = fixed[met.indices[places]] * there[:, :, None]
    return near, np.where(there, met.data[places], 1.0)


def _few(diagonal: NDArray[np.float64], near: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, dim) of rows that met fewer than dim: (D + N'WN)⁻¹ N'W1 = D⁻¹N' (W⁻¹ + N D⁻¹ N')⁻¹ 1, a system of what was met.

    Args:
        diagonal: (rows, dim) D.
        near: (rows, m, dim) N.
        weight: (rows, m) the diagonal of W.
    """
    scaled = near / diagonal[:, None, :]
    system = scaled @ near.transpose(0, 2, 1)  # (rows, m, m)
    places = np.arange(near.shape[1])
    system[:, places, places] += 1 / weight
    told = np.linalg.solve(system, np.ones((*weight.shape, 1)))
    return np.asarray((scaled * told).sum(axis=1), dtype=np.float64)


def _many(diagonal: NDArray[np.float64], near: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(dim,) of a row that met `near`, (m, dim), with these weights."""
    normal = (near * weight[:, None]).T @ near
    normal.flat[:: len(normal) + 1] += diagonal
    _, solution, fault = dposv(normal, near.T @ weight, overwrite_a=True)
    if fault:
        raise BuildError("iALS cannot solve its equations: they are not positive definite; raise reg or alpha.")
    return np.asarray(solution, dtype=np.float64)
