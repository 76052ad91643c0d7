"""One world in every layout that GroupLens publishes, written byte for byte the way each release is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparrow.datasets.movielens import OCCUPATIONS
from sparrow.datasets.movielens_100k import GENRES
from sparrow.schema import NO_GENRES, Movie, Rating
from tests.worlds import Tag, World, write_movielens


@dataclass(frozen=True)
class Person:
    """A line of `users.dat` or `u.user`; the age is one that ml-1m knows."""

    user_id: int
    age: int
    gender: str
    occupation: str
    zip_code: str


PEOPLE = (
    Person(7, 25, "F", "writer", "02134"),
    Person(14, 56, "M", "K-12 student", "V0R2M"),
    Person(99_999, 1, "M", "other", "90210"),
)
"""The last has rated nothing."""


def _dated(movie: Movie) -> str:
    return f"{movie.title} ({movie.release_year})" if movie.release_year else movie.title


def _write(path: Path, separator: str, rows: Sequence[Sequence[object]], encoding: str) -> None:
    text = "".join(separator.join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(text.encode(encoding))


def _ratings(ratings: Sequence[Rating]) -> list[tuple[object, ...]]:
    return [(row.user_id, row.movie_id, f"{row.score:g}", row.timestamp) for row in ratings]


def write_latest(folder: Path, world: World, people: Sequence[Person] = ()) -> Path:
    """ml-20m, ml-25m, ml-32m, ml-latest, ml-latest-small."""
    return write_movielens(folder, world.ratings, world.movies, world.tags)


def write_10m(folder: Path, world: World, people: Sequence[Person] = ()) -> Path:
    """`::` and UTF-8, with tags."""
    _write_colons(folder, world, "utf-8")
    tags = [(tag.user_id, tag.movie_id, tag.tag, tag.timestamp) for tag in world.tags]
    _write(folder / "tags.dat", "::", tags, "utf-8")
    return folder


def write_1m(folder: Path, world: World, people: Sequence[Person] = PEOPLE) -> Path:
    """`::` and Latin-1, with people whose occupation is a number."""
    _write_colons(folder, world, "latin-1")
    rows = [(p.user_id, p.gender, p.age, OCCUPATIONS.index(p.occupation), p.zip_code) for p in people]
    _write(folder / "users.dat", "::", rows, "latin-1")
    return folder


def write_100k(folder: Path, world: World, people: Sequence[Person] = PEOPLE) -> Path:
    """Tabs, `|` and Latin-1; genres are flags."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "u.data", "\t", _ratings(world.ratings), "latin-1")
    _write(folder / "u.item", "|", [_item(movie) for movie in world.movies], "latin-1")
    rows = [(p.user_id, p.age, p.gender, p.occupation, p.zip_code) for p in people]
    _write(folder / "u.user", "|", rows, "latin-1")
    return folder


def _item(movie: Movie) -> tuple[object, ...]:
    released = f"01-Jan-{movie.release_year}" if movie.release_year else ""
    flags = [int(genre in movie.genres) for genre in GENRES]
    return (
        movie.movie_id,
        _dated(movie),
        released,
        "",
        "http://us.imdb.com/M/title-exact",
        int(not any(flags)),
        *flags,
    )


def _write_colons(folder: Path, world: World, encoding: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    movies = [(m.movie_id, _dated(m), "|".join(m.genres) or NO_GENRES) for m in world.movies]
    _write(folder / "ratings.dat", "::", _ratings(world.ratings), encoding)
    _write(folder / "movies.dat", "::", movies, encoding)


@dataclass(frozen=True)
class Laid:
    """A layout under test: how it is written, its files, its separator, and the line of its first row."""

    write: Callable[..., Path]
    ratings: str
    movies: str
    separator: str
    first_line: int
    encoding: str


LAYOUTS = {
    "ml-latest": Laid(write_latest, "ratings.csv", "movies.csv", ",", 2, "utf-8"),
    "ml-10m": Laid(write_10m, "ratings.dat", "movies.dat", "::", 1, "utf-8"),
    "ml-1m": Laid(write_1m, "ratings.dat", "movies.dat", "::", 1, "latin-1"),
    "ml-100k": Laid(write_100k, "u.data", "u.item", "\t", 1, "latin-1"),
}

SHARED_GENRES = ("Action", "Animation", "Comedy", "Drama", "Film-Noir", "Horror", "Musical", "Sci-Fi", "Western")
"""Genres of `tests.worlds` that all releases spell alike, in the order of ml-100k's flags."""


def in_common(world: World) -> World:
    """What every layout can tell of a world: no ids elsewhere, genres that all of them know."""
    movies = tuple(
        Movie(m.movie_id, m.title, m.release_year, tuple(g for g in SHARED_GENRES if g in m.genres))
        for m in world.movies
    )
    return World(world.ratings, movies, world.tags)


__all__ = [
    "LAYOUTS",
    "PEOPLE",
    "Laid",
    "Person",
    "Tag",
    "in_common",
    "write_1m",
    "write_10m",
    "write_100k",
    "write_latest",
]
