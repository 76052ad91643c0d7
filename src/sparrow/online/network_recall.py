"""Recall by a network that can ask a whole catalogue at once, in process.

SASRec can: its candidates are rows of a table, and scoring them is one matrix product. Two towers cannot yet: the exported graph
computes the movies' tower anew for each candidate (67 ms for 60 thousand at the smallest size); it only ranks, as all others do.
"""

from typing import Final

import numpy as np

from sparrow.online.answers import ReasonKind
from sparrow.online.deep import DeepRanker, LocalPredictor
from sparrow.online.recall import Found, Request, nothing_found, top_rows

RETRIEVERS: Final = ("sasrec",)
"""Names of models that recall; each is also the name of its route."""


class NetworkRecall:
    """The movies a network puts first; the list's reasons come from the other routes."""

    def __init__(self, ranker: DeepRanker, local: LocalPredictor, movies: int) -> None:
        """
        Args:
            ranker: the network, which describes the person.
            local: it in process.
            movies: of the catalogue.
        """
        self.name = ranker.name
        self.reason: ReasonKind = "because_liked"
        self._ranker, self._local = ranker, local
        self._everything = np.arange(movies, dtype=np.int32)

    def recall(self, request: Request, quota: int) -> Found:
        if request.movie is not None or not len(request.person.rated):
            return nothing_found()
        told = self._local.scores(self._ranker.describe(request.person), self._everything)
        scores = np.where(request.allowed & np.isfinite(told), told, -np.inf).astype(np.float32)
        rows = top_rows(scores, quota)
        rows = rows[scores[rows] > -np.inf]
        return Found(rows, scores[rows])
