"""The guess of a doubly robust estimate: how often what stands at a place is clicked, by the rank that a ranking gives it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Ids = NDArray[np.int64]

LIKE_SEEN: Final = 10
"""A place's own share of clicks counts like so many lists: little was seen of each rank."""


def guess_clicks(clicks: Values, order: Ids, weights: Values, ranks: Ids, people: Ids) -> tuple[Values, Values]:
    """Guess clicks, those of one half of the people from what the other half did: nobody's guess knows their own clicks.

    Args:
        clicks: (l, k) 1 where a place was clicked.
        order: (l, k) what stood there, by its place among n candidates.
        weights: (l, n) by which the new pipeline draws.
        ranks: (l, n) rank of each candidate, 0 for the first, below n.
        people: (l,) whose list each is.

    Returns:
        (l, k) what is expected of the movies shown, and of the new pipeline's own draw after the movies above.
    """
    shown = np.take_along_axis(ranks, order, axis=1)
    guessed, target = np.empty(order.shape), np.empty(order.shape)
    halves = np.unique(people, return_inverse=True)[1] % 2
    for half in (0, 1):
        learn, use = halves != half, halves == half
        table = _click_table(shown[learn], clicks[learn], ranks.shape[1])
        guessed[use] = table[np.arange(order.shape[1]), shown[use]]
        target[use] = _expected(table, ranks[use], weights[use], order[use])
    return guessed, target


def _click_table(shown: Ids, clicks: Values, ranks: int) -> Values:
    """(k, ranks) share of clicks by place and rank, drawn towards the place's own share; 0 where nothing was learnt from."""
    table = np.zeros((shown.shape[1], ranks))
    for place in range(shown.shape[1] if len(shown) else 0):
        seen = np.bincount(shown[:, place], minlength=ranks)
        clicked = np.bincount(shown[:, place], clicks[:, place], minlength=ranks)
        table[place] = (clicked + LIKE_SEEN * clicks[:, place].mean()) / (seen + LIKE_SEEN)
    return table


def _expected(table: Values, ranks: Ids, weights: Values, order: Ids) -> Values:
    """(l, k) what the table expects of a draw at each place, given the movies shown above it."""
    left, told = weights.copy(), np.zeros(order.shape)
    for place in range(order.shape[1]):
        total = left.sum(axis=1)
        np.divide((left * table[place][ranks]).sum(axis=1), total, out=told[:, place], where=total > 0)
        np.put_along_axis(left, order[:, [place]], 0.0, axis=1)
    return told
