"""Item-based nearest neighbours (Sarwar et al., 2001; Deshpande & Karypis, "Item-based top-N recommendation", 2004).

    s_ij = c_ij / (n_i^q * n_j^(1-q) + shrink),   score(u, j) = sum_{i in N_u} w_ui s_ij  over the k nearest i of each j

c_ij counts the people who met both, n_i those who met i. q = 0.5 is the cosine; a larger q gives less to a candidate's
neighbours that everybody met, and more to popular candidates. w_ui = 1 + stars * (rating above the movie's mean).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies, dense

BLOCK = 1024


@dataclass(frozen=True, eq=False)
class ItemKnn(Saved):
    """Neighbours of every movie as a sparse matrix: row i, column j, s_ij.

    Args:
        movie_ids: (movies,) raw ids, ascending.
        starts, columns, values: the CSR arrays.
        means: (movies,) usual stars.
        stars: how much ratings weigh in a history.
    """

    kind: ClassVar[str] = "item_knn"
    movie_ids: Ids
    starts: Ids
    columns: Ids
    values: NDArray[np.float32]
    means: NDArray[np.float64]
    stars: float

    @classmethod
    def fit(
        cls, train: Interactions, neighbours: int = 200, q: float = 0.5, shrink: float = 0.0, stars: float = 0.0
    ) -> "ItemKnn":
        """Args: neighbours: kept per candidate movie. Work and memory go with people x history² and movies x BLOCK."""
        matrix, met = train.matrix(), np.maximum(train.popularity(), 1).astype(np.float64)
        kept = [
            _nearest(matrix, met, slice(start, start + BLOCK), neighbours, q, shrink)
            for start in range(0, len(met), BLOCK)
        ]
        rows, columns, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        table = csr_matrix((values.astype(np.float32), (rows, columns)), shape=(len(met), len(met)))
        starts, columns = table.indptr.astype(np.int64), table.indices.astype(np.int64)
        return cls(train.movie_ids, starts, columns, table.data, train.movie_means(), stars)

    def scores(self, histories: Interactions) -> Scores:
        check_same_movies(self, histories)
        table = csr_matrix((self.values, self.columns, self.starts), shape=(len(self.movie_ids),) * 2)
        return dense(histories.matrix(1 + self.stars * histories.above(self.means)) @ table)


def _nearest(
    matrix: csr_matrix, met: NDArray[np.float64], chosen: slice, k: int, q: float, shrink: float
) -> tuple[Ids, Ids, NDArray[np.float64]]:
    """(rows, columns, values) of the k nearest of the chosen candidates; ties go to the smaller id."""
    together = (matrix[:, chosen].T @ matrix).toarray()  # (block, movies)
    likeness = together / (met[None, :] ** q * met[chosen, None] ** (1 - q) + shrink)
    likeness[np.arange(len(likeness)), chosen.start + np.arange(len(likeness))] = 0
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(likeness, nearest, axis=1).ravel()
    candidates = chosen.start + np.repeat(np.arange(len(likeness)), nearest.shape[1])
    there = values > 0
    return nearest.ravel()[there], candidates[there], values[there]
