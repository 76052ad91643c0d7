"""After ranking: the one sort, and the rules that a score does not know."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

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


OF_TASTE: Final = frozenset({"fresh", "varied", "calibrated"})
"""Rules that a list can do without when time is short; the others are promises."""


def sort_and_rerank(
    rows: Rows, scores: NDArray[np.float32], rules: Sequence[Reranker], request: "Request", until: float = inf
) -> tuple[Ranked, tuple[str, ...]]:
    """Sort candidates by score, then apply each rule in order; after `until` (`perf_counter`) those of taste are left out.

    Returns:
        The order, and the names of the rules left out.
    """
    order = descending_by_score(scores)
    ranked, left_out = Ranked(rows[order], scores[order]), []
    for rule in rules:
        if rule.name in OF_TASTE and perf_counter() > until:
            left_out.append(rule.name)
        else:
            ranked = rule.rerank(ranked, request)
    return ranked, tuple(left_out)
