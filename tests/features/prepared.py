"""Feature jobs over small worlds, and their rows as plain dicts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sparrow.config import Features, Samples, Settings, Split
from sparrow.features import queries
from sparrow.features.definitions import MOVIE_FINISHED, MOVIE_SUMS, USER_FINISHED, USER_LISTS, USER_SUMS, finish
from sparrow.features.encoding import PAD_ID
from sparrow.features.engines import Engine
from sparrow.features.engines.duckdb_engine import DuckDBEngine
from sparrow.features.genres import Genres
from sparrow.features.histories import COUNTS, Histories
from sparrow.features.inputs import HISTORY as LIKES
from sparrow.features.jobs import Cuts, Fit, write_events, write_features
from sparrow.features.movies import SETS, DescribeMovies, MovieSums
from sparrow.features.people import favourite_columns, person_fields
from sparrow.features.samples import write_samples
from sparrow.schema import Columns, Movie, Rating
from tests.features.reference import FAVOURITES, HISTORY
from tests.worlds import write_canonical

SETTINGS = Settings(
    split=Split(valid=0.1, test=0.1),
    features=Features(history_length=HISTORY, favourite_genres=FAVOURITES),
    samples=Samples(negatives=4, exponent=0.75, seed=1),
)
FEATURES = (*MOVIE_SUMS, *MOVIE_FINISHED, *USER_SUMS, *USER_FINISHED, *USER_LISTS)

Row = dict[str, Any]
Key = tuple[int, int, int]
"""userId, movieId, timestamp."""


def rows(parquet: Path) -> list[Row]:
    """A whole table."""
    return list(pq.read_table(parquet).to_pylist())


def events(features: Path) -> list[Row]:
    """Every event with its `split` and its person's history as of just before it."""
    cuts = Cuts.load(features / "cuts.json")
    found = sorted(rows(features / "events.parquet"), key=lambda row: (row["userId"], row["timestamp"], row["movieId"]))
    asked = {key: np.array([row[key] for row in found], dtype=np.int64) for key in (Columns.USER, *COUNTS)}
    lists = Histories.of([pq.read_table(features / "events.parquet")])
    for row, history in zip(found, lists.before(LIKES, asked, HISTORY), strict=True):
        row["history"] = history[history != PAD_ID].tolist()
        row["split"] = (
            "train" if row["timestamp"] < cuts.valid_from else "valid" if row["timestamp"] < cuts.test_from else "test"
        )
    return found


def with_lists(sample: Sequence[Row], features: Path) -> list[Row]:
    """Sample rows with their means and deviations, their person's history, and favourite genres by name."""
    means = finish({name: np.array([row[name] for row in sample]) for name in (*MOVIE_SUMS, *USER_SUMS)})
    names = Genres.load(features / "genres.json").names
    known = {(row["userId"], row["timestamp"]): row["history"] for row in events(features)}
    for place, row in enumerate(sample):
        row.update({name: float(values[place]) for name, values in means.items()})
        codes = (row[column] for column in favourite_columns(FAVOURITES))
        row["favourite_genres"] = [names[code - 1] for code in codes if code]
        row["history"] = known[row["userId"], row["timestamp"]]
    return list(sample)


@contextmanager
def engine_with_events(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], settings: Settings = SETTINGS
) -> Iterator[Engine]:
    """An engine that holds the tables `movies`, `catalogue` and `events` of a world."""
    write_canonical(folder, ratings, movies)
    with DuckDBEngine(folder / "scratch", memory="1GB") as engine:
        engine.read("movies", folder / "movies.parquet")
        write_events(engine, folder, folder, settings)
        yield engine


def write_fit(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], fit: Fit, settings: Settings = SETTINGS
) -> Cuts:
    """Both jobs of one fit, all files into `folder / fit`."""
    with engine_with_events(folder, ratings, movies, settings) as engine:
        (folder / fit).mkdir()
        write_features(engine, folder, fit, settings)
        write_samples(engine, folder, folder / fit, fit, settings)
    return Cuts.load(folder / "cuts.json")


def described(
    folder: Path, ratings: Sequence[Rating], movies: Sequence[Movie], cut: int, until: int
) -> Mapping[Key, Row]:
    """Features of every movie at every (person, second) that has a rating up to `until`: rated or not, as negatives are."""
    with engine_with_events(folder, ratings, movies) as engine:
        person = [name for name, _ in person_fields(FAVOURITES)]
        asked = f"""SELECT DISTINCT e.userId, c.movieId, e.timestamp, CAST(0 AS TINYINT) AS label, 'fit' AS fold,
                           {", ".join(f"e.{name}" for name in person)}
                    FROM events e CROSS JOIN catalogue c WHERE e.timestamp <= {until}"""
        engine.write(asked, folder / "asked.parquet")
        engine.read("asked", folder / "asked.parquet")
        kernel = DescribeMovies(cut, cut, cut, FAVOURITES, MovieSums.of([]))
        engine.spread(
            queries.points("events", "asked", person),
            Columns.MOVIE,
            [Columns.TIMESTAMP],
            kernel,
            folder / "out",
            SETS,
            parts=1,
        )
    found = with_lists(rows(folder / "out" / "choice.parquet"), folder)
    return {(row["userId"], row["movieId"], row["timestamp"]): {name: row[name] for name in FEATURES} for row in found}


def agree(row: Row, expected: Row) -> None:
    """Every expected feature is in the row: sums and lists exactly, floats to 1e-12."""
    for name, value in expected.items():
        if isinstance(value, float):
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name
        else:
            assert row[name] == value, name
