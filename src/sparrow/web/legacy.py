"""The original SparrowRecSys API (2021), field for field, so that its pages and clients work unchanged.

Two of its faults stay behind: errors answered with 200 and an empty body, and lists sorted the wrong way.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from sparrow.errors import InvalidInput
from sparrow.online.answers import Listing, MovieFacts, Sort, UserFacts
from sparrow.web.parameters import Id, Name, Size, checked_size, embedding_name
from sparrow.web.problems import recommender_of
from sparrow.web.wire import answer, rating_json

PATHS: Final = ("/getmovie", "/getuser", "/getsimilarmovie", "/getrecommendation", "/getrecforyou")

_SORTS: Final[dict[str, Sort]] = {
    "rating": "rating",
    "releaseYear": "year",
    "year": "year",
    "popularity": "popularity",
}

router = APIRouter(tags=["original API"], default_response_class=Response)


@router.get("/getmovie")
async def get_movie(request: Request, id: Id) -> Response:
    """One movie."""
    return answer(request, _movie(recommender_of(request).movie(id)))


@router.get("/getuser")
async def get_user(request: Request, id: Id) -> Response:
    """One person with all ratings."""
    return answer(request, _user(recommender_of(request).user(id)))


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
        movieId,
        size=checked_size(size, request.app.state.settings.web),
        embedding=embedding_name(model, recommender.embeddings),
        exclude=frozenset(),
        explain=False,
    )
    return _movies(request, listing)


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
    return answer(request, [_movie(movie) for movie in movies])


@router.get("/getrecforyou")
async def get_rec_for_you(request: Request, id: Id, size: Size = None, model: Name = None) -> Response:
    """Movies this person may like; an unknown person gets the cold-start list."""
    listing = await recommender_of(request).for_user(
        id,
        size=checked_size(size, request.app.state.settings.web),
        model=model or None,
        exclude=frozenset(),
        explain=False,
    )
    return _movies(request, listing)


def _movies(request: Request, listing: Listing) -> Response:
    return answer(request, [_movie(item.movie) for item in listing.items], degraded=listing.degraded)


def _movie(movie: MovieFacts) -> dict[str, Any]:
    return {
        "movieId": movie.movie_id,
        "title": movie.title,
        "releaseYear": movie.release_year,
        "imdbId": movie.imdb_id,
        "tmdbId": movie.tmdb_id,
        "genres": movie.genres,
        "ratingNumber": movie.rating_count,
        "averageRating": movie.rating_mean,
        "topRatings": [{"rating": rating_json(rating)} for rating in movie.top_ratings],
    }


def _user(user: UserFacts) -> dict[str, Any]:
    return {
        "userId": user.user_id,
        "averageRating": user.rating_mean,
        "highestRating": user.rating_highest,
        "lowestRating": user.rating_lowest,
        "ratingCount": user.rating_count,
        "ratings": [{"rating": rating_json(rating)} for rating in user.ratings],
    }
