"""One embedding as the request path holds it: vectors and stored neighbours in catalogue rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.features.user_vector import user_vector
from sparrow.online.catalog import Catalog, Rows
from sparrow.stores.embedding_table import unit
from sparrow.stores.feature_store import FeatureStore, Similarity

NO_NEIGHBOUR = -1

Neighbours = tuple[int, NDArray[np.int64], NDArray[np.float32]]
"""A movie, the ids of its neighbours, their scores."""


@dataclass(frozen=True)
class MovieSimilarity:
    """Vectors that compare by inner product, in catalogue rows.

    Attributes:
        name: of the embedding.
        similarity: what the inner product of `vectors` is: "inner", or "cosine" (then they have length 1).
        has_vector: (n,) bool.
        vectors: (n, dim) float32, zero where there is none.
        neighbours: (n, k) int32 rows, best first, `NO_NEIGHBOUR` where there are fewer.
        scores: (n, k) float32.
    """

    name: str
    similarity: Similarity
    has_vector: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    neighbours: Rows
    scores: NDArray[np.float32]

    def to_movie(self, row: int, candidates: Rows) -> NDArray[np.float32]:
        """(c,) similarity of each candidate to one movie."""
        scores: NDArray[np.float32] = self.vectors[candidates] @ self.vectors[row]
        return scores

    def to_history(self, liked: Rows, candidates: Rows) -> NDArray[np.float32] | None:
        """(c,) similarity of each candidate to a person's vector; None when no liked movie has a vector."""
        known = liked[self.has_vector[liked]]
        if not len(known):
            return None
        person = user_vector(self.vectors[known])
        if self.similarity == "cosine":
            person = unit(person[None])[0]
        scores: NDArray[np.float32] = self.vectors[candidates] @ person
        return scores


def load_similarity(
    store: FeatureStore, catalog: Catalog, name: str, similarity: Similarity, dim: int
) -> MovieSimilarity:
    """Read one embedding of a release into catalogue rows.

    Raises:
        NotFound: the store has a vector or neighbours of a movie that the catalogue lacks.
    """
    vectors = np.zeros((len(catalog), dim), dtype=np.float32)
    has_vector = np.zeros(len(catalog), dtype=np.bool_)
    held = list(store.vectors(name))
    if held:
        rows = _rows_of(catalog, [movie for movie, _ in held])
        vectors[rows], has_vector[rows] = np.stack([vector for _, vector in held]), True
    neighbours, scores = _neighbours(catalog, list(store.neighbours(name)))
    return MovieSimilarity(
        name, similarity, has_vector, unit(vectors) if similarity == "cosine" else vectors, neighbours, scores
    )


def _neighbours(catalog: Catalog, stored: list[Neighbours]) -> tuple[Rows, NDArray[np.float32]]:
    """Rows and scores, (n, k) each; all looked up in one go. Neighbours that the catalogue lacks are left out."""
    width = max((len(ids) for _, ids, _ in stored), default=0)
    neighbours = np.full((len(catalog), width), NO_NEIGHBOUR, dtype=np.int32)
    scores = np.zeros((len(catalog), width), dtype=np.float32)
    if not width:
        return neighbours, scores
    lengths = np.array([len(ids) for _, ids, _ in stored])
    rows, known = catalog.known_rows(np.concatenate([ids for _, ids, _ in stored]))
    of = np.repeat(np.arange(len(stored)), lengths)[known]
    place = np.arange(len(of)) - np.searchsorted(of, of)
    owner = _rows_of(catalog, [movie for movie, _, _ in stored])[of]
    neighbours[owner, place], scores[owner, place] = rows, np.concatenate([values for _, _, values in stored])[known]
    return neighbours, scores


def _rows_of(catalog: Catalog, movies: list[int]) -> Rows:
    """(m,) rows of movies that all have to be there."""
    rows, known = catalog.known_rows(np.array(movies, dtype=np.int64))
    if not known.all():
        catalog.row(movies[int(np.argmin(known))])
    return rows
