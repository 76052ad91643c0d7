"""`EncodingSpec`: how raw values become model inputs, as data, with its NumPy interpreter.

The spec is written beside the model and read by two interpreters: `encode` here (training and in-process serving) and the
lookup layers that `training.interpreter` builds into the SavedModel. A contract test holds them equal, bit for bit.

Every input becomes rows of a table, int32: row 0 pads or is missing, row 1 is the unknown value, known ones follow from 2.
Numbers are rows too, of the bucket they fall into: no scale can explode, a missing one has a row of its own, and both
interpreters agree to the last bit because they only compare.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.errors import ReleaseError

PAD_ROW: Final = 0
UNKNOWN_ROW: Final = 1
FIRST_ROW: Final = 2

PAD_ID: Final = -1
"""Fills up lists of raw ids; no movie has it."""

PAD_NAME: Final = ""

Rows = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Raw ids → rows.

    Attributes:
        ids: (n,) int64, the known ids, ascending and unique.
        length: ids in a value; 0: a value is one id, not a list.
    """

    kind: ClassVar[str] = "ids"
    ids: NDArray[np.int64]
    length: int = 0

    def __post_init__(self) -> None:
        if self.ids.dtype != np.int64 or np.any(self.ids[1:] <= self.ids[:-1]):
            raise ValueError(
                f"A vocabulary holds ascending unique int64 ids; got {self.ids[:5]} … of {self.ids.dtype}."
            )

    @property
    def rows(self) -> int:
        """Rows of an embedding table for this vocabulary, padding and unknown included."""
        return len(self.ids) + FIRST_ROW

    def encode(self, raw: NDArray[Any]) -> Rows:
        """Raw ids of any shape → rows; an unknown id becomes `UNKNOWN_ROW`, in lists `PAD_ID` becomes `PAD_ROW`.

        Example:
            >>> Vocabulary(np.array([5, 9])).encode(np.array([9, 5, 7])).tolist()
            [3, 2, 1]
        """
        return _padded(_look_up(self.ids, np.asarray(raw, np.int64)), raw == PAD_ID, self.length)

    def is_known(self, raw: int) -> bool:
        """Whether the model has a trained row for this id."""
        return bool(self.encode(np.array([raw], dtype=np.int64))[0] != UNKNOWN_ROW)


@dataclass(frozen=True, eq=False)
class Names:
    """Text values → rows.

    Attributes:
        names: the known ones, ascending and unique.
        length: names in a value; 0: a value is one name.
    """

    kind: ClassVar[str] = "names"
    names: tuple[str, ...]
    length: int = 0

    def __post_init__(self) -> None:
        if list(self.names) != sorted(set(self.names)) or PAD_NAME in self.names:
            raise ValueError(f"A vocabulary of names holds ascending unique texts; got {self.names[:5]} ….")

    @property
    def rows(self) -> int:
        """Rows of an embedding table for these names, padding and unknown included."""
        return len(self.names) + FIRST_ROW

    def encode(self, raw: NDArray[Any]) -> Rows:
        """Texts of any shape → rows; an unknown one becomes `UNKNOWN_ROW`, in lists `PAD_NAME` becomes `PAD_ROW`."""
        text = np.asarray(raw, dtype=np.str_)
        return _padded(_look_up(self._sorted, text), text == PAD_NAME, self.length)

    @cached_property
    def _sorted(self) -> NDArray[np.str_]:
        return np.array(self.names, dtype=np.str_)


@dataclass(frozen=True, eq=False)
class Buckets:
    """Numbers → the row of the bucket they fall into.

    Attributes:
        boundaries: (n,) float32, ascending and unique; a number equal to a boundary lies above it.
    """

    kind: ClassVar[str] = "buckets"
    length: ClassVar[int] = 0
    boundaries: NDArray[np.float32]

    def __post_init__(self) -> None:
        edges = self.boundaries
        is_plain = edges.dtype == np.float32 and np.array_equal(edges, _without_subnormal(edges))
        if not is_plain or not np.all(np.isfinite(edges)) or np.any(edges[1:] <= edges[:-1]):
            raise ValueError(f"Buckets need ascending finite float32 boundaries; got {edges[:5]} … of {edges.dtype}.")

    @property
    def rows(self) -> int:
        """Rows of an embedding table: missing, then one a bucket."""
        return len(self.boundaries) + 2

    def encode(self, raw: NDArray[Any]) -> Rows:
        """Numbers of any shape → rows; NaN, a missing number, becomes `PAD_ROW`.

        Example:
            >>> Buckets(np.array([1, 10], np.float32)).encode(np.array([0.5, 1, 99, np.nan])).tolist()
            [1, 2, 3, 0]
        """
        numbers = _without_subnormal(np.asarray(raw, np.float32))
        bucket = np.searchsorted(self.boundaries, numbers, side="right") + 1
        return np.where(np.isnan(numbers), PAD_ROW, bucket).astype(np.int32)


Field = Vocabulary | Names | Buckets


def _without_subnormal(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same with numbers too small for full precision as 0: TensorFlow's kernels flush them, so we must too."""
    return np.where(np.abs(numbers) < np.finfo(np.float32).tiny, np.float32(0), numbers)


def _look_up(known: NDArray[Any], raw: NDArray[Any]) -> Rows:
    if not len(known):
        return np.full(raw.shape, UNKNOWN_ROW, dtype=np.int32)
    at = np.minimum(np.searchsorted(known, raw), len(known) - 1)
    return np.where(known[at] == raw, at + FIRST_ROW, UNKNOWN_ROW).astype(np.int32)


def _padded(rows: Rows, is_padding: Any, length: int) -> Rows:
    return np.where(is_padding, np.int32(PAD_ROW), rows) if length else rows


@dataclass(frozen=True, eq=False)
class EncodingSpec:
    """The inputs of one model: input name → how its raw values become rows."""

    fields: Mapping[str, Field]

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        """Those inputs that are ids."""
        return {name: field for name, field in self.fields.items() if isinstance(field, Vocabulary)}

    @property
    def is_of_ids(self) -> bool:
        """Whether all it takes is one id of a person and one of a movie."""
        return all(isinstance(field, Vocabulary) and not field.length for field in self.fields.values())

    @cached_property
    def digest(self) -> str:
        """Names the spec; a network carries it, so that it never meets another's vocabularies."""
        return hashlib.sha256(self._content()).hexdigest()[:16]

    def encode(self, raw: Mapping[str, NDArray[Any]]) -> dict[str, Rows]:
        """Raw model inputs → rows, by input name.

        Raises:
            KeyError: an input of the spec is not given.
        """
        return {name: field.encode(raw[name]) for name, field in self.fields.items()}

    def only(self, names: "tuple[str, ...] | list[str]") -> "EncodingSpec":
        """The spec of these inputs alone, in this order."""
        return EncodingSpec({name: self.fields[name] for name in names})

    def save(self, path: Path) -> None:
        """Write the spec as JSON."""
        path.write_bytes(self._content())

    def _content(self) -> bytes:
        return orjson.dumps({"fields": {name: _to_json(field) for name, field in self.fields.items()}})

    @classmethod
    def load(cls, path: Path) -> "EncodingSpec":
        """Read what `save` wrote.

        Raises:
            ReleaseError: the file is missing or not a spec.
        """
        try:
            content = orjson.loads(path.read_bytes())["fields"]
            return cls({name: _from_json(field) for name, field in content.items()})
        except (OSError, KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
            raise ReleaseError(
                f"{path} is not an encoding spec ({error}); publish another release or rebuild."
            ) from None


def _to_json(field: Field) -> dict[str, Any]:
    if isinstance(field, Vocabulary):
        return {"kind": field.kind, "length": field.length, "ids": field.ids.tolist()}
    if isinstance(field, Names):
        return {"kind": field.kind, "length": field.length, "names": list(field.names)}
    return {"kind": field.kind, "boundaries": field.boundaries.tolist()}


def _from_json(content: Mapping[str, Any]) -> Field:
    kind = content["kind"]
    if kind == Vocabulary.kind:
        return Vocabulary(np.array(content["ids"], dtype=np.int64), content["length"])
    if kind == Names.kind:
        return Names(tuple(content["names"]), content["length"])
    if kind == Buckets.kind:
        return Buckets(np.array(content["boundaries"], dtype=np.float32))
    raise ValueError(f"unknown kind of input {kind!r}")
