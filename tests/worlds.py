"""Worlds with a known answer, for the tests of every room.

- `checkerboard`     even people like even movies, odd people odd ones: any recommender worth its name finds it
- `random_world`     small and MovieLens-shaped, and awkward: ties in time, gaps, people of a single rating
- `write_movielens`  a world as the official CSV files, the way GroupLens publishes them
- `write_canonical`  a world as the Parquet files that `sparrow.datasets.import_dataset` writes
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparrow.schema import NO_GENRES, Columns, Movie, MovieId, Rating, UserId

START = 1_000_000_000
"""The first second of every world (September 2001, UTC)."""

GENRES = ("Action", "Animation", "Children", "Comedy", "Drama", "Film-Noir", "Horror", "Musical", "Sci-Fi", "Western")


@dataclass(frozen=True, slots=True)
class Tag:
    """Free words that one person gave one movie; `timestamp` in seconds, UTC."""

    user_id: UserId
    movie_id: MovieId
    tag: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class World:
    """Ratings in file order, the catalogue by movie id, and tags (possibly none)."""

    ratings: tuple[Rating, ...]
    movies: tuple[Movie, ...]
    tags: tuple[Tag, ...] = ()

    def rated_by(self, user_id: int) -> set[int]:
        """The movies one person has rated."""
        return {rating.movie_id for rating in self.ratings if rating.user_id == user_id}


def checkerboard(users: int = 60, movies: int = 40, liked: int = 12, disliked: int = 2, seed: int = 1) -> World:
    """People 1..users, movies 1..movies; a person likes (5.0) movies of the own parity and dislikes (1.0) the others.

    Every person leaves `movies // 2 - liked` movies of the own parity unrated (8 by default): the right answer to
    "recommended for you". Even movies are comedies, odd ones horror. People take turns, one rating a minute, so that
    every cut in time has all of them on both sides. Deterministic by `seed`.

    Args:
        liked: movies of the own parity each person rates, below movies // 2.
        disliked: movies of the other parity each person rates.
    """
    chance = np.random.default_rng(seed)
    turns = [_taste(user, movies, liked, disliked, chance) for user in range(1, users + 1)]
    rounds = ((user, *turns[user - 1][turn]) for turn in range(liked + disliked) for user in range(1, users + 1))
    return World(
        ratings=tuple(_rating(user, movie, stars, START + 60 * at) for at, (user, movie, stars) in enumerate(rounds)),
        movies=tuple(
            _movie(movie, f"Square {movie}", 1980 + movie % 30, ("Horror",) if movie % 2 else ("Comedy",))
            for movie in range(1, movies + 1)
        ),
    )


def random_world(users: int = 30, movies: int = 50, seed: int = 1) -> World:
    """A small world shaped like MovieLens: long-tailed, in file order by (person, movie), awkward on purpose.

    A third of the rows share their second with another row of the same person; every fifth person has a single rating;
    the last three movies are unrated; some movies have no year, no genres or no links; ids have gaps (they are
    multiples of 3 for movies, of 7 for people) and the largest movie id is beyond 2**31. Deterministic by `seed`.
    """
    chance = np.random.default_rng(seed)
    catalogue = [_random_movie(3 * number, chance) for number in range(1, movies)]
    catalogue.append(_movie(2**40, "Far, Far Away", 2020, ("Drama",)))
    rated = [movie.movie_id for movie in (*catalogue[:-4], catalogue[-1])]
    weights = 1 / np.arange(1, len(rated) + 1)
    ratings: list[Rating] = []
    for number in range(1, users + 1):
        count = 1 if number % 5 == 0 else int(chance.integers(2, min(25, len(rated))))
        seen = sorted(chance.choice(rated, size=count, replace=False, p=weights / weights.sum()).tolist())
        ratings += _session(7 * number, seen, chance)
    tags = (Tag(UserId(7), catalogue[0].movie_id, 'a, "quoted" tag', START + 5),)
    return World(tuple(ratings), tuple(catalogue), tags)


def write_movielens(folder: Path, ratings: Iterable[Rating], movies: Sequence[Movie], tags: Iterable[Tag] = ()) -> Path:
    """Write the four official CSV files as GroupLens does (CRLF, the year in the title); gives `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(
        folder / "ratings.csv",
        (Columns.USER, Columns.MOVIE, Columns.RATING, Columns.TIMESTAMP),
        ((row.user_id, row.movie_id, row.score, row.timestamp) for row in ratings),
    )
    _write_csv(
        folder / "movies.csv",
        (Columns.MOVIE, Columns.TITLE, Columns.GENRES),
        ((movie.movie_id, _dated_title(movie), "|".join(movie.genres) or NO_GENRES) for movie in movies),
    )
    _write_csv(
        folder / "links.csv",
        (Columns.MOVIE, Columns.IMDB, Columns.TMDB),
        ((movie.movie_id, movie.imdb_id, movie.tmdb_id) for movie in movies),
    )
    _write_csv(
        folder / "tags.csv",
        (Columns.USER, Columns.MOVIE, Columns.TAG, Columns.TIMESTAMP),
        ((tag.user_id, tag.movie_id, tag.tag, tag.timestamp) for tag in tags),
    )
    return folder


def write_canonical(folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], tags: Sequence[Tag] = ()) -> Path:
    """Write ratings.parquet, movies.parquet and tags.parquet with the importer's own schemas; gives `folder`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sparrow.datasets.canonical import MOVIES_SCHEMA, RATINGS_SCHEMA, TAGS_SCHEMA

    folder.mkdir(parents=True, exist_ok=True)
    rated = [(row.user_id, row.movie_id, row.score, row.timestamp, at) for at, row in enumerate(ratings)]
    known = [(m.movie_id, m.title, m.release_year, list(m.genres), m.imdb_id, m.tmdb_id) for m in movies]
    tagged = [(tag.user_id, tag.movie_id, tag.tag, tag.timestamp) for tag in tags]
    for name, rows, schema in (
        ("ratings", rated, RATINGS_SCHEMA),
        ("movies", known, MOVIES_SCHEMA),
        ("tags", tagged, TAGS_SCHEMA),
    ):
        table = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def _taste(user: int, movies: int, liked: int, disliked: int, chance: np.random.Generator) -> list[tuple[int, float]]:
    own = [movie for movie in range(1, movies + 1) if movie % 2 == user % 2]
    other = [movie for movie in range(1, movies + 1) if movie % 2 != user % 2]
    rows = [(int(movie), 5.0) for movie in chance.choice(own, size=liked, replace=False)]
    rows += [(int(movie), 1.0) for movie in chance.choice(other, size=disliked, replace=False)]
    return [rows[at] for at in chance.permutation(len(rows))]


def _session(user: int, seen: Sequence[int], chance: np.random.Generator) -> list[Rating]:
    """Ratings of one person whose seconds often coincide."""
    start = START + int(chance.integers(0, 10_000_000))
    seconds = start + np.cumsum(chance.choice([0, 1, 40, 86_400], size=len(seen), p=[0.4, 0.2, 0.3, 0.1]))
    stars = chance.integers(1, 11, size=len(seen)) / 2
    return [_rating(user, movie, float(stars[at]), int(seconds[at])) for at, movie in enumerate(seen)]


def _random_movie(movie_id: int, chance: np.random.Generator) -> Movie:
    kinds = chance.choice(GENRES, size=int(chance.integers(0, 4)), replace=False).tolist()
    year = 0 if chance.random() < 0.1 else int(chance.integers(1930, 2020))
    links = ("", "") if chance.random() < 0.2 else (f"{movie_id:07d}", str(movie_id * 11))
    return _movie(movie_id, f'Movie, The ({movie_id}) "É"', year, tuple(sorted(kinds)), *links)


def _movie(movie_id: int, title: str, year: int, genres: tuple[str, ...], imdb: str = "", tmdb: str = "") -> Movie:
    return Movie(MovieId(movie_id), title, year, genres, imdb, tmdb)


def _rating(user: int, movie: int, stars: float, timestamp: int) -> Rating:
    return Rating(UserId(user), MovieId(movie), stars, timestamp)


def _dated_title(movie: Movie) -> str:
    return f"{movie.title} ({movie.release_year})" if movie.release_year else movie.title


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
