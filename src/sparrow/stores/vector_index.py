"""Vectors that can be searched: which rows have the largest inner product with a query.

One contract, two ways to keep it: `ExactIndex` here looks at every vector; `inverted_index` looks at the promising ones and
knows which share of the true answers it finds. `index_choice` picks by size. An index is saved as a folder:

    index.json     what it is and how well it finds (`IndexFacts`)
    vectors.npy    (n, dim) float32, mapped into memory when loaded, so that workers share it
    lists.faiss    of an inverted index only
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.errors import BuildError, ReleaseError

FACTS: Final = "index.json"
VECTORS: Final = "vectors.npy"

QUERIES: Final = 64
ROWS: Final = 65_536
"""A block of exact search: QUERIES * ROWS similarities at once, 16 MB."""


class Found(NamedTuple):
    """Answers to q queries, best first, equally similar ones by row.

    Attributes:
        rows: (q, k) int64.
        scores: (q, k) float32 inner products.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class IndexFacts:
    """What an index says of itself; saved with it, and a stage's counts.

    Attributes:
        kind: how it searches.
        count: vectors in it.
        dim: numbers in a vector.
        recall: mean share of the `recall_at` truly nearest others that it finds for its own vectors; exact search finds all.
        recall_least: that share less two standard errors of the sample.
        recall_at: places of the lists that were compared; 0 where nothing needed to be.
        sample: queries that were compared.
        lists: groups of an inverted index.
        probes: groups that one query looks into.
        candidates: vectors compared in full for each one wanted.
    """

    kind: Literal["exact", "inverted"]
    count: int
    dim: int
    recall: float = 1.0
    recall_least: float = 1.0
    recall_at: int = 0
    sample: int = 0
    lists: int = 0
    probes: int = 0
    candidates: int = 0


class VectorIndex(Protocol):
    """Finds the rows whose vectors have the largest inner product with a query; vectors of length 1 make that the cosine."""

    @property
    def facts(self) -> IndexFacts: ...

    def search(self, queries: NDArray[np.float32], k: int) -> Found:
        """The `k` best rows of each query, cut to the number of vectors.

        Args:
            queries: (q, dim) float32, finite.
            k: rows per query, >= 0.

        Raises:
            ValueError: queries of another dimension, or not finite.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write a new folder."""
        ...


@dataclass(frozen=True)
class ExactIndex:
    """Compares every query with every vector, in blocks of bounded memory; one query of a million vectors takes some 30 ms."""

    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_vectors(self.vectors)

    @property
    def facts(self) -> IndexFacts:
        return IndexFacts("exact", *self.vectors.shape)

    def search(self, queries: NDArray[np.float32], k: int) -> Found:
        check_queries(queries, self.vectors.shape[1])
        k = min(k, len(self.vectors))
        found = empty_answers(len(queries), k)
        for first in range(0, len(queries) if k else 0, QUERIES):
            part = queries[first : first + QUERIES]
            best = [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(part)
            for start in range(0, len(self.vectors), ROWS):
                scores = part @ self.vectors[start : start + ROWS].T  # (queries, rows)
                best = [_better(line, start, *mine, k) for line, mine in zip(scores, best, strict=True)]
            for place, mine in enumerate(best, first):
                found.rows[place], found.scores[place] = mine
        return found

    def save(self, folder: Path) -> None:
        save_index(folder, self.facts, self.vectors)

    @classmethod
    def load(cls, folder: Path) -> "ExactIndex":
        """Read what `save` wrote."""
        return cls(load_vectors(folder, load_facts(folder)))


def check_vectors(vectors: NDArray[np.float32]) -> None:
    """Refuse what cannot be searched, naming the first wrong row."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise BuildError(
            f"A vector index takes (n, dim) float32; got {vectors.dtype} of shape {vectors.shape}. Give one row per movie."
        )
    for start in range(0, len(vectors), ROWS):
        wrong = np.flatnonzero(~np.isfinite(vectors[start : start + ROWS]).all(axis=1))
        if len(wrong):
            row = start + int(wrong[0])
            raise BuildError(
                f"The vector of row {row} holds {_first_wrong(vectors[row])}; vectors must be finite. The training has "
                "diverged: lower its learning rate, or leave that row out."
            )


def check_queries(queries: NDArray[np.float32], dim: int) -> None:
    """Refuse queries that are no vectors of this index."""
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(
            f"The index holds vectors of {dim} numbers; got queries of shape {queries.shape}. Ask with (q, {dim}), from "
            "the embedding that the index was built from."
        )
    if not np.isfinite(queries).all():
        wrong = _first_wrong(queries[~np.isfinite(queries).all(axis=1)][0])
        raise ValueError(f"A query holds {wrong}; leave out people and movies whose vector is not finite.")


def best_of(
    rows: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` rows of the highest scores, best first, equal ones by row.

    Example:
        >>> best_of(np.array([7, 3, 5]), np.array([0.5, 0.5, 0.9], dtype=np.float32), 2)[0].tolist()
        [5, 3]
    """
    if len(scores) > k:
        bar = np.partition(scores, len(scores) - k)[len(scores) - k]  # the k-th best; several may have it
        reached = scores >= bar
        rows, scores = rows[reached], scores[reached]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


def empty_answers(queries: int, k: int) -> Found:
    """Room for the answers to so many queries."""
    return Found(np.empty((queries, k), dtype=np.int64), np.empty((queries, k), dtype=np.float32))


def save_index(folder: Path, facts: IndexFacts, vectors: NDArray[np.float32]) -> None:
    """Write a new folder with what every index has."""
    folder.mkdir(parents=True)
    np.save(folder / VECTORS, vectors)
    (folder / FACTS).write_bytes(orjson.dumps(asdict(facts), option=orjson.OPT_INDENT_2))


def load_facts(folder: Path) -> IndexFacts:
    """What the index in `folder` says of itself."""
    facts: IndexFacts = _read(folder, lambda: IndexFacts(**orjson.loads((folder / FACTS).read_bytes())))
    return facts


def load_vectors(folder: Path, facts: IndexFacts) -> NDArray[np.float32]:
    """(n, dim) vectors of the index in `folder`, mapped into memory."""
    vectors: NDArray[np.float32] = _read(folder, lambda: np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False))
    if vectors.shape != (facts.count, facts.dim):
        raise ReleaseError(
            f"{folder / VECTORS} has the shape {vectors.shape} where {FACTS} tells ({facts.count}, {facts.dim}); build again."
        )
    return vectors


def _read(folder: Path, reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise ReleaseError(
            f"{folder} holds no vector index that can be read: {error}. Build the release again."
        ) from error


def _better(
    line: NDArray[np.float32], start: int, rows: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best so far, and what of the next block, from row `start`, beats the k-th of them; an equal one comes too late."""
    passing = np.flatnonzero(line > scores[-1]) if len(scores) == k else np.arange(len(line))
    if not len(passing):
        return rows, scores
    return best_of(np.concatenate([rows, start + passing]), np.concatenate([scores, line[passing]]), k)


def _first_wrong(vector: NDArray[np.float32]) -> str:
    place = int(np.flatnonzero(~np.isfinite(vector))[0])
    return f"{vector[place]} at place {place}"
