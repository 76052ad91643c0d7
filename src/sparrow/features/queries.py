"""The SQL of the feature jobs: select and join, nothing that DuckDB and Spark could read differently.

Running sums, lists and draws are kernels (`grouped`); text, lists and windows never meet SQL. What was tried instead stands in
docs/scaling.md.
"""

from collections.abc import Sequence

from sparrow.features.definitions import LIKED_HALF_STARS

DAY = 86_400


def rated(ratings: str, catalogue: str) -> str:
    """Ratings in exact units with what a person's sums need of the movie: one row a rating of a known movie."""
    half = "CAST(round(2 * r.rating) AS TINYINT)"
    return f"""
        SELECT r.userId, r.movieId, r.timestamp, {half} AS half, {half} >= {LIKED_HALF_STARS} AS liked,
               c.releaseYear, c.genre_mask
        FROM {ratings} r JOIN {catalogue} c ON r.movieId = c.movieId"""


def days(table: str) -> str:
    """How many rows each day has, in order: small enough to fetch however many rows there are."""
    return f"SELECT timestamp - timestamp % {DAY} AS day, count(*) AS n FROM {table} GROUP BY 1 ORDER BY 1"


def seconds(table: str, day: int) -> str:
    """How many rows each second of one day has, in order."""
    return f"""SELECT timestamp, count(*) AS n FROM {table} WHERE timestamp >= {day} AND timestamp < {day + DAY}
               GROUP BY 1 ORDER BY 1"""


def known(events: str, condition: str, catalogue: str) -> str:
    """The events that a fit may know, with what `SumPeople` needs of the movie."""
    return f"""
        SELECT e.userId, e.movieId, e.timestamp, e.half, e.liked, c.releaseYear, c.genre_mask
        FROM {events} e JOIN {catalogue} c ON e.movieId = c.movieId WHERE {condition}"""


def counts(events: str, condition: str) -> str:
    """How many of the chosen events each movie has."""
    return f"SELECT movieId, count(*) AS n FROM {events} WHERE {condition} GROUP BY movieId ORDER BY movieId"


def of_recent_people(events: str, condition: str, newest_from: int) -> str:
    """All the chosen events of whoever has one from `newest_from` on."""
    recent = f"SELECT userId FROM {events} WHERE {condition} AND timestamp >= {newest_from}"
    return f"SELECT * FROM {events} WHERE {condition} AND userId IN ({recent})"


def older_pairs(events: str, condition: str, newest_from: int) -> str:
    """What people who have a chosen event from `newest_from` on had chosen before."""
    return f"SELECT userId, movieId FROM ({of_recent_people(events, condition, newest_from)}) WHERE timestamp < {newest_from}"


def movie_sums(events: str, condition: str) -> str:
    """`MOVIE_SUMS` of each movie over the chosen events."""
    return f"""
        SELECT movieId, count(*) AS n, CAST(sum(CAST(half AS BIGINT)) AS BIGINT) AS halves,
               CAST(sum(CAST(half AS BIGINT) * half) AS BIGINT) AS squares
        FROM {events} WHERE {condition} GROUP BY movieId ORDER BY movieId"""


def with_evidence(movies: str, evidence: str) -> str:
    """The whole catalogue, each movie with its sums (0 where nobody rated it), spread and best ratings."""
    sums = ", ".join(
        f"CAST(coalesce(e.{name}, 0) AS BIGINT) AS {name}"
        for name in ("movie_count", "movie_half_sum", "movie_half_square_sum")
    )
    return f"""
        SELECT m.*, {sums}, e.spread, e.top_ratings FROM {movies} m LEFT JOIN {evidence} e ON m.movieId = e.movieId
        ORDER BY m.movieId"""


def points(events: str, draws: str, person: Sequence[str]) -> str:
    """All rows that a movie's clock must see: every event with weight 1, every drawn choice with weight 0."""
    told = ", ".join(person)
    return f"""
        SELECT userId, movieId, timestamp, half, CAST(1 AS TINYINT) AS weight, CAST(liked AS TINYINT) AS label, fold, {told}
        FROM {events}
        UNION ALL
        SELECT userId, movieId, timestamp, CAST(0 AS TINYINT), CAST(0 AS TINYINT), label, fold, {told} FROM {draws}"""
