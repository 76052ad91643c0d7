"""The two sample sets, every feature as of just before its row.

`liking`  rated rows, label = rating >= 3.5.
`choice`  every interaction is a positive; a few unseen movies, drawn by the fit's popularity**exponent, are its negatives,
          described as of the same moment.

Beyond `samples.max_positives` training rows, the sets begin at the newest of them: what is older counts in every feature, and
its movies are never drawn as negatives, but it becomes no row. `seen.parquet` holds the older (person, movie) pairs of
whoever has newer rows, for those who draw negatives of their own.

Both lie in folders of parts, each a random sample of the set (`Engine.spread`).
"""

from pathlib import Path
from typing import Final

import numpy as np

from sparrow.config import Settings
from sparrow.errors import BuildError
from sparrow.features import queries
from sparrow.features.draws import DrawChoices, Popularity
from sparrow.features.engines import Engine
from sparrow.features.jobs import BY_PERSON, TRAINING_ROWS, Cuts, Fit, time_quantiles
from sparrow.features.movies import SETS, DescribeMovies, MovieSums
from sparrow.features.people import FOREVER, person_fields
from sparrow.schema import Columns

ROWS_PER_PART: Final = 1_000_000
MOST_PARTS: Final = 64


def write_samples(engine: Engine, features: Path, out: Path, fit: Fit, settings: Settings) -> dict[str, int]:
    """Write `liking.parquet` and `choice.parquet` of one fit into `out`.

    In the judging fit every row is described, movie statistics standing still from the cut on, and `split` tells the rows apart;
    choice rows come from its training rows. In the release fit there is no cut.

    Args:
        engine: with the tables `events` and `catalogue`.
        features: the folder that `write_events` filled.
        out: an empty folder.

    Returns:
        Rows by set, and `ratings_left_out`: older ones beyond `samples.max_positives`.
    """
    cuts, favourites = Cuts.load(features / "cuts.json"), settings.features.favourite_genres
    newest_from = _newest_from(engine, cuts.rows(TRAINING_ROWS, fit), settings.samples.max_positives)
    draws, trained = out / "draws.parquet", cuts.rows(TRAINING_ROWS, fit)
    _draw(engine, trained, newest_from, draws, settings)
    if newest_from:
        engine.write(queries.older_pairs("events", trained, newest_from), out / "seen.parquet")
    engine.read(f"draws_{fit}", draws)
    cut = cuts.valid_from if fit == "judging" else FOREVER
    earlier = MovieSums.of(engine.rows(queries.movie_sums("events", f"timestamp < {newest_from}")))
    kernel = DescribeMovies(cut, cuts.valid_from, cuts.test_from, favourites, earlier)
    newest = f"(SELECT * FROM events WHERE timestamp >= {newest_from})"
    [[ratings, kept]] = engine.rows(f"SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM {newest})")
    points = queries.points(newest, f"draws_{fit}", [name for name, _ in person_fields(favourites)])
    parts = min(MOST_PARTS, 1 + kept // ROWS_PER_PART)
    counts = engine.spread(points, Columns.MOVIE, [Columns.TIMESTAMP], kernel, out, SETS, parts)
    return counts | ({"ratings_left_out": ratings - kept} if ratings > kept else {})


def _newest_from(engine: Engine, chosen: str, rows: int) -> int:
    """The second from which on there are about `rows` training rows, a second's rows staying together; 0 if there are no more."""
    table = f"(SELECT * FROM events WHERE {chosen})"
    [[total]] = engine.rows(f"SELECT count(*) FROM {table}")
    if not total:
        raise BuildError("No rating lies before the cut; lower split.valid and split.test or bring more data.")
    return time_quantiles(engine, table, [1 - (rows - 1) / total])[0] if total > rows else 0


def _draw(engine: Engine, chosen: str, newest_from: int, draws: Path, settings: Settings) -> None:
    """Write the (person, movie, moment, label) points of the choice set."""
    samples = settings.samples
    movies, counts = np.array(engine.rows(queries.counts("events", chosen)), dtype=np.int64).reshape(-1, 2).T
    kernel = DrawChoices(
        Popularity.of(movies, counts, samples.exponent), samples.negatives, newest_from, samples.seed,
        settings.features.favourite_genres,
    )  # fmt: skip
    engine.grouped(queries.of_recent_people("events", chosen, newest_from), Columns.USER, BY_PERSON, kernel, draws)


def remove_draws(out: Path) -> None:
    """Drop the points, once described."""
    draws = out / "draws.parquet"
    if draws.is_dir():
        for file in draws.iterdir():
            file.unlink()
        draws.rmdir()
    else:
        draws.unlink()
