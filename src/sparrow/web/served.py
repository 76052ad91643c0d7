"""Each list that goes out is noted, so that what people do with it can be told apart later."""

import time

from fastapi import Request

from sparrow.online.answers import Listing
from sparrow.stores.served import ServedList
from sparrow.web.ports import ServedLists


def note_served(request: Request, listing: Listing, user_id: int | None = None) -> Listing:
    """Count a list that is about to be sent, and hand it to the log without waiting; `user_id` is the raw id of whom it is for.

    Returns:
        The list itself.
    """
    request.app.state.metrics.count_list(listing)
    served: ServedLists | None = request.app.state.served
    if served is not None and not served.put(_as_served(listing, user_id)):
        request.app.state.metrics.count_unlogged()
    return listing


def _as_served(listing: Listing, user_id: int | None) -> ServedList:
    return ServedList(
        recommendation_id=listing.recommendation_id,
        timestamp=int(time.time()),
        user_id=user_id,
        release=listing.release,
        pipeline=listing.pipeline,
        arm=listing.arm,
        movies=tuple(int(item.movie.movie_id) for item in listing.items),
        propensities=listing.propensities,
        teams=listing.teams,
    )
