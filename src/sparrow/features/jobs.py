"""The feature jobs: events with their cuts in time, and what each fit may know of movies and people.

The *judging* fit sees only rows before the cut, less each person's `last` rows; it exists to be measured. The *release* fit
repeats it with the same settings on all rows; only that is published.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import orjson

from sparrow.config import Settings
from sparrow.errors import BuildError
from sparrow.features import queries
from sparrow.features.engines import Engine

Fit = Literal["judging", "release"]
FITS: Final[tuple[Fit, ...]] = ("judging", "release")

KNOWN_ROWS: Final[dict[Fit, str]] = {"judging": "split = 'train' AND fold <> 'last'", "release": "true"}
"""What each fit may know, as a condition on `events`."""

TRAINING_ROWS: Final[dict[Fit, str]] = {"judging": "split = 'train' AND fold = 'fit'", "release": "true"}
"""What each fit's id models learn from; judging holds `stop` rows back to stop early."""

MAX_GENRES: Final = 32
"""Genres that get a sum of their own; rarer ones beyond stay in the catalogue only."""

TOP_RATINGS: Final = 10
"""Best ratings of a movie that are kept to be shown."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Seconds, UTC: valid rows start at `valid_from`, test rows at `test_from`."""

    valid_from: int
    test_from: int

    def save(self, path: Path) -> None:
        """Write the cuts as JSON."""
        path.write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Cuts":
        """Read what `save` wrote."""
        return cls(**orjson.loads(path.read_bytes()))


def write_events(engine: Engine, data: Path, out: Path, settings: Settings) -> int:
    """Write `events.parquet` (ratings in exact units, with `split` and `fold`) and `cuts.json`; returns the rows.

    Args:
        engine: where the SQL runs; gets the tables `movies` and `events`.
        data: folder with `ratings.parquet` and `movies.parquet`.
        out: where the files go.
        settings: the shares of validation and test rows.
    """
    engine.read("ratings", data / "ratings.parquet")
    engine.read("movies", data / "movies.parquet")
    engine.create("unsplit", queries.events("ratings", "movies"))
    cuts = _cuts(engine, settings)
    cuts.save(out / "cuts.json")
    rows = engine.write(queries.split("unsplit", cuts.valid_from, cuts.test_from), out / "events.parquet")
    engine.read("events", out / "events.parquet")
    return rows


def _cuts(engine: Engine, settings: Settings) -> Cuts:
    shares = [1 - settings.split.valid - settings.split.test, 1 - settings.split.test]
    if shares[0] <= 0:
        raise BuildError(
            f"split.valid + split.test leave {shares[0]:.0%} of the rows for training; lower them below 1."
        )
    [(at,)] = engine.rows(f"SELECT quantile_disc(timestamp, {shares}) FROM unsplit")
    if at is None:
        raise BuildError("The data holds no rating of a movie in its catalogue; check it with `sparrow data check`.")
    return Cuts(valid_from=int(at[0]), test_from=int(at[1]))


def write_features(engine: Engine, out: Path, fit: Fit, settings: Settings) -> dict[str, int]:
    """Write what one fit knows: `known.parquet` (its events), `movies.parquet`, `users.parquet`. Returns rows by file."""
    known = f"known_{fit}"
    engine.create(known, f"SELECT * FROM events WHERE {KNOWN_ROWS[fit]}")
    totals = queries.user_totals(
        known, genre_vocabulary(engine), settings.features.history_length, settings.features.favourite_genres
    )
    written = {
        "known": f"SELECT userId, movieId, timestamp, half, liked, split, fold FROM {known} ORDER BY userId, timestamp, movieId",
        "movies": queries.movie_evidence(known, "movies", TOP_RATINGS),
        "users": queries.user_ratings(known, totals),
    }
    return {name: engine.write(sql, out / f"{name}.parquet") for name, sql in written.items()}


def genre_vocabulary(engine: Engine) -> list[str]:
    """The `MAX_GENRES` most frequent genre names of the table `movies`, most frequent first, ties by name."""
    found = engine.rows(
        "SELECT g, count(*) AS n FROM (SELECT unnest(genres) AS g FROM movies) GROUP BY g ORDER BY n DESC, g"
    )
    return [genre for genre, _ in found[:MAX_GENRES]]
