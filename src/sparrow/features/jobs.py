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
from sparrow.features.genres import Genres, write_catalogue
from sparrow.features.movies import SumMovies
from sparrow.features.people import DescribePeople, SumPeople
from sparrow.schema import Columns

Fit = Literal["judging", "release"]
FITS: Final[tuple[Fit, ...]] = ("judging", "release")

KNOWN_ROWS: Final[dict[Fit, str]] = {"judging": "timestamp < {valid_from} AND fold <> 'last'", "release": "1 = 1"}
"""What each fit may know, as a condition on `events`."""

TRAINING_ROWS: Final[dict[Fit, str]] = {"judging": "timestamp < {valid_from} AND fold = 'fit'", "release": "1 = 1"}
"""What each fit's id models learn from; judging holds `stop` rows back to stop early."""

TOP_RATINGS: Final = 10
"""Best ratings of a movie that are kept to be shown."""

BY_PERSON: Final = (Columns.TIMESTAMP, Columns.MOVIE)
BY_LIKING: Final = ("half DESC", f"{Columns.TIMESTAMP} DESC", Columns.USER)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Seconds, UTC: valid rows start at `valid_from`, test rows at `test_from`."""

    valid_from: int
    test_from: int

    def rows(self, conditions: dict[Fit, str], fit: Fit) -> str:
        """A condition of `KNOWN_ROWS` or `TRAINING_ROWS` with these cuts."""
        return conditions[fit].format(valid_from=self.valid_from)

    def save(self, path: Path) -> None:
        """Write the cuts as JSON."""
        path.write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Cuts":
        """Read what `save` wrote."""
        return cls(**orjson.loads(path.read_bytes()))


def write_events(engine: Engine, data: Path, out: Path, settings: Settings) -> int:
    """Write `events.parquet` (every rating with its person as of just before it), `cuts.json` and the catalogue's facts.

    Args:
        engine: where the work is done; gets the tables `events` and `catalogue`.
        data: folder with `ratings.parquet` and `movies.parquet`.
        out: where the files go.
        settings: the shares of validation and test rows; how many favourite genres a person has.

    Returns:
        How many events there are.
    """
    genres = write_catalogue(data / "movies.parquet", out)
    engine.read("ratings", data / "ratings.parquet")
    engine.read("catalogue", out / "catalogue.parquet")
    cuts = _cuts(engine, settings)
    cuts.save(out / "cuts.json")
    kernel = DescribePeople(genres, settings.features.favourite_genres, cuts.valid_from)
    rows = engine.grouped(
        queries.rated("ratings", "catalogue"), Columns.USER, BY_PERSON, kernel, out / "events.parquet"
    )
    read_events(engine, out)
    return rows


def read_events(engine: Engine, features: Path) -> None:
    """Make the tables `events` and `catalogue` known from the folder that `write_events` filled."""
    engine.read("events", features / "events.parquet")
    engine.read("catalogue", features / "catalogue.parquet")


def _cuts(engine: Engine, settings: Settings) -> Cuts:
    shares = [1 - settings.split.valid - settings.split.test, 1 - settings.split.test]
    if shares[0] <= 0:
        raise BuildError(
            f"split.valid + split.test leave {shares[0]:.0%} of the rows for training; lower them below 1."
        )
    known = "(SELECT r.timestamp FROM ratings r JOIN catalogue c ON r.movieId = c.movieId)"
    [valid_from, test_from] = time_quantiles(engine, known, shares)
    return Cuts(valid_from, test_from)


def time_quantiles(engine: Engine, table: str, shares: list[float]) -> list[int]:
    """For each share the second at which that share of the rows has passed: the ceil(share * n)-th smallest timestamp.

    Exact, and by counts a day and then a second, which any engine gives alike and which never bring many rows here.

    Raises:
        BuildError: the table is empty.
    """
    by_day = engine.rows(queries.days(table))
    total = sum(n for _, n in by_day)
    if not total:
        raise BuildError("The data holds no rating of a movie in its catalogue; check it with `sparrow data check`.")
    found = []
    for share in shares:
        wanted = max(1, _ceil(share * total))
        day, before = _reach(by_day, wanted, 0)
        found.append(_reach(engine.rows(queries.seconds(table, day)), wanted, before)[0])
    return found


def _ceil(value: float) -> int:
    """Shares such as 1 - .1 - .1 are off in the last bit; a billionth of a row is not a row."""
    return int(-(-(value - 1e-9) // 1))


def _reach(counted: list[tuple[int, int]], wanted: int, passed: int) -> tuple[int, int]:
    """The first key at which `wanted` rows have passed, and how many had passed before it."""
    for key, n in counted:
        if passed + n >= wanted:
            return key, passed
        passed += n
    return counted[-1][0], passed


def write_features(engine: Engine, features: Path, fit: Fit, settings: Settings) -> dict[str, int]:
    """Write what one fit knows into `features/{fit}`: `known.parquet` (its events), `movies.parquet`, `users.parquet`.

    Args:
        engine: with the tables `events`, `catalogue` and `movies`.
        features: the folder that `write_events` filled.

    Returns:
        Rows by file.
    """
    out, cuts, genres = features / fit, Cuts.load(features / "cuts.json"), Genres.load(features / "genres.json")
    condition = cuts.rows(KNOWN_ROWS, fit)
    known = queries.known("events", condition, "catalogue")
    people = SumPeople(genres, settings.features.favourite_genres)
    narrow = f"SELECT userId, movieId, timestamp, half, liked FROM events WHERE {condition}"
    written = {
        "known": engine.write(f"{narrow} ORDER BY userId, timestamp, movieId", out / "known.parquet"),
        "users": engine.grouped(known, Columns.USER, BY_PERSON, people, out / "users.parquet"),
    }
    engine.grouped(
        f"SELECT movieId, half, timestamp, userId FROM ({narrow})", Columns.MOVIE, BY_LIKING, SumMovies(TOP_RATINGS),
        out / "evidence.parquet",
    )  # fmt: skip
    engine.read(f"evidence_{fit}", out / "evidence.parquet")
    written["movies"] = engine.write(queries.with_evidence("movies", f"evidence_{fit}"), out / "movies.parquet")
    return written
