"""A person's embedding: the mean of the vectors of what they liked, newest likes counting more.

u = sum_i w_i v_i / sum_i w_i with w_i = 2 ** (-age_i / HALF_LIFE), age 0 for the newest like. The same function makes the
stored user embeddings offline and a guest's vector online.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HALF_LIFE: Final = 20.0
"""How many later likes halve a like's weight."""


def user_vector(liked: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding of someone who liked these movies.

    Args:
        liked: (n, dim) their vectors, oldest first; n >= 1.

    Returns:
        (dim,) float32.

    Example:
        >>> user_vector(np.array([[0.0, 2.0], [0.0, 2.0]], dtype=np.float32)).tolist()
        [0.0, 2.0]
    """
    if not len(liked):
        raise ValueError("user_vector needs at least one liked movie's vector; got none.")
    ages = np.arange(len(liked) - 1, -1, -1)
    weights = np.exp2(-ages / HALF_LIFE)
    vector: NDArray[np.float32] = (weights @ liked / weights.sum()).astype(np.float32)
    return vector
