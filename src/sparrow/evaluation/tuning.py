"""Settings by search on validation rows: a full grid while it is small, else a seeded sample of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """What was tried, best first."""

    settings: Settings
    figure: float
    trials: Sequence[tuple[Settings, float]]


def combinations(grid: Mapping[str, Sequence[Any]], limit: int, seed: int = 1) -> list[dict[str, Any]]:
    """All combinations of a grid, or `limit` of them drawn by the seed.

    Example:
        >>> combinations({"l2": (1, 2), "p": (0,)}, limit=10)
        [{'l2': 1, 'p': 0}, {'l2': 2, 'p': 0}]
    """
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if len(every) <= limit:
        return every
    picked = np.random.default_rng(seed).choice(len(every), size=limit, replace=False)
    return [every[at] for at in np.sort(picked)]


def choose(
    grid: Mapping[str, Sequence[Any]], figure: Callable[[Settings], float], limit: int = 24, seed: int = 1
) -> Choice:
    """The settings with the highest figure; equal ones keep the grid's order.

    Args:
        grid: setting → values; an empty grid chooses nothing and measures nothing.
        figure: settings → what to make as large as possible, measured on validation rows.
        limit: settings tried at most.
        seed: of the sample when the grid is larger.
    """
    tried = combinations(grid, limit, seed)
    if len(tried) == 1:
        return Choice(tried[0], float("nan"), ())
    trials = sorted(((settings, figure(settings)) for settings in tried), key=lambda trial: -trial[1])
    return Choice(trials[0][0], trials[0][1], trials)
