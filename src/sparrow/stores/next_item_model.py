"""What a release keeps of the linear next-movie model: enough to score anybody from their latest movies.

`retrieval.next_item` fits it, `online.next_item` asks it. Movies are columns here, ascending by raw id.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.stores.saved_arrays import SavedArrays

FILE: Final = "next_item.npz"


@dataclass(frozen=True, eq=False)
class NextItemModel(SavedArrays):
    """Which movie follows which.

    Attributes:
        movie_ids: (m,) int64 raw ids, ascending.
        inputs: (e,) int32 columns that speak.
        outputs: (e, kept) int32 columns that each of them speaks for or against.
        weights: (e, kept) float32 how much.
        decay: a movie `age` places back counts decay ** age.
        window: from this age on nothing.
    """

    what: ClassVar[str] = "next-movie model"
    movie_ids: NDArray[np.int64]
    inputs: NDArray[np.int32]
    outputs: NDArray[np.int32]
    weights: NDArray[np.float32]
    decay: float
    window: int
