"""What a page about a person shows: their ratings, what they sum up to, and the genres they like most."""

from collections.abc import Mapping

from sparrow.online.answers import UserFacts
from sparrow.online.catalog import Catalog
from sparrow.online.later_events import LaterEvents
from sparrow.online.people import Person
from sparrow.online.reranking import descending_by_score
from sparrow.schema import MovieId, Rating, UserId
from sparrow.stores.feature_store import UserRecord


def rating_times(record: UserRecord | None, later: LaterEvents) -> dict[int, int]:
    """movie id → when it was rated; the latest time counts."""
    stored: dict[int, int] = {}
    if record is not None:
        movies, _, times = record.ratings()
        stored = dict(zip(movies.tolist(), times.tolist(), strict=True))
    return stored | {movie: max(at, stored.get(movie, at)) for movie, at in later.rated_at.items()}


def user_facts(catalog: Catalog, user_id: int, person: Person, times: Mapping[int, int], favourites: int) -> UserFacts:
    """The facts.

    Args:
        times: movie id → seconds, UTC, of its rating; 0 where it is not told.
        favourites: favourite genres at most.
    """
    stars = person.halves / 2
    ids = catalog.ids[person.rated].tolist()
    ratings = [
        Rating(UserId(user_id), MovieId(movie), float(score), times.get(movie, 0))
        for movie, score in zip(ids, stars, strict=True)
    ]
    liked = catalog.genres[person.liked].sum(axis=0)
    order = descending_by_score(liked)[:favourites]
    return UserFacts(
        user_id=UserId(user_id),
        rating_count=len(ratings),
        rating_mean=float(stars.mean()) if len(stars) else 0.0,
        rating_highest=float(stars.max(initial=0.0)),
        rating_lowest=float(stars.min()) if len(stars) else 0.0,
        favourite_genres=tuple((catalog.genre_names[place], int(liked[place])) for place in order if liked[place] > 0),
        ratings=tuple(reversed(ratings)),
    )
