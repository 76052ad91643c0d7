"""Facts → JSON of `/api/v1`. Plain dictionaries and one `orjson` call: lists are the hot path of this server."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from sparrow.online.answers import ListedMovie, Listing, MovieFacts, Reason, UserFacts
from sparrow.schema import Rating
from sparrow.web.ids import RatingNames, named_ratings

MovieName = Callable[[int], int | str]
"""Raw id → what the outside world calls the movie."""


def answer(request: Request, payload: Any, status: int = 200, degraded: tuple[str, ...] = ()) -> Response:
    """A JSON answer; what was degraded travels in the scope to the header and the metric."""
    if degraded:
        request.scope["degraded"] = degraded
    # Facts come from arrays: a NumPy number among them is a number too.
    body = orjson.dumps(payload, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


def movie_json(movie: MovieFacts, names: RatingNames | None = None) -> dict[str, Any]:
    """One movie with everything known about it; `names` calls the raters by their outside ids."""
    return {
        **brief_json(movie),
        "imdbId": movie.imdb_id,
        "tmdbId": movie.tmdb_id,
        "ratingSpread": movie.rating_spread,
        "topRatings": ratings_json(movie.top_ratings, names),
    }


def brief_json(movie: MovieFacts) -> dict[str, Any]:
    """One movie as catalogue pages list it."""
    return {
        "movieId": movie.public_id,
        "title": movie.title,
        "releaseYear": movie.release_year,
        "genres": movie.genres,
        "ratingCount": movie.rating_count,
        "ratingMean": movie.rating_mean,
    }


def ratings_json(ratings: Iterable[Rating], names: RatingNames | None) -> list[dict[str, Any]]:
    """Ratings; `timestamp` in seconds, UTC."""
    return [
        {"userId": user, "movieId": movie, "score": rating.score, "timestamp": rating.timestamp}
        for user, movie, rating in named_ratings(ratings, names)
    ]


def user_json(user: UserFacts, name: int | str, names: RatingNames | None) -> dict[str, Any]:
    """One person, called `name`, and the ratings they gave, newest first."""
    return {
        "userId": name,
        "ratingCount": user.rating_count,
        "ratingMean": user.rating_mean,
        "ratingHighest": user.rating_highest,
        "ratingLowest": user.rating_lowest,
        "favouriteGenres": [{"genre": genre, "count": count} for genre, count in user.favourite_genres],
        "ratings": ratings_json(user.ratings, names),
    }


def listing_json(listing: Listing, explain: bool, movie_name: MovieName = int, **about: int | str) -> dict[str, Any]:
    """One served list; `about` names whose list it is (`movieId=589`, `userId=1`), `movie_name` the movies of reasons."""
    payload: dict[str, Any] = {
        "release": listing.release,
        **about,
        "recommendationId": listing.recommendation_id,
        "pipeline": listing.pipeline,
        "arm": listing.arm,
        "items": [_item_json(item, explain, movie_name) for item in listing.items],
        "degraded": listing.degraded,
    }
    if listing.asked_about is not None:
        movie = listing.asked_about
        payload["explained"] = {"movieId": movie.public_id, "title": movie.title, **listing.told}
    return {**payload, "timings": dict(listing.timings)} if explain else payload


def _item_json(item: ListedMovie, explain: bool, movie_name: MovieName) -> dict[str, Any]:
    movie = item.movie
    payload = {
        "movieId": movie.public_id,
        "title": movie.title,
        "releaseYear": movie.release_year,
        "genres": movie.genres,
        "score": item.score,
        "reasons": [_reason_json(reason, movie_name) for reason in item.reasons],
    }
    return {**payload, "trace": dict(item.trace or {})} if explain else payload


def _reason_json(reason: Reason, movie_name: MovieName) -> dict[str, Any]:
    payload: dict[str, Any] = {"kind": reason.kind}
    if reason.movie_id is not None:
        payload |= {"movieId": movie_name(reason.movie_id), "title": reason.title}
    if reason.genres:
        payload["genres"] = reason.genres
    return payload
