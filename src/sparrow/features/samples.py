"""The two sample sets, every feature as of just before its row.

`liking`  rated rows, label = rating >= 3.5.
`choice`  every interaction is a positive; a few unseen movies, drawn by the fit's popularity**exponent, are its negatives,
          described as of the same moment.

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
from sparrow.features.movies import SETS, DescribeMovies
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
        Rows by set, and `positives_left_out`: older positives beyond `samples.max_positives`.
    """
    cuts, favourites = Cuts.load(features / "cuts.json"), settings.features.favourite_genres
    draws = out / "draws.parquet"
    left_out = _draw(engine, features, draws, fit, settings)
    engine.read(f"draws_{fit}", draws)
    kernel = DescribeMovies(
        cuts.valid_from if fit == "judging" else FOREVER, cuts.valid_from, cuts.test_from, favourites
    )
    [[events]] = engine.rows("SELECT count(*) FROM events")
    points = queries.points("events", f"draws_{fit}", [name for name, _ in person_fields(favourites)])
    parts = min(MOST_PARTS, 1 + events // ROWS_PER_PART)
    counts = engine.spread(points, Columns.MOVIE, [Columns.TIMESTAMP], kernel, out, SETS, parts)
    return counts | ({"positives_left_out": left_out} if left_out else {})


def _draw(engine: Engine, features: Path, draws: Path, fit: Fit, settings: Settings) -> int:
    """Write the (person, movie, moment, label) points of the choice set; returns how many old positives were left out."""
    samples = settings.samples
    chosen = Cuts.load(features / "cuts.json").rows(TRAINING_ROWS, fit)
    popular = np.array(engine.rows(queries.counts("events", chosen)), dtype=np.int64).reshape(-1, 2)
    if not len(popular):
        raise BuildError("No rating lies before the cut; lower split.valid and split.test or bring more data.")
    movies, counts = popular.T
    table, total = f"(SELECT * FROM events WHERE {chosen})", int(counts.sum())
    newest_from = 0
    if total > samples.max_positives:
        [newest_from] = time_quantiles(engine, table, [1 - (samples.max_positives - 1) / total])
    kernel = DrawChoices(
        Popularity.of(movies, counts, samples.exponent), samples.negatives, newest_from, samples.seed,
        settings.features.favourite_genres,
    )  # fmt: skip
    engine.grouped(f"SELECT * FROM {table}", Columns.USER, BY_PERSON, kernel, draws)
    [[kept]] = engine.rows(f"SELECT count(*) FROM {table} WHERE timestamp >= {newest_from}")
    return total - int(kept)


def remove_draws(out: Path) -> None:
    """Drop the points, once described."""
    draws = out / "draws.parquet"
    if draws.is_dir():
        for file in draws.iterdir():
            file.unlink()
        draws.rmdir()
    else:
        draws.unlink()
