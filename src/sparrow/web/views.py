"""The pages. Lists are in the HTML, so everything works without JavaScript; errors become pages in `problems`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from sparrow.errors import InvalidInput, NotFound, StoreUnavailable
from sparrow.online.answers import MovieFacts, Sort, UserFacts
from sparrow.online.wanted import Wanted
from sparrow.schema import Rating
from sparrow.web.ids import Id, OptionalId, find_user, people_names, read_movie, shown
from sparrow.web.parameters import Name, Offset, Size, Year, checked_size, embedding_name
from sparrow.web.ports import Recommender
from sparrow.web.problems import recommender_of
from sparrow.web.served import note_served
from sparrow.web.taste import draw_taste, moves_between, star_bars

ROW: Final = 18
"""Movies in a row of the home page."""
GENRE_ROWS: Final = 6
BEST: Final = 500
"""The best rated movies, among which hidden gems are looked for."""
FEW, ENOUGH = 0.1, 5
"""A gem has at most this share of the ratings that the most rated movie has, and at least so many."""
PEOPLE: Final = 40
HISTORY: Final = 30
SORTS: Final[tuple[Sort, ...]] = ("popularity", "rating", "year")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of movies on the home page; `genre` is None for the rows about all movies, `sort` where no page shows more."""

    key: str
    genre: str | None
    sort: Sort | None
    movies: list[MovieFacts]


@dataclass(frozen=True, slots=True)
class Watched:
    """One movie of a person's history."""

    movie: MovieFacts
    rating: Rating
    day: str


@router.get("/")
async def show_home(request: Request) -> Response:
    """Search, a person to look over the shoulder of, and rows of movies."""
    recommender = recommender_of(request)
    sorts: list[tuple[str, Sort]] = [("popular", "popularity"), ("rated", "rating"), ("recent", "year")]
    rows = [Row(key, None, sort, recommender.movies(None, sort, ROW, 0)[0]) for key, sort in sorts]
    most = max((movie.rating_count for movie in rows[0].movies), default=0)
    rows.append(Row("gems", None, None, hidden_gems(recommender.movies(None, "rating", BEST, 0)[0], most)[:ROW]))
    for genre, _ in recommender.genres[:GENRE_ROWS]:
        rows.append(Row("genre", genre, "popularity", recommender.movies(genre, "popularity", ROW, 0)[0]))
    people = await people_names(request, recommender, PEOPLE)
    return _page(request, "home.html", rows=rows, genres=recommender.genres, people=people)


@router.get("/movie.html")
async def show_movie(
    request: Request,
    movieId: Id,  # noqa: N803
    embedding: Name = None,
    size: Size = None,
) -> Response:
    """One movie and movies like it."""
    recommender = recommender_of(request)
    movie_id = read_movie(request, recommender, "movieId", movieId)
    movie = recommender.movie(movie_id)
    chosen = embedding_name(embedding, recommender.embeddings)
    wanted = Wanted(checked_size(size, request.app.state.settings.web))
    listing = await recommender.similar(movie_id, wanted, chosen)
    request.scope["degraded"] = note_served(request, listing).degraded
    return _page(
        request,
        "movie.html",
        movie=movie,
        listing=listing,
        is_near=any(reason.kind == "similar" for item in listing.items for reason in item.reasons),
        bars=star_bars(movie.rating_spread),
        ask={"like": movie.public_id, "embedding": chosen, "size": size},
        embeddings=recommender.embeddings,
        chosen=chosen,
    )


@router.get("/user.html")
async def show_user(
    request: Request,
    userId: OptionalId = None,  # noqa: N803
    id: OptionalId = None,
    model: Name = None,
    size: Size = None,
) -> Response:
    """One person: taste, history, and what they may like; the list alone while the store is out of reach."""
    written = id if userId is None else userId
    if written is None:
        raise InvalidInput("userId is missing; add the id of a person, e.g. /user.html?userId=1.")
    recommender = recommender_of(request)
    user_id = await find_user(request, recommender, "userId", written)
    user = await _user_if_reached(recommender, user_id)
    wanted = Wanted(checked_size(size, request.app.state.settings.web))
    usual = await recommender.for_user(user_id, wanted) if model else None
    listing = await recommender.for_user(user_id, wanted, model or None)
    missing = () if user or "store" in listing.degraded else ("store",)
    request.scope["degraded"] = note_served(request, listing, user_id).degraded + missing
    return _page(
        request,
        "user.html",
        user=user,
        user_name=shown(recommender, user_id, written),
        listing=listing,
        moves=moves_between(usual.items, listing.items) if usual else {},
        taste=await run_in_threadpool(draw_taste, recommender, user.ratings) if user else None,
        history=_history(recommender, user.ratings if user else ()),
        ask={"userId": shown(recommender, user_id, written), "model": model or None, "size": size},
        models=recommender.models,
        chosen=model or None,
        people=await people_names(request, recommender, PEOPLE),
    )


@router.get("/collection.html")
async def show_collection(
    request: Request,
    type: Annotated[Literal["genre", "search", "all"], Query()] = "all",
    value: Annotated[str, Query(max_length=200)] = "",
    sort: Sort = "popularity",
    year: Year = None,
    offset: Offset = 0,
    size: Size = None,
) -> Response:
    """The movies of a genre, a year, a search, or all of them."""
    recommender = recommender_of(request)
    number = checked_size(size, request.app.state.settings.web)
    if type == "search":
        movies = recommender.search(value, number) if value.strip() else []
        total = len(movies)
    else:
        genre = value if type == "genre" and value else None
        movies, total = recommender.movies(genre, sort, number, offset, year)
    following = offset + len(movies)
    return _page(
        request,
        "collection.html",
        type=type,
        value=value,
        sort=sort,
        sorts=SORTS,
        year=year if type != "search" else None,
        movies=movies,
        total=total,
        following=following if movies and following < total else None,
        size=size,
        genres=recommender.genres,
    )


def hidden_gems(best: Sequence[MovieFacts], most: int) -> list[MovieFacts]:
    """Those few know, in their order: `best` are well rated, `most` is how often the most rated movie was."""
    return [movie for movie in best if ENOUGH <= movie.rating_count <= FEW * most]


async def _user_if_reached(recommender: Recommender, user_id: int) -> UserFacts | None:
    try:
        return await run_in_threadpool(recommender.user, user_id)
    except StoreUnavailable:
        return None


def _page(request: Request, template: str, **context: object) -> Response:
    response: Response = request.app.state.site.page(request, template, **context)
    return response


def _history(recommender: Recommender, ratings: tuple[Rating, ...]) -> list[Watched]:
    """The newest ratings with their movies; a movie that left the catalogue is skipped."""
    watched: list[Watched] = []
    for rating in ratings[:HISTORY]:
        try:
            movie = recommender.movie(rating.movie_id)
        except NotFound:
            continue
        watched.append(Watched(movie, rating, f"{datetime.fromtimestamp(rating.timestamp, UTC):%Y-%m-%d}"))
    return watched
