"""Feature jobs over small worlds, and their rows as plain dicts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sparrow.config import Features, Samples, Settings, Split
from sparrow.features import queries
from sparrow.features.definitions import MOVIE_FINISHED, MOVIE_STATIC, MOVIE_SUMS, USER_FINISHED, USER_LISTS, USER_SUMS
from sparrow.features.engines import DuckDBEngine
from sparrow.features.jobs import Cuts, Fit, genre_vocabulary, write_events, write_features
from sparrow.features.samples import describe_people, write_samples
from sparrow.schema import Movie, Rating
from tests.features.reference import FAVOURITES, HISTORY
from tests.worlds import write_canonical

SETTINGS = Settings(
    split=Split(valid=0.1, test=0.1),
    features=Features(history_length=HISTORY, favourite_genres=FAVOURITES),
    samples=Samples(negatives=4, exponent=0.75, seed=1),
)
FEATURES = (*MOVIE_STATIC, *MOVIE_SUMS, *MOVIE_FINISHED, *USER_SUMS, *USER_FINISHED, *USER_LISTS)

Row = dict[str, Any]
Key = tuple[int, int, int]
"""userId, movieId, timestamp."""


def rows(parquet: Path) -> list[Row]:
    """A whole Parquet file."""
    return list(pq.read_table(parquet).to_pylist())


@contextmanager
def engine_with_events(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], settings: Settings = SETTINGS
) -> Iterator[DuckDBEngine]:
    """An engine that holds the tables `movies` and `events` of a world."""
    write_canonical(folder, ratings, movies)
    with DuckDBEngine(folder / "scratch", memory="1GB") as engine:
        write_events(engine, folder, folder, settings)
        yield engine


def write_fit(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], fit: Fit, settings: Settings = SETTINGS
) -> Cuts:
    """Both jobs of one fit, all files into `folder`."""
    with engine_with_events(folder, ratings, movies, settings) as engine:
        cuts = Cuts.load(folder / "cuts.json")
        write_features(engine, folder, fit, settings)
        describe_people(engine, settings)
        write_samples(engine, folder, fit, cuts, settings)
    return cuts


def described(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], cut: int, until: int
) -> Mapping[Key, Row]:
    """Features of every movie at every (person, second) that has a rating up to `until`: rated or not, as negatives are."""
    with engine_with_events(folder, ratings, movies) as engine:
        history, favourites = SETTINGS.features.history_length, SETTINGS.features.favourite_genres
        moments = f"(SELECT DISTINCT userId, timestamp FROM events WHERE timestamp <= {until})"
        points = f"(SELECT e.userId, m.movieId, e.timestamp FROM {moments} e CROSS JOIN movies m)"
        engine.create("mb", queries.movies_before("events", points, cut))
        engine.create("ub", queries.users_before("events", genre_vocabulary(engine), history, favourites))
        engine.write(queries.describe(points, "movies", "mb", "ub", cut), folder / "described.parquet")
    return {
        (row["userId"], row["movieId"], row["timestamp"]): {name: row[name] for name in FEATURES}
        for row in rows(folder / "described.parquet")
    }


def agree(row: Row, expected: Row) -> None:
    """Every expected feature is in the row: sums and lists exactly, floats to 1e-12."""
    for name, value in expected.items():
        if isinstance(value, float):
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name
        else:
            assert row[name] == value, name
