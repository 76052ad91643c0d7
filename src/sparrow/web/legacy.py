"""The original SparrowRecSys API (2021), field for field, so that its pages and clients work unchanged.

Two of its faults stay behind: errors answered with 200 and an empty body, and lists sorted the wrong way.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sparrow.errors import InvalidInput
from sparrow.online.answers import Listing, MovieFacts, Sort, UserFacts
from sparrow.online.wanted import Wanted
from sparrow.web.direct import DirectRoute
from sparrow.web.ids import Id, RatingNames, find_user, names_of, names_of_person, read_movie, shown
from sparrow.web.parameters import Name, Size, checked_size, embedding_name
from sparrow.web.problems import recommender_of
from sparrow.web.served import note_served
from sparrow.web.wire import answer, ratings_json

PATHS: Final = ("/getmovie", "/getuser", "/getsimilarmovie", "/getrecommendation", "/getrecforyou")

_SORTS: Final[dict[str, Sort]] = {
    "rating": "rating",
    "releaseYear": "year",
    "year": "year",
    "popularity": "popularity",
}

router = APIRouter(tags=["original API"], default_response_class=Response, route_class=DirectRoute)


@router.get("/getmovie")
async def get_movie(request: Request, id: Id) -> Response:
    """One movie."""
    recommender = recommender_of(request)
    movie = recommender.movie(read_movie(request, recommender, "id", id))
    names, degraded = await names_of(request, recommender, [movie])
    return answer(request, _movie(movie, names), degraded=degraded)


@router.get("/getuser")
async def get_user(request: Request, id: Id) -> Response:
    """One person with all ratings."""
    recommender = recommender_of(request)
    user = await run_in_threadpool(recommender.user, await find_user(request, recommender, "id", id))
    name = shown(recommender, user.user_id, id)
    return answer(request, _user(user, name, names_of_person(recommender, user.user_id, name)))


@router.get("/getsimilarmovie")
async def get_similar_movie(
    request: Request,
    movieId: Id,  # noqa: N803
    size: Size = None,
    model: Name = None,
) -> Response:
    """Movies like this one."""
    recommender = recommender_of(request)
    listing = await recommender.similar(
        read_movie(request, recommender, "movieId", movieId),
        Wanted(checked_size(size, request.app.state.settings.web)),
        embedding_name(model, recommender.embeddings),
    )
    return await _listed(request, note_served(request, listing))


@router.get("/getrecommendation")
async def get_recommendation(
    request: Request,
    genre: Name = None,
    size: Size = None,
    sortby: Annotated[str, Query(max_length=20, description="rating, releaseYear or popularity")] = "rating",
) -> Response:
    """Movies of a genre, sorted."""
    if sortby not in _SORTS:
        raise InvalidInput(f"sortby is {sortby!r}; it must be rating, releaseYear or popularity.")
    number = checked_size(size, request.app.state.settings.web)
    movies, _ = recommender_of(request).movies(genre or None, _SORTS[sortby], number, 0)
    return await _movies(request, movies)


@router.get("/getrecforyou")
async def get_rec_for_you(request: Request, id: Id, size: Size = None, model: Name = None) -> Response:
    """Movies this person may like; an unknown person gets the cold-start list."""
    recommender = recommender_of(request)
    user_id = await find_user(request, recommender, "id", id)
    wanted = Wanted(checked_size(size, request.app.state.settings.web))
    listing = await recommender.for_user(user_id, wanted, model or None)
    return await _listed(request, note_served(request, listing, user_id))


async def _listed(request: Request, listing: Listing) -> Response:
    return await _movies(request, [item.movie for item in listing.items], listing.degraded)


async def _movies(request: Request, movies: Sequence[MovieFacts], degraded: tuple[str, ...] = ()) -> Response:
    names, out_of_reach = await names_of(request, recommender_of(request), movies)
    return answer(request, [_movie(movie, names) for movie in movies], degraded=degraded or out_of_reach)


def _movie(movie: MovieFacts, names: RatingNames | None) -> dict[str, Any]:
    return {
        "movieId": movie.public_id,
        "title": movie.title,
        "releaseYear": movie.release_year,
        "imdbId": movie.imdb_id,
        "tmdbId": movie.tmdb_id,
        "genres": movie.genres,
        "ratingNumber": movie.rating_count,
        "averageRating": movie.rating_mean,
        "topRatings": [{"rating": rating} for rating in ratings_json(movie.top_ratings, names)],
    }


def _user(user: UserFacts, name: int | str, names: RatingNames | None) -> dict[str, Any]:
    return {
        "userId": name,
        "averageRating": user.rating_mean,
        "highestRating": user.rating_highest,
        "lowestRating": user.rating_lowest,
        "ratingCount": user.rating_count,
        "ratings": [{"rating": rating} for rating in ratings_json(user.ratings, names)],
    }
