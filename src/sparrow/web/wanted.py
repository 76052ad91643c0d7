"""What a list is asked for with, read from a query or a guest's body."""

from typing import Annotated

from fastapi import Depends, Request

from sparrow.online.wanted import NOWHERE, Wanted
from sparrow.web.ids import OptionalId, read_movie, read_movies, read_optional_movie
from sparrow.web.parameters import Age, Exclude, Explain, Region, Size, checked_size
from sparrow.web.ports import Recommender
from sparrow.web.problems import recommender_of
from sparrow.web.shapes import GuestRequest


async def wanted_by_query(
    request: Request,
    size: Size = None,
    exclude: Exclude = None,
    explain: Explain = False,
    explain_movie: OptionalId = None,
    region: Region = NOWHERE,
    age: Age = None,
) -> Wanted:
    """The parameters that every list takes."""
    recommender = recommender_of(request)
    return Wanted(
        size=checked_size(size, request.app.state.settings.web),
        exclude=read_movies(recommender, "exclude", exclude),
        explain=explain,
        region=region,
        age=age,
        explain_movie=read_optional_movie(request, recommender, "explain_movie", explain_movie),
    )


AskedFor = Annotated[Wanted, Depends(wanted_by_query)]


def wanted_by_guest(request: Request, recommender: Recommender, guest: GuestRequest) -> Wanted:
    """The same from a body."""
    return Wanted(
        size=checked_size(guest.size, request.app.state.settings.web),
        exclude=frozenset(read_movie(request, recommender, "exclude", movie) for movie in guest.exclude),
        explain=guest.explain,
        region=guest.region.upper(),
        age=guest.age,
        explain_movie=read_optional_movie(request, recommender, "explainMovie", guest.explain_movie),
    )
