"""A stored vector for every person who liked a movie that has one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparrow.features.user_vector import user_vector
from sparrow.stores.embedding_table import EmbeddingTable


def embed_people(
    people: NDArray[np.int64], sequences: Sequence[NDArray[np.int64]], movies: EmbeddingTable
) -> EmbeddingTable:
    """User embeddings in the movies' space.

    Args:
        people: (n,) user ids, ascending.
        sequences: n arrays of liked movie ids, oldest first.
        movies: the movie vectors.

    Returns:
        One vector per person with at least one liked movie in `movies`.
    """
    ids, vectors = [], []
    for person, liked in zip(people, sequences, strict=True):
        known = liked[np.isin(liked, movies.ids)]
        if len(known):
            ids.append(person)
            vectors.append(user_vector(movies.vectors[np.searchsorted(movies.ids, known)]))
    return EmbeddingTable(
        movies.name,
        np.array(ids, dtype=np.int64),
        np.array(vectors, dtype=np.float32).reshape(len(ids), movies.dim),
        movies.similarity,
    )
