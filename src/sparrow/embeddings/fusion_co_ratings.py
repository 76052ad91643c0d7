"""Co-rating vectors that are honest about small counts: a truncated SVD of weighed ratings, without its first direction.

    x_ui = exp(STARS * (r_ui - mean_u)) / n_u^PEOPLE,    y_ui = x_ui / sqrt(|x_i|² + SHRINK * mean x²),    Y = U S V'
    v_i = (V sqrt(S))_i from the second direction on, compared by cosine

Why each piece is there: who rates all there is says little about any two movies (n_u); a liked movie says more than a disliked
one (exp); SHRINK ratings of nothing keep a movie of seven ratings from owning a direction; the first direction is popularity,
which makes the bestsellers look alike. Bullinaria & Levy, "Extracting Semantic Representations from Word Co-occurrence
Statistics: SVD" (2012), found the same of words: drop the first directions, flatten the others.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.embeddings.content_files import Ratings
from sparrow.embeddings.low_rank import low_rank
from sparrow.errors import BuildError
from sparrow.stores.embedding_table import EmbeddingTable

NAME: Final = "co_ratings"
DIM: Final = 64
STARS: Final = 0.5
PEOPLE: Final = 0.5
SHRINK: Final = 30.0


def train_co_ratings(ratings: Ratings, dim: int = DIM, shrink: float = SHRINK) -> EmbeddingTable:
    """A vector for every rated movie.

    Args:
        ratings: each (person, movie) once.
        dim: numbers in a vector at most.
        shrink: in ratings.

    Raises:
        BuildError: there are no ratings.
    """
    if not len(ratings.users):
        raise BuildError("Co-rating vectors need ratings and there are none; check the data with `sparrow data check`.")
    people, rows = np.unique(ratings.users, return_inverse=True)
    ids, columns = np.unique(ratings.movies, return_inverse=True)
    weights = _weights(rows, ratings.stars)
    squares = np.bincount(columns, weights**2, len(ids))
    scale = 1 / np.sqrt(squares + shrink * np.mean(weights**2))
    by_movie = csr_matrix((weights * scale[columns], (columns, rows)), shape=(len(ids), len(people)))
    vectors = low_rank(by_movie, dim, skip=1)
    if not vectors.shape[1]:  # one person, or one movie: nothing beside popularity
        vectors = np.zeros((len(ids), 1))
    return EmbeddingTable(NAME, ids, vectors.astype(np.float32), "cosine")


def _weights(rows: NDArray[np.int64], stars: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) what each rating counts."""
    counts = np.bincount(rows)
    means = np.bincount(rows, stars) / counts
    weights: NDArray[np.float64] = np.exp(STARS * (stars - means[rows])) / counts[rows] ** PEOPLE
    return weights
