"""`/api/v1`: the catalogue and the lists. Errors: see `problems`; what happened comes back in `events_api`."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sparrow.online.answers import Listing, Sort
from sparrow.tracing import stage
from sparrow.web.direct import DirectRoute
from sparrow.web.ids import (
    PathId,
    find_user,
    movie_namer,
    names_of,
    names_of_person,
    read_movie,
    shown,
)
from sparrow.web.parameters import (
    Age,
    Arm,
    Name,
    Offset,
    Region,
    Size,
    Text,
    Year,
    checked_size,
    embedding_name,
)
from sparrow.web.problems import recommender_of
from sparrow.web.served import note_served
from sparrow.web.shapes import (
    FoundShape,
    GuestRequest,
    ListingShape,
    MovieShape,
    MoviesShape,
    ProblemShape,
    UserShape,
)
from sparrow.web.wanted import AskedFor, wanted_by_guest
from sparrow.web.why import explained
from sparrow.web.wire import answer, brief_json, listing_json, movie_json, user_json

_PROBLEM: dict[str, Any] = {"model": ProblemShape, "description": "A problem (RFC 9457)"}
_REFUSED: dict[int | str, dict[str, Any]] = {422: _PROBLEM}
_PERSONAL: dict[int | str, dict[str, Any]] = {401: _PROBLEM, 403: _PROBLEM}
_MISSING: dict[int | str, dict[str, Any]] = {404: _PROBLEM, **_REFUSED}

router = APIRouter(tags=["api"], default_response_class=Response, route_class=DirectRoute)


@router.get("/api/v1/movies", responses={200: {"model": MoviesShape}, **_MISSING})
async def list_movies(
    request: Request,
    genre: Name = None,
    sort: Sort = "popularity",
    size: Size = None,
    offset: Offset = 0,
    year: Year = None,
    region: Region = "",
    age: Age = None,
) -> Response:
    """A page of the catalogue."""
    recommender = recommender_of(request)
    number = checked_size(size, request.app.state.settings.web)
    movies, total = recommender.movies(genre or None, sort, number, offset, year, region, age)
    items = [brief_json(movie) for movie in movies]
    return answer(request, {"release": recommender.release, "total": total, "offset": offset, "items": items})


@router.get("/api/v1/movies/{movieId}", responses={200: {"model": MovieShape}, **_MISSING})
async def show_movie(request: Request, movieId: PathId) -> Response:  # noqa: N803
    """Everything known about one movie."""
    recommender = recommender_of(request)
    movie = recommender.movie(read_movie(request, recommender, "movieId", movieId))
    names, degraded = await names_of(request, recommender, [movie])
    return answer(request, {"release": recommender.release, **movie_json(movie, names)}, degraded=degraded)


@router.get("/api/v1/movies/{movieId}/similar", responses={200: {"model": ListingShape}, **_MISSING})
async def list_similar(
    request: Request,
    movieId: PathId,  # noqa: N803
    wanted: AskedFor,
    embedding: Name = None,
) -> Response:
    """Movies like this one, most alike first; `explain_movie` asks what became of another one."""
    recommender = recommender_of(request)
    movie_id = read_movie(request, recommender, "movieId", movieId)
    listing = await recommender.similar(movie_id, wanted, embedding_name(embedding, recommender.embeddings))
    note_served(request, listing)
    return _listed(request, listing, wanted.explain, movieId=shown(recommender, movie_id, movieId))


@router.get("/api/v1/search", responses={200: {"model": FoundShape}, **_REFUSED})
async def search_movies(request: Request, q: Text, size: Size = None, region: Region = "", age: Age = None) -> Response:
    """Movies whose titles hold these words."""
    recommender = recommender_of(request)
    number = checked_size(size, request.app.state.settings.web)
    found = recommender.search(q, number, region, age) if q.strip() else []
    return answer(request, {"release": recommender.release, "items": [brief_json(movie) for movie in found]})


@router.get("/api/v1/users/{userId}", responses={200: {"model": UserShape}, **_PERSONAL, **_MISSING})
async def show_user(request: Request, userId: PathId) -> Response:  # noqa: N803
    """One person and the ratings they gave."""
    recommender = recommender_of(request)
    user_id = await find_user(request, recommender, "userId", userId)
    user = await run_in_threadpool(recommender.user, user_id)
    name = shown(recommender, user.user_id, userId)
    about = user_json(user, name, names_of_person(recommender, user.user_id, name))
    return answer(request, {"release": recommender.release, **about})


@router.get("/api/v1/users/{userId}/recommendations", responses={200: {"model": ListingShape}, **_PERSONAL, **_MISSING})
async def list_for_user(
    request: Request,
    userId: PathId,  # noqa: N803
    wanted: AskedFor,
    model: Name = None,
    arm: Arm = None,
) -> Response:
    """Movies this person may like and has not seen; an unknown person gets the cold-start list."""
    recommender = recommender_of(request)
    user_id = await find_user(request, recommender, "userId", userId)
    listing = await recommender.for_user(user_id, wanted, model or None, arm or None)
    note_served(request, listing, user_id)
    return _listed(request, listing, wanted.explain, userId=shown(recommender, user_id, userId))


@router.post("/api/v1/recommendations", responses={200: {"model": ListingShape}, **_REFUSED})
async def list_for_guest(request: Request, guest: GuestRequest) -> Response:
    """For someone who has no account: their history comes with the question. `Accept: text/html` gives the site's own cards, with
    `explainMovie` its own page about that movie."""
    recommender = recommender_of(request)
    history = [
        (read_movie(request, recommender, f"history.{place}.movieId", liked.movie_id), liked.rating)
        for place, liked in enumerate(guest.history)
    ]
    listing = await recommender.for_history(history, wanted_by_guest(request, recommender, guest))
    is_page = "text/html" in request.headers.get("accept", "")
    if is_page and listing.asked_about is not None:
        return explained(request, listing, {})
    note_served(request, listing)
    if is_page:
        request.scope["degraded"] = listing.degraded
        cards: Response = request.app.state.site.page(request, "cards.html", listing=listing)
        return cards
    return _listed(request, listing, guest.explain)


def _listed(request: Request, listing: Listing, explain: bool, **about: int | str) -> Response:
    with stage("render"):
        told = listing_json(listing, explain, movie_namer(recommender_of(request)), **about)
        return answer(request, told, degraded=listing.degraded)
