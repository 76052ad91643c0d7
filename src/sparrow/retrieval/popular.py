"""Popularity: score(u, i) = number of people who met i. The baseline beside every figure."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies


@dataclass(frozen=True, eq=False)
class Popular(Saved):
    """Args: movie_ids: (movies,) raw ids, ascending. counts: (movies,) people who met each."""

    kind: ClassVar[str] = "popular"
    movie_ids: Ids
    counts: Ids

    @classmethod
    def fit(cls, train: Interactions) -> "Popular":
        return cls(train.movie_ids, train.popularity())

    def scores(self, histories: Interactions) -> Scores:
        check_same_movies(self, histories)
        return np.tile(self.counts.astype(np.float32), (len(histories.user_ids), 1))
