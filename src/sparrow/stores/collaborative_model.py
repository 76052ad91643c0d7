"""What a release keeps of iALS and EASE: enough to score anybody from a history, in one `.npz` without pickle.

`retrieval` fits it, `online.collaborative` asks it. Movies are columns here, ascending by raw id.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.stores.saved_arrays import SavedArrays

FILE: Final = "collaborative.npz"


@dataclass(frozen=True, eq=False)
class CollaborativeModel(SavedArrays):
    """Vectors, weights, and how ratings count.

    Attributes:
        movie_ids: (m,) int64 raw ids of the movies somebody met, ascending.
        means: (m,) float64 usual stars; NaN where ratings say nothing.
        vectors: (m, dim) float32 of iALS.
        alpha, reg, nu: its unobserved weight, regularisation and the power of frequency in it.
        als_stars: a met movie counts exp(als_stars * stars above its mean).
        als_weight: of iALS in the sum; EASE has 1.
        inputs: (e,) int32 columns that EASE covers.
        outputs: (e, kept) int32 columns that each of them speaks for or against.
        weights: (e, kept) float32 how much.
        ease_stars: a met movie counts 1 + ease_stars * stars above its mean.
    """

    what: ClassVar[str] = "collaborative model"
    movie_ids: NDArray[np.int64]
    means: NDArray[np.float64]
    vectors: NDArray[np.float32]
    alpha: float
    reg: float
    nu: float
    als_stars: float
    als_weight: float
    inputs: NDArray[np.int32]
    outputs: NDArray[np.int32]
    weights: NDArray[np.float32]
    ease_stars: float
