"""Any embedding as a recommender: how near each movie is to what somebody met, the latest counting most.

    score(u, j) = v_j · sum_{i in N_u} decay^(age of i) v_i  +  popularity * log(1 + n_j)

v are vectors comparable by inner product (unit length for cosine). Centred Item2vec knows nothing of popularity, hence its
own term.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies, dense
from sparrow.stores.embedding_table import EmbeddingTable


@dataclass(frozen=True, eq=False)
class NearHistory(Saved):
    """Args: movie_ids: (movies,). vectors: (movies, dim), zeros for movies without one. prior: (movies,). decay: per place."""

    kind: ClassVar[str] = "near_history"
    movie_ids: Ids
    vectors: NDArray[np.float32]
    prior: NDArray[np.float32]
    decay: float

    @classmethod
    def of(
        cls, table: EmbeddingTable, train: Interactions, decay: float = 0.98, popularity: float = 0.1
    ) -> "NearHistory":
        """Args: table: vectors by raw id; popularity: weight of the prior beside a mean similarity in [-1, 1]."""
        vectors = np.zeros((len(train.movie_ids), table.dim), dtype=np.float32)
        has = np.isin(table.ids, train.movie_ids)
        vectors[np.searchsorted(train.movie_ids, table.ids[has])] = table.comparable()[has]
        prior = popularity * np.log1p(train.popularity()).astype(np.float32)
        return cls(train.movie_ids, vectors, prior, decay)

    def scores(self, histories: Interactions) -> Scores:
        check_same_movies(self, histories)
        weights = self.decay**histories.recency
        sums = np.bincount(histories.rows(), weights=weights, minlength=len(histories.user_ids))
        taste = dense(histories.matrix(weights / sums[histories.rows()]) @ self.vectors)  # (people, dim)
        nearness: Scores = taste @ self.vectors.T + self.prior
        return nearness
