"""Rows sorted by a key and cut where it changes: the ground on which one NumPy kernel runs on every engine.

An engine only selects, joins and sorts. What is hard to say equally in two SQL dialects (running sums in which simultaneous
rows do not see each other, lists in order, draws without replacement) is a `Kernel`: a function of a table that holds whole
groups, in order. Two primitives carry them all: `run_starts` finds where equal rows begin, `sums_before` adds up what stands
before that.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Kernel(Protocol):
    """What is done with whole groups; the same object runs in this process and, pickled, in Spark's workers."""

    @property
    def schema(self) -> pa.Schema:
        """Of what comes out."""

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Whole groups in, in order; any number of rows out."""


def whole_groups(batches: Iterable[pa.RecordBatch], key: str) -> Iterator[pa.Table]:
    """Re-cut a stream that is sorted by `key`, so that no group is torn.

    Memory holds one batch and the longest group.
    """
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        keys = batch.column(key).to_numpy()
        begins = int(np.searchsorted(keys, keys[-1]))
        if begins == 0 and waiting and waiting[-1].column(key)[-1].as_py() == keys[-1]:
            waiting.append(batch)
            continue
        ready = [*waiting, batch.slice(0, begins)] if begins else waiting
        if ready:
            yield pa.Table.from_batches(ready).combine_chunks()
        waiting = [batch.slice(begins)]
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def column(rows: pa.Table, name: str) -> Ints:
    """One integer or boolean column as (n,) int64.

    Raises:
        ValueError: a value is missing; as an integer it would be a wrong number, not an error.
    """
    if rows[name].null_count:
        raise ValueError(
            f"The column {name!r} has {rows[name].null_count} missing values; the data stage never writes any."
        )
    values: Ints = rows[name].to_numpy().astype(np.int64, copy=False)
    return values


def run_starts(*keys: Ints) -> Ints:
    """For every row the place of the first row of its run of equal keys.

    Args:
        keys: (n,) each, n >= 1; equal rows stand together.

    Example:
        >>> run_starts(np.array([7, 7, 8, 8, 8]), np.array([1, 1, 1, 2, 2])).tolist()
        [0, 0, 2, 3, 3]
    """
    begins = np.zeros(len(keys[0]), dtype=np.bool_)
    begins[0] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    places: Ints = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    return places


def sums_before(values: NDArray[np.integer[Any]], group: Ints, segment: Ints) -> NDArray[np.integer[Any]]:
    """For every row the exact sum over the rows of its segment that stand before its group.

    Args:
        values: (n,), or (columns, n): sums run along the last axis, which is contiguous. The dtype must hold
            the sum over all rows.
        group: (n,) `run_starts` of what counts as simultaneous.
        segment: (n,) `run_starts` of what is summed over; groups lie within segments.

    Returns:
        Sums in the shape and dtype of `values`.

    Example:
        >>> sums_before(np.array([1, 1, 1, 1]), np.array([0, 0, 2, 3]), np.array([0, 0, 0, 3])).tolist()
        [0, 0, 2, 0]
    """
    if values.ndim > 1:
        return np.stack([sums_before(row, group, segment) for row in values]) if len(values) else values
    running = np.zeros(len(values) + 1, dtype=values.dtype)
    np.cumsum(values, out=running[1:])
    return np.asarray(running.take(group) - running.take(segment))
