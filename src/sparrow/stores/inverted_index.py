"""Approximate search by inverted lists of compressed vectors (Jégou et al., "Product quantization for nearest neighbor search",
2011; the scan of 4-bit codes in registers: André et al., "Cache locality is not enough", 2015).

    k-means puts each of the n vectors into one of sqrt(n) lists.
    A code of dim / 2 half-bytes says roughly what each vector is: every two numbers become one of 16 pairs.
    A query scans the codes of the `probes` lists nearest to it, and compares the k * `candidates` best of them in full.

The codes are faiss's, the full comparison is NumPy's over the vectors themselves, so scores are exact and only who is compared
is not. Built and searched on one thread, the same vectors give the same index.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import BuildError, ReleaseError, SparrowError
from sparrow.stores.vector_index import (
    ExactIndex,
    Found,
    IndexFacts,
    best_of,
    check_queries,
    check_vectors,
    empty_answers,
    load_facts,
    load_vectors,
    save_index,
)

LISTS: Final = "lists.faiss"

TRAINED: Final = 64
"""Vectors per list that k-means sees; faiss asks for 39 at least."""
ROUNDS: Final = 10
"""Of k-means; more change no recall."""
HALF_BYTE: Final = 4
PAIR: Final = 2
"""Numbers of a vector that one half-byte describes."""
FEWEST: Final = 32
"""A short list is sought among the candidates of one this long: codes order the very first places worst."""
QUERIES: Final = 256
"""Queries scanned at once."""


class Effort(NamedTuple):
    """How hard one query looks: lists probed, and vectors compared in full for each one wanted."""

    probes: int
    candidates: int


@dataclass(frozen=True)
class InvertedIndex:
    """Finds most of the best at a fraction of the work.

    Attributes:
        vectors: (n, dim) float32.
        lists: faiss's inverted lists over them, in the same rows.
        facts: with the effort of a search, and what it was measured to find.
    """

    vectors: NDArray[np.float32]
    lists: Any
    facts: IndexFacts

    @classmethod
    def build(cls, vectors: NDArray[np.float32], effort: Effort) -> "InvertedIndex":
        """Train lists and codes on a sample of the vectors; recall is not measured yet.

        Takes about 10 s for a million vectors of 64 numbers on one core, and a tenth of their own memory beside them.

        Raises:
            BuildError: vectors that are not finite, or faiss is not installed.
        """
        check_vectors(vectors)
        faiss = _faiss(BuildError)
        faiss.omp_set_num_threads(1)
        count, dim = vectors.shape
        groups, width = max(1, round(math.sqrt(count))), _even(dim)
        # Fewer vectors than training asks for are repeated, so that the smallest catalogue works like the largest.
        wanted = TRAINED * max(groups, 2**HALF_BYTE)
        sample = np.random.default_rng(1).permutation(count)[:wanted]
        lists = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(width), width, groups, width // PAIR, HALF_BYTE, faiss.METRIC_INNER_PRODUCT
        )
        lists.cp.niter = ROUNDS
        lists.train(_padded(vectors[np.resize(sample, wanted)], width))
        lists.add(_padded(vectors, width))
        return cls(vectors, lists, IndexFacts("inverted", count, dim, 0.0, 0.0, lists=groups)).with_effort(effort)

    def with_effort(self, effort: Effort) -> "InvertedIndex":
        """The same index, searched harder or less hard."""
        return replace(self, facts=replace(self.facts, probes=effort.probes, candidates=effort.candidates))

    def search(self, queries: NDArray[np.float32], k: int) -> Found:
        check_queries(queries, self.facts.dim)
        k = min(k, len(self.vectors))
        found = empty_answers(len(queries), k)
        for first in range(0, len(queries) if k else 0, QUERIES):
            part = queries[first : first + QUERIES]
            for place, (query, rows) in enumerate(zip(part, self._candidates(part, k), strict=True), first):
                found.rows[place], found.scores[place] = self._answer(query, rows[rows >= 0], k)
        return found

    def save(self, folder: Path) -> None:
        save_index(folder, self.facts, self.vectors)
        _faiss(BuildError).write_index(self.lists, str(folder / LISTS))

    @classmethod
    def load(cls, folder: Path) -> "InvertedIndex":
        """Read what `save` wrote.

        Raises:
            ReleaseError: a file is missing or broken, or faiss is not installed.
        """
        facts, faiss = load_facts(folder), _faiss(ReleaseError)
        try:
            lists = faiss.read_index(str(folder / LISTS))
        except RuntimeError as error:
            raise ReleaseError(f"{folder / LISTS} cannot be read by faiss {faiss.__version__}; build again.") from error
        return cls(load_vectors(folder, facts), lists, facts)

    def _candidates(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """(q, c) rows whose codes promise most, -1 where the probed lists hold fewer."""
        faiss = _faiss(ReleaseError)
        faiss.omp_set_num_threads(1)  # holds for the calling thread only
        effort = faiss.SearchParametersIVF(nprobe=self.facts.probes)
        width = min(len(self.vectors), self.facts.candidates * max(k, FEWEST))
        _, rows = self.lists.search(_padded(queries, self.lists.d), width, params=effort)
        candidates: NDArray[np.int64] = rows
        return candidates

    def _answer(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """One query's best among `rows`; among all where the probed lists were too short."""
        if len(rows) < k:
            exact = ExactIndex(self.vectors).search(query[None], k)
            return exact.rows[0], exact.scores[0]
        return best_of(rows, self.vectors[rows] @ query, k)


def _even(dim: int) -> int:
    return dim + dim % PAIR


def _padded(vectors: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """(n, width) with a zero at the end where a number lacks its partner; inner products stay what they are."""
    missing = width - vectors.shape[1]
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors)


def _faiss(error: type[SparrowError]) -> Any:
    """The library, loaded when first needed (0.3 s, 45 MB): most catalogues never do."""
    try:
        import faiss
    except ImportError:
        raise error(
            "An inverted index is built and searched by faiss, which is not installed: pip install 'sparrow-recsys[index]', "
            "or build with a larger vector_search.exact_up_to."
        ) from None
    return faiss
