"""Ranking: one batch of candidates in, one score each out, higher is better.

A ranker says what it needs: `needs_known_user` ones serve only people the network was trained on. Where a ranker cannot
answer it raises `RankerUnavailable`, and the pipeline takes the next best one.
"""

import logging
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.recall import Request
from sparrow.online.similarity import MovieSimilarity

log = logging.getLogger(__name__)

Scores = NDArray[np.float32]


class Ranker(Protocol):
    """One way to order candidates."""

    @property
    def name(self) -> str: ...

    @property
    def needs_known_user(self) -> bool: ...

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        """(c,) finite scores of (c,) candidate rows.

        Raises:
            RankerUnavailable: it cannot answer this request, or cannot answer now.
        """


@runtime_checkable
class OfParts(Protocol):
    """A ranker whose scores are sums, and that can say of what."""

    async def parts(self, request: Request, candidates: Rows) -> Mapping[str, Scores]:
        """Part → (c,) scores of (c,) candidate rows.

        Raises:
            RankerUnavailable: as for `Ranker.rank`.
        """


def check_scores(ranker: str, scores: Scores, candidates: Rows) -> Scores:
    """(c,) the scores, if they are one finite number per candidate; raises RankerUnavailable if not."""
    if scores.shape != candidates.shape or not np.all(np.isfinite(scores)):
        raise RankerUnavailable(
            f"{ranker} gave scores of shape {scores.shape} for {len(candidates)} movies, or not finite ones."
        )
    return scores


class SimilarityRanker:
    """Similarity to the request's movie. Candidates without a vector follow behind, by shared genres and nearness in years."""

    needs_known_user = False

    def __init__(self, catalog: Catalog, similarity: MovieSimilarity) -> None:
        self.name = similarity.name
        self._catalog, self._similarity, self._content = catalog, similarity, ContentRanker(catalog)

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        if request.movie is None or not self._similarity.has_vector[request.movie]:
            raise RankerUnavailable(f"The movie has no {self.name} vector; rank by content instead.")
        near = self._similarity.to_movie(request.movie, candidates)
        content = await self._content.rank(request, candidates)
        lowest = near.min(initial=0.0)
        return np.where(self._similarity.has_vector[candidates], near, lowest - 1 + content / 2).astype(np.float32)


class ContentRanker:
    """Shared genres (Jaccard) and nearness in years, for movies nobody has a vector for; scores in [0, 1]."""

    name = "content"
    needs_known_user = False
    YEARS = 10.0

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self._years = catalog, catalog.years.astype(np.float64)

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        if request.movie is None:
            raise RankerUnavailable("Ranking by content needs a movie to compare with; rank by popularity instead.")
        years, own = self._years[candidates], float(self._years[request.movie])
        near = np.exp(-np.abs(years - own) / self.YEARS)
        dated = (years > 0) & (own > 0)
        overlap = self._catalog.genre_overlap(request.movie, candidates)
        return (0.75 * overlap + 0.25 * np.where(dated, near, 0)).astype(np.float32)


class HistoryRanker:
    """Similarity to the person's own vector (what they liked, newest most) plus a popularity prior: newcomers and guests.

    score = cosine + PRIOR * log(1 + ratings) / log(1 + most ratings). Centred embeddings know nothing of popularity, so
    without the prior a list is worse than the bestsellers; docs/quality.md has the table that chose `PRIOR`.
    """

    name = "history"
    needs_known_user = False
    PRIOR = 1.5

    def __init__(self, catalog: Catalog, similarity: MovieSimilarity) -> None:
        self._similarity = similarity
        popularity = np.log1p(catalog.counts) / max(float(np.log1p(catalog.counts.max(initial=0))), 1e-9)
        self._prior = (self.PRIOR * popularity).astype(np.float32)

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        scores = self._similarity.to_history(request.person.liked, candidates)
        if scores is None:
            raise RankerUnavailable("No liked movie has a vector yet; rank by popularity instead.")
        return (scores + self._prior[candidates]).astype(np.float32)


class BlendRanker:
    """NeuralCF and similarity to the history together: logit(NeuralCF) + HISTORY * history.

    The id model knows what people like this one chose, the history knows what they liked last; together they order better
    than each (docs/quality.md).
    """

    name = "blend"
    needs_known_user = True
    HISTORY = 4.0

    def __init__(self, neural: Ranker, history: HistoryRanker) -> None:
        self._neural, self._history = neural, history

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        chances = np.clip(await self._neural.rank(request, candidates), 1e-6, 1 - 1e-6)
        blended: Scores = np.log(chances / (1 - chances)).astype(np.float32)
        try:
            blended += np.float32(self.HISTORY) * await self._history.rank(request, candidates)
        except RankerUnavailable:
            log.debug("Nothing liked has a vector: the network alone knows the person %s.", request.person.user_id)
        return blended


class PopularityRanker:
    """Many good ratings first: log(1 + ratings) * weighted mean. Needs nothing, so it always answers."""

    name = "popularity"
    needs_known_user = False

    def __init__(self, catalog: Catalog) -> None:
        self._scores = (np.log1p(catalog.counts) * catalog.weighted_rating).astype(np.float32)

    async def rank(self, request: Request, candidates: Rows) -> Scores:  # noqa: ARG002 - the same for everyone
        return self._scores[candidates]
