"""Vectors by raw id, with the similarity they were trained for; saved as plain NumPy arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparrow.stores.feature_store import Similarity


@dataclass(frozen=True)
class EmbeddingTable:
    """One embedding of movies or people.

    Attributes:
        name: "item2vec", …
        ids: (n,) int64 raw ids, ascending and unique.
        vectors: (n, dim) float32, finite.
        similarity: how two of its vectors are compared; a property of the training, not of the caller.
    """

    name: str
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    similarity: Similarity

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.ids) != len(self.vectors):
            raise ValueError(
                f"{self.name}: {len(self.ids)} ids need as many vectors; got an array of shape {self.vectors.shape}."
            )
        if np.any(self.ids[1:] <= self.ids[:-1]):
            raise ValueError(f"{self.name}: ids must be ascending and unique; got {self.ids[:5]} …")
        if not np.all(np.isfinite(self.vectors)):
            raise ValueError(
                f"{self.name}: vectors must be finite; the training has diverged, lower its learning rate."
            )

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def comparable(self) -> NDArray[np.float32]:
        """(n, dim) vectors whose inner product is this embedding's similarity: unit length for cosine."""
        return unit(self.vectors) if self.similarity == "cosine" else self.vectors

    def save(self, path: Path) -> None:
        """Write `path` (.npz, no pickle)."""
        np.savez(
            path, ids=self.ids, vectors=self.vectors, name=np.array(self.name), similarity=np.array(self.similarity)
        )

    @classmethod
    def load(cls, path: Path) -> "EmbeddingTable":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as saved:
            similarity: Similarity = "inner" if str(saved["similarity"]) == "inner" else "cosine"
            return cls(str(saved["name"]), saved["ids"], saved["vectors"], similarity)


@dataclass(frozen=True)
class Neighbours:
    """A stored similarity: each movie's most similar others, best first.

    Attributes:
        name: of the embedding or fusion they come from.
        ids: (n,) int64 raw ids, ascending.
        nearest: (n, k) int64 raw ids of the neighbours.
        scores: (n, k) float32 similarities.
    """

    name: str
    ids: NDArray[np.int64]
    nearest: NDArray[np.int64]
    scores: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write `path` (.npz, no pickle)."""
        np.savez(path, ids=self.ids, nearest=self.nearest, scores=self.scores, name=np.array(self.name))

    @classmethod
    def load(cls, path: Path) -> "Neighbours":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as saved:
            return cls(str(saved["name"]), saved["ids"], saved["nearest"], saved["scores"])


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, dim) rows scaled to length 1; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return scaled
