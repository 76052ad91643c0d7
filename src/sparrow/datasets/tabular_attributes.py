"""Declared further columns of items and people → columns that `write_attributes` takes; what cannot be read is unknown."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparrow.datasets.attributes import Kind
from sparrow.datasets.report import Tally
from sparrow.datasets.tabular import Batch
from sparrow.datasets.tabular_faults import UNREADABLE_ATTRIBUTE
from sparrow.datasets.tabular_values import numbers, texts, word_lists

PREFIX: Final = "attribute:"
"""Keys of declared columns in a `Batch`, apart from those of roles."""

_BETWEEN: Final = re.compile(r"[\s,;|]+")


def convert(batch: Batch, kinds: Mapping[str, Kind], separator: str, tally: Tally) -> Batch:
    """Every declared column of a batch in the form of its kind.

    Numbers and texts by themselves; a category cut at `separator` into a list; a vector a list of numbers, written as
    "0.1 0.2 0.3" or "[0.1, 0.2, 0.3]" in CSV.
    """
    for name, kind in kinds.items():
        key = PREFIX + name
        column = batch.columns[key]
        if kind == "numeric":
            values, wrong = numbers(column)
            batch = batch.mended(wrong, UNREADABLE_ATTRIBUTE, column, tally)
            converted = pa.array(values, mask=np.isnan(values))
        elif kind == "vector":
            vectors = [_vector(value) for value in column.to_pylist()]
            wrong = np.array([vector is None for vector in vectors], dtype=bool)
            batch = batch.mended(wrong, UNREADABLE_ATTRIBUTE, column, tally)
            converted = pa.array([vector or None for vector in vectors], pa.list_(pa.float64()))
        elif kind == "text":
            converted = _or_null(texts(column))
        else:
            converted = pa.array([words or None for words in word_lists(column, separator)], pa.list_(pa.string()))
        batch = batch.put(**{key: converted})
    return batch


def gather(batches: Sequence[Batch], id_column: str, ids: NDArray[np.int64], kinds: Mapping[str, Kind]) -> pa.Table:
    """One attribute table of all batches, ordered by id.

    A category that never holds two words becomes plain text.

    Args:
        ids: (n,) the numbers of all batches' rows.
    """
    columns = [pa.array(ids)]
    for name, kind in kinds.items():
        column = pa.concat_arrays([batch.columns[PREFIX + name] for batch in batches])
        columns.append(_single(column) if kind == "categorical" else column)
    return pa.table(columns, names=[id_column, *kinds]).sort_by(id_column)


def odd_lengths(batch: Batch, kinds: Mapping[str, Kind], lengths: dict[str, int], tally: Tally) -> Batch:
    """Vectors of another length than the first one are unknown.

    Args:
        lengths: attribute → length, filled by the first vector met.
    """
    for name in (name for name, kind in kinds.items() if kind == "vector"):
        column = batch.columns[PREFIX + name]
        found = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        if name not in lengths and found.any():
            lengths[name] = int(found[np.flatnonzero(found)[0]])
        wrong = (found > 0) & (found != lengths.get(name, 0))
        batch = batch.mended(wrong, UNREADABLE_ATTRIBUTE, column, tally)
        batch = batch.put(**{PREFIX + name: pc.if_else(pa.array(wrong), None, column)})
    return batch


def _vector(value: object) -> list[float] | None:
    """The numbers of one vector, [] when it is missing, None when it cannot be read."""
    parts = _BETWEEN.split(value.strip(" \t[]()")) if isinstance(value, str) else value or []
    try:
        vector = [float(part) for part in parts if part != ""]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    return vector if np.isfinite(vector).all() else None


def _single(column: pa.Array) -> pa.Array:
    lengths = pc.list_value_length(column)
    if (pc.max(lengths).as_py() or 0) > 1:
        return column
    return pc.list_element(pc.if_else(pc.is_null(column), pa.scalar([None], column.type), column), 0)


def _or_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), None, column)
