"""One embedding as the request path holds it: vectors and stored neighbours in catalogue rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.features.user_vector import user_vector
from sparrow.online.catalog import Catalog, Rows
from sparrow.stores.embedding_table import unit
from sparrow.stores.feature_store import FeatureStore, Similarity

NO_NEIGHBOUR = -1


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
    """Read one embedding of a release into catalogue rows."""
    vectors = np.zeros((len(catalog), dim), dtype=np.float32)
    has_vector = np.zeros(len(catalog), dtype=np.bool_)
    for movie, vector in store.vectors(name):
        row = catalog.row(movie)
        vectors[row], has_vector[row] = vector, True
    stored = list(store.neighbours(name))
    width = max((len(ids) for _, ids, _ in stored), default=0)
    neighbours = np.full((len(catalog), width), NO_NEIGHBOUR, dtype=np.int32)
    scores = np.zeros((len(catalog), width), dtype=np.float32)
    for movie, ids, values in stored:
        rows, known = catalog.known_rows(ids)
        neighbours[catalog.row(movie), : len(rows)], scores[catalog.row(movie), : len(rows)] = rows, values[known]
    return MovieSimilarity(
        name, similarity, has_vector, unit(vectors) if similarity == "cosine" else vectors, neighbours, scores
    )
