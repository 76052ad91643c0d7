"""Lists whose order is drawn, with the chance of each place: what lets another pipeline be judged from what this one showed.

Plackett-Luce (Plackett, 1975): places are filled from the first on, each by one of the movies left, with chances in proportion to
their weights. The weight is rank ** -steepness, so that any ranker's scores, whatever their scale, are stirred alike.
"""

from dataclasses import replace
from random import random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.online.pipeline import Outcome

POOL: Final = 5
"""Movies that may come to stand in a list, as a multiple of its places: nothing far down is ever shown."""


def draw_order(
    weights: NDArray[np.float64], places: int, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw a list.

    Args:
        weights: (n,) above 0.
        places: how many are filled, at most n.
        chance: draws.

    Returns:
        (places,) rows in the order drawn, and the chance of each given those before it.

    Example:
        >>> order, chances = draw_order(np.array([3.0, 1.0]), 2, np.random.default_rng(1))
        >>> order.tolist(), chances.tolist()
        ([0, 1], [0.75, 1.0])
    """
    # Sorting log weights with Gumbel noise draws from the model at once (Yellott, 1977).
    order = np.argsort(-(np.log(weights) + chance.gumbel(size=len(weights))))
    drawn = weights[order]
    left = drawn[::-1].cumsum()[::-1]
    return order[:places], (drawn / left)[:places]


def explored(outcome: Outcome, size: int, share: float, steepness: float) -> tuple[Outcome, tuple[float, ...] | None]:
    """With probability `share` the outcome with its first places drawn anew, and their chances; else as it is, and None."""
    pool = min(POOL * size, len(outcome.ranked.rows))
    if not pool or random() >= share:
        return outcome, None
    weights = np.arange(1, pool + 1, dtype=np.float64) ** -steepness
    order, chances = draw_order(weights, min(size, pool), np.random.default_rng())
    ranked = replace(outcome.ranked, rows=outcome.ranked.rows[order], scores=outcome.ranked.scores[order])
    return replace(outcome, ranked=ranked), tuple(chances.tolist())
