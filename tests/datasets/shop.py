"""A little shop with ids of its own: the checkerboard's movies and people under names that hurt."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sparrow.schema import MAX_ID
from tests.worlds import World, checkerboard

HOSTILE = ("a/b", 'say "hi"', "it's, 5", "東京 <b>", "..", "../x", "0", "007", str(2**63), "%2F", "x.jpg", str(MAX_ID))
"""Ids of the first items, in order; the others are called "sku-13" and so on."""


def sku(movie: int) -> str:
    """The shop's name of a movie of the checkerboard."""
    return HOSTILE[movie - 1] if movie <= len(HOSTILE) else f"sku-{movie}"


def member(user: int) -> str:
    """The shop's name of a person."""
    return f"mem/ber {user}" if user % 3 else f"é-{user}"


def shop_world() -> World:
    """The checkerboard, as `write_shop` writes it."""
    return checkerboard(users=40, movies=40)


def write_shop(folder: Path, world: World) -> tuple[Path, Path]:
    """items.csv and clicks.csv: the movies, and what was liked, without ratings, with ISO times."""
    folder.mkdir(parents=True, exist_ok=True)
    items = [
        (sku(movie.movie_id), movie.title, movie.release_year, "|".join(movie.genres), 10.0 + movie.movie_id % 7)
        for movie in world.movies
    ]
    clicks = [
        (member(rating.user_id), sku(rating.movie_id), datetime.fromtimestamp(rating.timestamp, UTC).isoformat())
        for rating in world.ratings
        if rating.score > 4
    ]
    return (
        write_csv(folder / "items.csv", ("sku", "name", "year", "category", "price"), items),
        write_csv(folder / "clicks.csv", ("customer_id", "sku", "time"), clicks),
    )


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """One CSV file in UTF-8; gives `path`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
