"""What a network trains on, a block at a time: `Batch`, and the one place where blocks become batches of equal size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparrow.features.encoding import PAD_ROW, UNKNOWN_ROW
from sparrow.models.network import HEADS

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some sample rows as the network takes them.

    Attributes:
        inputs: by input name, (rows, …) of any shape: ids (rows,), histories (rows, length), vectors (rows, dim).
        labels: by head, (rows, 1).
        weights: by head, (rows,); 0 where a row teaches that head nothing.
    """

    inputs: Arrays
    labels: Arrays
    weights: Arrays

    @property
    def rows(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, rows: slice | NDArray[np.integer]) -> "Batch":
        """The chosen rows, in the order chosen."""
        return Batch(*({name: values[rows] for name, values in part.items()} for part in self._parts()))

    @staticmethod
    def join(batches: Sequence["Batch"]) -> "Batch":
        """All rows of some batches with the same inputs and heads, in order."""
        columns = zip(*(batch._parts() for batch in batches), strict=True)
        return Batch(
            *({name: np.concatenate([part[name] for part in parts]) for name in parts[0]} for parts in columns)
        )

    def _parts(self) -> tuple[Arrays, Arrays, Arrays]:
        return self.inputs, self.labels, self.weights


def for_head(inputs: Arrays, labels: NDArray[np.float32], head: str) -> Batch:
    """Rows that teach one head; the other one meets them with weight 0."""
    column = labels.reshape(-1, 1)
    weights = {name: np.full(len(labels), name == head, np.float32) for name in HEADS}
    return Batch(inputs, dict.fromkeys(HEADS, column), weights)


def forget(block: Batch, names: Iterable[str], share: float, rng: np.random.Generator) -> Batch:
    """A copy in which some ids of the named inputs are unknown, each input by itself; padding stays."""
    told = dict(block.inputs)
    for name in names:
        rows = told[name]
        hidden = (rng.random(rows.shape, np.float32) < share) & (rows != PAD_ROW)
        told[name] = np.where(hidden, np.int32(UNKNOWN_ROW), rows)
    return Batch(told, block.labels, block.weights)


def batched(blocks: Iterable[Batch], size: int, keep_rest: bool = False) -> Iterator[Batch]:
    """Cut blocks of any size into batches of one size; what a block leaves over goes in front of the next.

    A step is compiled for one size, so the rows left over at the end are dropped unless `keep_rest`, or unless they are all
    there is.

    Example:
        >>> blocks = [Batch({"x": np.arange(3)}, {}, {}), Batch({"x": np.arange(3, 8)}, {}, {})]
        >>> [batch.inputs["x"].tolist() for batch in batched(blocks, 2, keep_rest=True)]
        [[0, 1], [2, 3], [4, 5], [6, 7]]
    """
    rest: Batch | None = None
    is_empty = True
    for block in blocks:
        whole = block if rest is None else Batch.join([rest, block])
        cut = whole.rows - whole.rows % size
        for start in range(0, cut, size):
            yield whole.take(slice(start, start + size))
        is_empty &= not cut
        rest = whole.take(slice(cut, None)) if cut < whole.rows else None
    if rest is not None and (keep_rest or is_empty):
        yield rest
