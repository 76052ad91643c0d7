"""Ranking: one batch of candidates in, one score each out, higher is better.

A ranker says what it needs: `needs_known_user` ones serve only people the network was trained on. Where a ranker cannot
answer it raises `RankerUnavailable`, and the pipeline takes the next best one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable
from sparrow.features.encoding import EncodingSpec
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.recall import Request
from sparrow.online.similarity import MovieSimilarity
from sparrow.schema import Columns

Scores = NDArray[np.float32]


class Ranker(Protocol):
    """One way to order candidates."""

    name: str
    needs_known_user: bool

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        """(c,) finite scores of (c,) candidate rows.

        Raises:
            RankerUnavailable: it cannot answer this request, or cannot answer now.
        """


class Predictor(Protocol):
    """The network behind `NeuralCFRanker`: in process, or a TensorFlow Serving server."""

    async def predict(self, inputs: Mapping[str, NDArray[np.int64]]) -> Scores:
        """Raw int64 ids by input name, each (c,) → (c,) scores."""


class OnnxPredictor:
    """The exported network in process: NumPy encoding, then ONNX Runtime on one thread."""

    def __init__(self, graph: Path, spec: EncodingSpec) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._spec = spec

    async def predict(self, inputs: Mapping[str, NDArray[np.int64]]) -> Scores:
        [scores] = self._session.run(["score"], self._spec.encode_ids(dict(inputs)))
        return np.asarray(scores, dtype=np.float32).reshape(-1)


class NeuralCFRanker:
    """NeuralCF over (userId, movieId) pairs, all candidates in one batch."""

    name = "neural_cf"
    needs_known_user = True

    def __init__(self, catalog: Catalog, spec: EncodingSpec, predictor: Predictor) -> None:
        self._catalog, self._spec, self._predictor = catalog, spec, predictor

    def knows(self, user_id: int) -> bool:
        """Whether the network has a trained row for this person."""
        return self._spec.vocabularies[Columns.USER].is_known(user_id)

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        user = request.person.user_id
        if user is None or not self.knows(user):
            raise RankerUnavailable(f"neural_cf was not trained on the person {user}; rank by their history instead.")
        movies = self._catalog.ids[candidates]
        return await self._predictor.predict({Columns.USER: np.full(len(movies), user), Columns.MOVIE: movies})


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
        self._catalog = catalog

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        if request.movie is None:
            raise RankerUnavailable("Ranking by content needs a movie to compare with; rank by popularity instead.")
        years = self._catalog.years.astype(np.float64)
        near = np.exp(-np.abs(years[candidates] - years[request.movie]) / self.YEARS)
        dated = (years[candidates] > 0) & (years[request.movie] > 0)
        overlap = self._catalog.genre_overlap(request.movie)[candidates]
        return (0.75 * overlap + 0.25 * np.where(dated, near, 0)).astype(np.float32)


class HistoryRanker:
    """Similarity to the person's own vector (what they liked, newest most): newcomers and guests."""

    name = "history"
    needs_known_user = False

    def __init__(self, similarity: MovieSimilarity) -> None:
        self._similarity = similarity

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        scores = self._similarity.to_history(request.person.liked, candidates)
        if scores is None:
            raise RankerUnavailable("No liked movie has a vector yet; rank by popularity instead.")
        return np.where(self._similarity.has_vector[candidates], scores, -1).astype(np.float32)


class PopularityRanker:
    """Many good ratings first: log(1 + ratings) * weighted mean. Needs nothing, so it always answers."""

    name = "popularity"
    needs_known_user = False

    def __init__(self, catalog: Catalog) -> None:
        self._scores = (np.log1p(catalog.counts) * catalog.weighted_rating).astype(np.float32)

    async def rank(self, request: Request, candidates: Rows) -> Scores:  # noqa: ARG002 - the same for everyone
        return self._scores[candidates]
