"""A stored vector for every person who liked a movie that has one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.features.user_vector import HALF_LIFE
from sparrow.stores.embedding_table import EmbeddingTable


def embed_people(
    people: NDArray[np.int64], sequences: Sequence[NDArray[np.int64]], movies: EmbeddingTable
) -> EmbeddingTable:
    """User embeddings in the movies' space: `features.user_vector` of each, all in one sparse product.

    Args:
        people: (n,) user ids, ascending.
        sequences: n arrays of liked movie ids, oldest first.
        movies: the movie vectors.

    Returns:
        One vector per person with at least one liked movie in `movies`.
    """
    liked = np.concatenate([np.empty(0, dtype=np.int64), *sequences])
    person = np.repeat(np.arange(len(people)), [len(sequence) for sequence in sequences])
    known = np.isin(liked, movies.ids)
    liked, person = np.searchsorted(movies.ids, liked[known]), person[known]
    ends = np.cumsum(np.bincount(person, minlength=len(people)))
    weights = np.exp2(-(ends[person] - 1 - np.arange(len(person))) / HALF_LIFE)  # age 0 for the newest like
    shares = csr_matrix((weights, liked, np.append(0, ends)), shape=(len(people), len(movies.ids)))
    some = np.diff(shares.indptr) > 0
    vectors = (shares @ movies.vectors.astype(np.float64))[some] / np.asarray(shares.sum(axis=1))[some]
    return EmbeddingTable(movies.name, people[some], vectors.astype(np.float32), movies.similarity)
