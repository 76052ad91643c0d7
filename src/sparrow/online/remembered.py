"""The latest lists of similar movies, as they were made: the same question under the same rules has the same answer.

Only for who names nothing of their own: no exclusions, no age, no explanation. One memory belongs to one release under one
version of the rules, and a list holds as long as the very mask of what may be shown then: a window that opens is another mask.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from sparrow.fresh_ids import fresh_id
from sparrow.online.answers import Listing
from sparrow.online.wanted import Wanted

MOST: Final = 1000
"""Lists; 24 movies with their reasons are some 10 kB."""

LONGEST: Final = 50
"""Movies of a remembered list: whoever asks for 500 must not fill a worker's memory."""


def is_plain(wanted: Wanted) -> bool:
    """Whether others may ask the same."""
    return wanted.size <= LONGEST and wanted == Wanted(wanted.size, region=wanted.region)


class Remembered:
    """The `most` lists that were asked for latest."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lists: OrderedDict[Hashable, tuple[NDArray[Any], Listing]] = OrderedDict()

    def find(self, question: Hashable, mask: NDArray[Any]) -> Listing | None:
        """The list under an id of its own, if it was made of what may be shown now."""
        made, listing = self._lists.get(question, (None, None))
        if listing is None or made is not mask:
            return None
        self._lists.move_to_end(question)
        return replace(listing, recommendation_id=fresh_id(), timings={})

    def keep(self, question: Hashable, mask: NDArray[Any], listing: Listing) -> None:
        """Remember a list; not one that lacks something."""
        if listing.degraded:
            return
        self._lists[question] = (mask, listing)
        self._lists.move_to_end(question)
        if len(self._lists) > self._most:
            self._lists.popitem(last=False)
