"""The answers of classify and regress as JSON.

classify   {"results": [[["label", 0.9], …], …]}    for each example its classes, each a label and a score
regress    {"results": [0.5, …]}                    for each example its value
"""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.model_server.protocol.tensors import write_tensor


def write_classes(labels: NDArray[Any] | None, scores: NDArray[Any] | None) -> bytes:
    """(n, c) labels, scores, or both; what is missing is "" or 0.0, as the original's messages have it.

    Example:
        >>> write_classes(np.array([[b"cat", b"dog"]], dtype=object), None)
        b'{"results":[[["cat",0.0],["dog",0.0]]]}'
    """
    given = labels if labels is not None else scores
    assert given is not None, "a classification has labels or scores"
    texts = labels if labels is not None else np.full(given.shape, b"", dtype=object)
    numbers = scores if scores is not None else np.zeros(given.shape, dtype=np.float32)
    rows = [
        [[write_tensor(texts[row, column, ...]), write_tensor(numbers[row, column, ...])] for column in range(width)]
        for row, width in enumerate([given.shape[1]] * len(given))
    ]
    return orjson.dumps({"results": rows})


def write_regressions(values: NDArray[np.float32]) -> bytes:
    """(n,) values."""
    return orjson.dumps({"results": write_tensor(values)})
