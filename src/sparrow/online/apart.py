"""Movies that a person has parted: neither stands in the other's list of similar movies."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from sparrow.online.catalog import Catalog, Rows

_NONE: Final[Rows] = np.zeros(0, dtype=np.int32)


class Apart:
    """The pairs of `[similar] apart` in the rows of one release."""

    def __init__(self, pairs: Iterable[tuple[int, int]], catalog: Catalog) -> None:
        """Args: pairs: raw ids, in either order; catalog: pairs with a movie that it lacks part nobody."""
        ids = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
        known = np.isin(ids, catalog.ids).all(axis=1)
        rows = catalog.known_rows(ids[known].ravel())[0].reshape(-1, 2)
        parted: dict[int, set[int]] = {}
        for one, other in rows.tolist():
            parted.setdefault(one, set()).add(other)
            parted.setdefault(other, set()).add(one)
        self._of = {row: np.array(sorted(others), dtype=np.int32) for row, others in parted.items()}

    def of(self, row: int) -> Rows:
        """(n,) rows that must not stand beside `row`, ascending."""
        return self._of.get(row, _NONE)
