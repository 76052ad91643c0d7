"""Ways to cut interactions into train and test. Test rows are for judging and choose nothing.

    random            a share of the rows within each person or each movie, drawn by a seed
    microsoft-ml100k  the same cut as the published table of Microsoft Recommenders: within movies, 75 %, NumPy's seed 42
    leave-last-out    each person's last movie, by (timestamp, file order)
    time-split        the newest share of all rows; everybody is cut at the same moment

`carve` cuts validation rows out of a training part by the same rule, for choosing settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import InvalidInput
from sparrow.evaluation.rows import Rows

Within = Literal["user", "item"]
Mask = NDArray[np.bool_]

MICROSOFT_ROWS: Final = (75_066, 24_934)
"""Train and test rows of the published split of ML-100K."""


@dataclass(frozen=True)
class Protocol:
    """A cut: rows → (n,) whether each is train. Everything it needs is in it, so that it can be repeated on a carve-out."""

    name: str
    is_train: Callable[[Rows], Mask]

    def cut(self, rows: Rows) -> tuple[Rows, Rows]:
        """(train, test), each in file order."""
        train = self.is_train(rows)
        return rows.take(train), rows.take(~train)


def random_split(ratio: float = 0.8, within: Within = "user", seed: int = 42) -> Protocol:
    """Draw one uniform number per row, in file order; the rows of each person (or movie), sorted by it: the first
    round(ratio * n) train.

    Args:
        ratio: train share, between 0 and 1; halves are rounded to even, as Python and NumPy do.
        within: cut each "user" or each "item".
        seed: of NumPy's legacy generator, whose stream never changes.
    """
    if not 0 < ratio < 1:
        raise InvalidInput(f"The train share must lie between 0 and 1; got {ratio}.")

    def is_train(rows: Rows) -> Mask:
        draws = np.random.RandomState(seed).uniform(size=len(rows))
        return _first_share(rows.users if within == "user" else rows.movies, draws, ratio)

    return Protocol("random", is_train)


def microsoft_ml100k() -> Protocol:
    """The split behind Microsoft Recommenders' comparison table; the rows must stand in the order of `u.data`."""
    return Protocol("microsoft-ml100k", random_split(0.75, "item", 42).is_train)


def leave_last_out() -> Protocol:
    """Each person's newest row is test; a person of one row keeps it in train, for there is nothing to predict it from."""

    def is_train(rows: Rows) -> Mask:
        order = rows.in_time()
        people = rows.users[order]
        newest, first = np.ones(len(rows), dtype=np.bool_), np.ones(len(rows), dtype=np.bool_)
        newest[:-1], first[1:] = people[1:] != people[:-1], people[1:] != people[:-1]
        train = np.empty(len(rows), dtype=np.bool_)
        train[order] = ~newest | first
        return train

    return Protocol("leave-last-out", is_train)


def time_split(ratio: float = 0.8) -> Protocol:
    """The oldest share of all rows is train; rows of the cut's own second are all train, so that no moment is on both sides.

    Raises:
        InvalidInput: (when cutting) the rows have no timestamps.
    """
    if not 0 < ratio < 1:
        raise InvalidInput(f"The train share must lie between 0 and 1; got {ratio}.")

    def is_train(rows: Rows) -> Mask:
        if rows.timestamps is None:
            raise InvalidInput(
                "The protocol time-split needs timestamps; these rows have none. Use random or leave-last-out."
            )
        cut = np.sort(rows.timestamps)[max(round(ratio * len(rows)) - 1, 0)]
        before: Mask = rows.timestamps <= cut
        return before

    return Protocol("time-split", is_train)


PROTOCOLS: Final[Mapping[str, Callable[..., Protocol]]] = {
    "random": random_split,
    "microsoft-ml100k": microsoft_ml100k,
    "leave-last-out": leave_last_out,
    "time-split": time_split,
}
"""Name on the command line → protocol."""


def carve(protocol: Protocol, train: Rows) -> tuple[Rows, Rows]:
    """(fit, choose) rows of a training part, cut once more by the same rule."""
    return protocol.cut(train)


def _first_share(groups: NDArray[np.int64], draws: NDArray[np.float64], ratio: float) -> Mask:
    """(n,) whether a row is among the first round(ratio * n) of its group, by draw."""
    order = np.lexsort((draws, groups))
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    place = np.arange(len(groups)) - np.repeat(starts, counts)
    train: Any = np.empty(len(groups), dtype=np.bool_)
    train[order] = place < np.repeat(np.round(ratio * counts), counts)
    return np.asarray(train, dtype=np.bool_)
