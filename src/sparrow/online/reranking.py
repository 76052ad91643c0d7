"""After ranking: the one sort, and the rules that a score does not know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sparrow.online.catalog import Rows

if TYPE_CHECKING:
    from sparrow.online.recall import Request


def descending_by_score(scores: NDArray[np.floating]) -> NDArray[np.int32]:
    """(n,) positions, highest score first; equal scores keep their order. The only sort of the request path.

    Example:
        >>> descending_by_score(np.array([0.2, 0.9, 0.2])).tolist()
        [1, 0, 2]
    """
    return np.argsort(-scores, kind="stable").astype(np.int32)


@dataclass(frozen=True)
class Ranked:
    """(c,) rows, best first, with their (c,) scores."""

    rows: Rows
    scores: NDArray[np.float32]

    def keep(self, wanted: NDArray[np.bool_]) -> "Ranked":
        """Those at which `wanted` (c,) is true, in order."""
        return Ranked(self.rows[wanted], self.scores[wanted])


class Reranker(Protocol):
    """One rule."""

    name: str

    def rerank(self, ranked: Ranked, request: "Request") -> Ranked:
        """Drop or move."""


class SeenOut:
    """Nothing comes back that was seen, excluded or made unavailable, whatever route or ranker let it through."""

    name = "seen_out"

    def rerank(self, ranked: Ranked, request: "Request") -> Ranked:
        return ranked.keep(request.allowed[ranked.rows])


def sort_and_rerank(rows: Rows, scores: NDArray[np.float32], rules: Sequence[Reranker], request: "Request") -> Ranked:
    """Sort candidates by score, then apply each rule in order."""
    order = descending_by_score(scores)
    ranked = Ranked(rows[order], scores[order])
    for rule in rules:
        ranked = rule.rerank(ranked, request)
    return ranked
