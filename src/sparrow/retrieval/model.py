"""What every model of this room is: fitted on interactions, asked with histories, kept in one `.npz` file.

A model scores from a history, never from a stored row of a person: whoever arrived after training is scored by the same
call. `scores` is asked in blocks of people, whose size bounds the memory (people x movies x 4 bytes).
"""

from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.retrieval.interactions import Ids, Interactions, Scores


@runtime_checkable
class Model(Protocol):
    """A fitted recommender. `movie_ids` are the raw ids of its columns, ascending."""

    @property
    def movie_ids(self) -> Ids: ...

    def scores(self, histories: Interactions, /) -> Scores:
        """(people, movies) float32, higher is better; seen movies are scored like all others."""
        ...


class Saved:
    """Saving and loading of a frozen dataclass of arrays and numbers, without pickle."""

    kind: ClassVar[str]

    def save(self, path: Path) -> None:
        """Write `path` (.npz)."""
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez(path, kind=np.array(self.kind), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: the file holds another kind of model.
        """
        with np.load(path, allow_pickle=False) as saved:
            if str(saved["kind"]) != cls.kind:
                raise DataError(f"{path} holds a model of kind {saved['kind']!s}; {cls.kind} was asked for.")
            arrays = {name: saved[name] for name in saved.files if name != "kind"}
        return cls(**{name: value if value.ndim else value.item() for name, value in arrays.items()})


def check_same_movies(model: Model, histories: Interactions) -> None:
    """Raises ValueError unless the histories have the model's columns."""
    if not np.array_equal(model.movie_ids, histories.movie_ids):
        raise ValueError(
            f"Histories over {len(histories.movie_ids)} movies cannot be scored by a model of {len(model.movie_ids)}; "
            "build them with the model's movie_ids."
        )


def strongest(weights: Scores, kept: int) -> tuple[NDArray[np.int64], Scores]:
    """Each input's weights of the greatest size: (m, kept) places, ascending, and (m, kept) weights.

    Args:
        weights: (m, n).
        kept: at most n.
    """
    kept = min(kept, weights.shape[1])
    places = np.argpartition(-np.abs(weights), kept - 1, axis=1)[:, :kept]
    places = np.sort(places, axis=1).astype(np.int64)
    return places, np.take_along_axis(weights, places, axis=1)


def dense(product: Any) -> Scores:
    """A product of a sparse and a dense matrix as (people, movies) float32."""
    block: NDArray[Any] = product.toarray() if hasattr(product, "toarray") else np.asarray(product)
    return block.astype(np.float32)
