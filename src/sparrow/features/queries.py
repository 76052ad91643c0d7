"""Point-in-time features in SQL, written once for every engine.

Three ideas keep it simple, portable and free of leaks:

*Simultaneous rows do not see each other.* Rows are grouped by (person, second) or (movie, second) first; a window over
those groups that ends one group before sees strictly earlier seconds only.

*A movie's clock stands still at the cut.* `clock = least(timestamp, cut)`: all rows after the cut share one second, and
so see exactly what happened before it, as serving will.

*A point that is no rating counts for nothing.* Sampled negatives join the movie's groups with weight 0, so one window
serves rated and unrated points alike, without an as-of join.

Only what both DuckDB and Spark SQL accept is used; ordered aggregates are avoided (a list is sorted after it is made).
"""

from collections.abc import Sequence

from sparrow.features.definitions import LIKED_HALF_STARS

BEFORE = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


def events(ratings: str, movies: str) -> str:
    """Ratings in exact units with what a person's sums need of the movie: one row a rating."""
    return f"""
        SELECT r.userId, r.movieId, r.timestamp, r.row, r.rating,
               CAST(round(2 * r.rating) AS BIGINT) AS half,
               CAST(round(2 * r.rating) AS BIGINT) >= {LIKED_HALF_STARS} AS liked,
               m.releaseYear, m.genres
        FROM {ratings} r JOIN {movies} m ON r.movieId = m.movieId"""


def split(events: str, valid_from: int, test_from: int) -> str:
    """Adds `split` (train | valid | test, cut in global time) and `fold` (fit | stop | last, each person's own order).

    Within the training period a person's rows are told apart at 80 % and 90 %: `stop` rows stop training early, `last` rows
    judge; a second is never torn in two. The first rows are always `fit`.
    """
    return f"""
        WITH seconds AS (SELECT userId, timestamp, count(*) AS n FROM {events} WHERE timestamp < {valid_from} GROUP BY 1, 2),
        placed AS (
            SELECT userId, timestamp,
                   coalesce(sum(n) OVER (PARTITION BY userId ORDER BY timestamp {BEFORE}), 0) AS earlier,
                   sum(n) OVER (PARTITION BY userId) AS total
            FROM seconds)
        SELECT e.*,
               CASE WHEN e.timestamp < {valid_from} THEN 'train' WHEN e.timestamp < {test_from} THEN 'valid'
                    ELSE 'test' END AS split,
               CASE WHEN 10 * p.earlier >= 9 * p.total THEN 'last' WHEN 10 * p.earlier >= 8 * p.total THEN 'stop'
                    ELSE 'fit' END AS fold
        FROM {events} e LEFT JOIN placed p ON e.userId = p.userId AND e.timestamp = p.timestamp"""


def movie_totals(events: str, movies: str) -> str:
    """One row a movie of the catalogue: its exact sums over all of `events`."""
    return f"""
        WITH sums AS (SELECT movieId, count(*) AS n, sum(half) AS s, sum(half * half) AS q FROM {events} GROUP BY 1)
        SELECT m.*, CAST(coalesce(n, 0) AS BIGINT) AS movie_count, CAST(coalesce(s, 0) AS BIGINT) AS movie_half_sum,
               CAST(coalesce(q, 0) AS BIGINT) AS movie_half_square_sum
        FROM {movies} m LEFT JOIN sums ON m.movieId = sums.movieId ORDER BY m.movieId"""


def movie_evidence(events: str, movies: str, top: int) -> str:
    """`movie_totals` with each movie's spread (ratings of 0.5, 1.0 … 5.0 stars) and its `top` best ratings, newest first."""
    spread = ", ".join(f"count(CASE WHEN half = {half} THEN 1 END)" for half in range(1, 11))
    return f"""
        WITH evidence AS (
            SELECT movieId, [{spread}] AS spread, list_slice(list_sort(list(
                       struct_pack(half := -half, at := -timestamp, who := userId))), 1, {top}) AS top_ratings
            FROM {events} GROUP BY 1)
        SELECT t.*, e.spread, e.top_ratings FROM ({movie_totals(events, movies)}) t
        LEFT JOIN evidence e ON t.movieId = e.movieId ORDER BY t.movieId"""


def user_ratings(events: str, totals: str) -> str:
    """`user_totals` with each person's ratings, oldest first, simultaneous ones by movie id."""
    return f"""
        WITH rated AS (
            SELECT userId, list_sort(list(struct_pack(at := timestamp, id := movieId, half := half))) AS ratings
            FROM {events} GROUP BY 1)
        SELECT t.*, r.ratings FROM ({totals}) t JOIN rated r ON t.userId = r.userId ORDER BY t.userId"""


def movies_before(events: str, points: str, cut: int) -> str:
    """A movie's sums at each of its (movie, clock) groups: strictly earlier ratings, and none from `cut` on.

    `points` are the rows to describe (movieId, timestamp); they need not be ratings.
    """
    return f"""
        WITH weighted AS (
            SELECT movieId, least(timestamp, {cut}) AS clock, 1 AS n, half AS s, half * half AS q FROM {events}
            UNION ALL
            SELECT movieId, least(timestamp, {cut}), 0, 0, 0 FROM {points}),
        grouped AS (SELECT movieId, clock, sum(n) AS n, sum(s) AS s, sum(q) AS q FROM weighted GROUP BY 1, 2)
        SELECT movieId, clock, {_before(("n", "movie_count"), ("s", "movie_half_sum"), ("q", "movie_half_square_sum"))}
        FROM grouped WINDOW earlier AS (PARTITION BY movieId ORDER BY clock {BEFORE})"""


def users_before(events: str, genres: Sequence[str], history: int, favourites: int) -> str:
    """A person's sums and lists at each of their seconds: strictly earlier rows only.

    `history` is cut from one list per person by the number of earlier likes, so the work is linear in the rows.
    """
    return f"""
        WITH grouped AS (
            SELECT userId, timestamp, {_user_sums(genres)} FROM {events} GROUP BY 1, 2),
        running AS (
            SELECT userId, timestamp, {_before(*((name, name) for name in _user_columns(genres)))}
            FROM grouped WINDOW earlier AS (PARTITION BY userId ORDER BY timestamp {BEFORE}))
        {_with_lists("running", events, genres, history, favourites, key="r.timestamp, ")}"""


def user_totals(events: str, genres: Sequence[str], history: int, favourites: int) -> str:
    """One row a person: the same features after all of `events`."""
    return f"""
        WITH running AS (SELECT userId, {_user_sums(genres)} FROM {events} GROUP BY 1)
        {_with_lists("running", events, genres, history, favourites)} ORDER BY r.userId"""


def describe(points: str, movies: str, movies_before: str, users_before: str, cut: int) -> str:
    """The sample rows: each point with its movie's and its person's features as of just before it."""
    return f"""
        SELECT p.*, m.releaseYear, m.genres, b.movie_count, b.movie_half_sum, b.movie_half_square_sum,
               u.user_count, u.user_half_sum, u.user_half_square_sum, u.user_liked_count, u.user_year_count, u.user_year_sum,
               u.history, u.favourite_genres
        FROM {points} p
        JOIN {movies} m ON p.movieId = m.movieId
        JOIN {movies_before} b ON p.movieId = b.movieId AND least(p.timestamp, {cut}) = b.clock
        JOIN {users_before} u ON p.userId = u.userId AND p.timestamp = u.timestamp"""


def _before(*columns: tuple[str, str]) -> str:
    """Exact running sums over the window `earlier`; nothing before the first group is 0, not null."""
    return ", ".join(f"CAST(coalesce(sum({source}) OVER earlier, 0) AS BIGINT) AS {name}" for source, name in columns)


def _genre_columns(genres: Sequence[str]) -> list[str]:
    return [f"genre_{position}" for position in range(len(genres))]


def _user_columns(genres: Sequence[str]) -> list[str]:
    sums = [
        "user_count",
        "user_half_sum",
        "user_half_square_sum",
        "user_liked_count",
        "user_year_count",
        "user_year_sum",
    ]
    return sums + _genre_columns(genres)


def _user_sums(genres: Sequence[str]) -> str:
    dated = "liked AND releaseYear > 0"
    sums = [
        "count(*) AS user_count",
        "CAST(sum(half) AS BIGINT) AS user_half_sum",
        "CAST(sum(half * half) AS BIGINT) AS user_half_square_sum",
        "CAST(sum(CASE WHEN liked THEN 1 ELSE 0 END) AS BIGINT) AS user_liked_count",
        f"CAST(sum(CASE WHEN {dated} THEN 1 ELSE 0 END) AS BIGINT) AS user_year_count",
        f"CAST(sum(CASE WHEN {dated} THEN releaseYear ELSE 0 END) AS BIGINT) AS user_year_sum",
    ]
    for genre, column in zip(genres, _genre_columns(genres), strict=True):
        sums.append(f"sum(CASE WHEN liked AND array_contains(genres, {_text(genre)}) THEN 1 ELSE 0 END) AS {column}")
    return ", ".join(sums)


def _with_lists(running: str, events: str, genres: Sequence[str], history: int, favourites: int, key: str = "") -> str:
    """Joins each person's likes and cuts `history` and `favourite_genres` out by the counts in `running`."""
    sums = ", ".join(f"r.{name}" for name in _user_columns(()))
    favourite = _favourites(genres, favourites)
    return f"""
        , likes AS (
            SELECT userId, list_transform(list_sort(list(struct_pack(at := timestamp, id := movieId))), lambda x: x.id) AS ids
            FROM {events} WHERE liked GROUP BY 1)
        SELECT r.userId, {key}{sums},
               coalesce(list_slice(l.ids, greatest(1, r.user_liked_count - {history} + 1), r.user_liked_count),
                        CAST([] AS BIGINT[])) AS history,
               {favourite} AS favourite_genres
        FROM {running} r LEFT JOIN likes l ON r.userId = l.userId"""


def _favourites(genres: Sequence[str], favourites: int) -> str:
    """The names of the most liked genres, ties by name.

    Each genre becomes one integer, its count first and its name's rank behind it: sorting integers costs a fraction of
    sorting structs, and a list is made for every second of every person.
    """
    if not genres:
        return "CAST([] AS VARCHAR[])"
    base, named = len(genres), sorted(zip(genres, _genre_columns(genres), strict=True), reverse=True)
    keys = ", ".join(f"r.{column} * {base} + {rank}" for rank, (_, column) in enumerate(named))
    names = ", ".join(_text(genre) for genre, _ in named)
    best = f"list_slice(list_filter(list_reverse_sort([{keys}]), lambda k: k >= {base}), 1, {favourites})"
    return f"list_transform({best}, lambda k: [{names}][CAST(k % {base} AS INTEGER) + 1])"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
