"""Mixed precision: products in bfloat16 where a GPU makes that quick, weights and losses in float32 everywhere.

bfloat16 has float32's range, so losses need no scaling; what is exported is the float32 network with the same weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import keras
import tensorflow as tf

Precision = Literal["auto", "float32", "mixed"]

MIXED: Final = "mixed_bfloat16"


@contextmanager
def precision(wanted: Precision) -> Iterator[bool]:
    """Build and train inside it; gives whether it is mixed. `auto`: mixed where there is a GPU."""
    is_mixed = wanted == "mixed" or (wanted == "auto" and bool(tf.config.list_physical_devices("GPU")))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(MIXED if is_mixed else "float32")
    try:
        yield is_mixed
    finally:
        keras.config.set_dtype_policy(before)
