"""Retraining on newer data: a fresh network takes over what an earlier one learned, and its id tables grow.

Known ids keep their vectors wherever they now stand; new ids start where the earlier network had strangers, its unknown row,
which it was trained on; a bucket starts as the earlier one that its lower end falls into. Whatever else has the same shape is
copied, and what has not starts afresh.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from sparrow.errors import BuildError
from sparrow.features.encoding import PAD_ROW, UNKNOWN_ROW, Buckets, EncodingSpec, Field, Names, Rows, Vocabulary
from sparrow.features.inputs import INPUTS

log = logging.getLogger(__name__)

Weights = Mapping[str, NDArray[Any]]
"""Weight path → value."""


def save_weights(network: keras.Model, path: Path) -> None:
    """Write every weight of a served network by its path, as .npz."""
    with path.open("wb") as file:
        np.savez(file, **{weight.path: weight.numpy() for weight in network.weights})


def load_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_weights` wrote.

    Raises:
        BuildError: there is no such file; the release was built before weights were kept, or lacks the model.
    """
    if not path.is_file():
        raise BuildError(
            f"{path} is not there to start from; name a release that holds this model, or leave out --warm-start."
        )
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name] for name in saved.files}


def start_from(network: keras.Model, spec: EncodingSpec, release: Path, served: str) -> list[str]:
    """`take_over` from a model of an earlier release, by the folder of the release and the model's name in it."""
    earlier = load_weights(release / f"{served}.weights.npz")
    afresh = take_over(network, spec, earlier, EncodingSpec.load(release / f"{served}.encoding.json"))
    log.info("%s starts from %s; afresh: %s", served, release.name, ", ".join(afresh) or "nothing")
    return afresh


def take_over(network: keras.Model, spec: EncodingSpec, earlier: Weights, earlier_spec: EncodingSpec) -> list[str]:
    """Set a fresh network's weights from an earlier one's.

    Args:
        network: of the same architecture.
        spec: its encoding.
        earlier: what `load_weights` gave.
        earlier_spec: the encoding beside it.

    Returns:
        Paths of the weights that start afresh: none of the name, or of another shape.
    """
    fresh = []
    for weight in network.weights:
        value, field = earlier.get(weight.path), _table_of(weight.path, spec)
        if value is not None and field in earlier_spec.fields:
            value = value[places(earlier_spec.fields[field], spec.fields[field])]
        if value is None or value.shape != tuple(weight.shape):
            fresh.append(str(weight.path))
        else:
            weight.assign(value)
    return fresh


def places(earlier: Field, now: Field) -> Rows:
    """(now.rows,) the earlier row that each row starts from.

    Example:
        >>> places(Vocabulary(np.array([5, 9])), Vocabulary(np.array([5, 7, 9]))).tolist()  # 7 is new: unknown, row 1
        [0, 1, 2, 1, 3]
    """
    if isinstance(now, Vocabulary) and isinstance(earlier, Vocabulary):
        return _with_special(Vocabulary(earlier.ids).encode(now.ids))
    if isinstance(now, Names) and isinstance(earlier, Names):
        return _with_special(Names(earlier.names).encode(np.array(now.names, np.str_)))
    if isinstance(now, Buckets) and isinstance(earlier, Buckets):
        ends = np.concatenate([[-np.inf], now.boundaries]).astype(np.float32)
        return np.concatenate([[PAD_ROW], earlier.encode(ends)]).astype(np.int32)
    raise BuildError(
        f"An input was of kind {earlier.kind} and is of kind {now.kind} now; a warm start needs the same inputs."
    )


def _with_special(rows: Rows) -> Rows:
    return np.concatenate([[PAD_ROW, UNKNOWN_ROW], rows]).astype(np.int32)


def _table_of(path: str, spec: EncodingSpec) -> str:
    """The input whose rows an embedding table holds, "" for any other weight; tables are named `{input}_{what}`."""
    layer, _, kind = path.rpartition("/")
    table = layer.rpartition("/")[2]
    owners = [name for name in spec.fields if kind == "embeddings" and table.startswith(f"{INPUTS[name].of}_")]
    return max(owners, key=lambda name: len(INPUTS[name].of), default="")
