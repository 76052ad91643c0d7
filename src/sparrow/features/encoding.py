"""`EncodingSpec`: how raw values become model inputs, as data, with its NumPy interpreter.

The spec is written beside the model and read by two interpreters: `encode_ids` here (training and in-process serving) and
the lookup layers that `training.export` builds into the SavedModel. A contract test holds them equal. Row 0 pads, row 1 is the
unknown id, known ids follow from 2 in ascending order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.errors import ReleaseError

PAD_ROW: Final = 0
UNKNOWN_ROW: Final = 1
FIRST_ROW: Final = 2


@dataclass(frozen=True)
class Vocabulary:
    """The known raw ids of one input, ascending and unique; (n,) int64."""

    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.ids.dtype != np.int64 or np.any(self.ids[1:] <= self.ids[:-1]):
            raise ValueError(
                f"A vocabulary holds ascending unique int64 ids; got {self.ids[:5]} … of {self.ids.dtype}."
            )

    @property
    def rows(self) -> int:
        """Rows of an embedding table for this vocabulary, padding and unknown included."""
        return len(self.ids) + FIRST_ROW

    def encode(self, raw: NDArray[np.int64]) -> NDArray[np.int32]:
        """(n,) raw ids → (n,) rows; an unknown id becomes `UNKNOWN_ROW`.

        Example:
            >>> Vocabulary(np.array([5, 9])).encode(np.array([9, 5, 7])).tolist()
            [3, 2, 1]
        """
        if not len(self.ids):
            return np.full(raw.shape, UNKNOWN_ROW, dtype=np.int32)
        at = np.minimum(np.searchsorted(self.ids, raw), len(self.ids) - 1)
        return np.where(self.ids[at] == raw, at + FIRST_ROW, UNKNOWN_ROW).astype(np.int32)

    def is_known(self, raw: int) -> bool:
        """Whether the model has a trained row for this id."""
        return bool(self.encode(np.array([raw], dtype=np.int64))[0] != UNKNOWN_ROW)


@dataclass(frozen=True)
class EncodingSpec:
    """The inputs of one model: input name → vocabulary."""

    vocabularies: dict[str, Vocabulary]

    def encode_ids(self, raw: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int32]]:
        """Raw model inputs → dense rows, by input name; every input of the spec must be given."""
        return {name: vocabulary.encode(raw[name]) for name, vocabulary in self.vocabularies.items()}

    def save(self, path: Path) -> None:
        """Write the spec as JSON."""
        content = {name: vocabulary.ids.tolist() for name, vocabulary in self.vocabularies.items()}
        path.write_bytes(orjson.dumps({"vocabularies": content}))

    @classmethod
    def load(cls, path: Path) -> "EncodingSpec":
        """Read what `save` wrote.

        Raises:
            ReleaseError: the file is missing or not a spec.
        """
        try:
            content = orjson.loads(path.read_bytes())["vocabularies"]
            return cls({name: Vocabulary(np.array(ids, dtype=np.int64)) for name, ids in content.items()})
        except (OSError, KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
            raise ReleaseError(
                f"{path} is not an encoding spec ({error}); publish another release or rebuild."
            ) from None
