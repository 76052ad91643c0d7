"""DuckDB and Spark give the same rows: ids, counts and sums exactly, floats to the last bit, since one kernel makes them."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sparrow.config import Samples
from sparrow.datasets import import_dataset
from sparrow.features.engines import EngineChoice, open_engine
from sparrow.features.jobs import FITS, write_events, write_features
from sparrow.features.samples import write_samples
from sparrow.schema import Movie, MovieId, Rating, UserId
from tests.features.engines import DUCKDB, SPARK
from tests.features.prepared import SETTINGS
from tests.worlds import random_world, write_canonical

pytestmark = [pytest.mark.needs("java"), pytest.mark.slow, pytest.mark.usefixtures("spark")]


def awkward_world(folder: Path) -> None:
    """Ties within and between people, people and movies with one rating, an unrated movie, no year, no genre, extreme ids."""
    world = random_world(users=40, seed=9)
    lonely = tuple(Rating(UserId(10**6 + at), MovieId(2**62 + at), 0.5 + at / 2, 10 * at) for at in range(9))
    movies = tuple(Movie(MovieId(2**62 + at), f"M{at}", 0, ()) for at in range(10))
    write_canonical(folder, (*world.ratings, *lonely), (*world.movies, *movies))


def builtin(folder: Path) -> None:
    import_dataset("builtin", folder)


def everything(choice: EngineChoice, data: Path, out: Path, samples: Samples) -> dict[str, list[str]]:
    """All files of both fits, each as its sorted rows."""
    out.mkdir()
    settings = SETTINGS.model_copy(update={"samples": samples})
    with open_engine(choice, out / "scratch") as engine:
        write_events(engine, data, out, settings)
        engine.read("movies", data / "movies.parquet")
        for fit in FITS:
            (out / fit / "samples").mkdir(parents=True)
            write_features(engine, out, fit, settings)
            write_samples(engine, out, out / fit / "samples", fit, settings)
    files = [
        "events",
        *(f"{fit}/{name}" for fit in FITS for name in ("known", "movies", "users", "samples/liking", "samples/choice")),
    ]
    files += [f"{fit}/samples/seen" for fit in FITS if (out / fit / "samples" / "seen.parquet").exists()]
    return {name: sorted(map(repr, pq.read_table(out / f"{name}.parquet").to_pylist())) for name in files}


EVERY_ROW = Samples(negatives=2)
NEWEST = Samples(negatives=2, max_positives=150)


@pytest.mark.parametrize(
    ("world", "samples"), [(awkward_world, EVERY_ROW), (awkward_world, NEWEST), (builtin, EVERY_ROW)]
)
def test_both_engines_give_the_same_rows(world: Callable[[Path], None], samples: Samples, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    world(tmp_path / "data")
    expected = everything(DUCKDB, tmp_path / "data", tmp_path / "duckdb", samples)
    found = everything(SPARK, tmp_path / "data", tmp_path / "spark", samples)
    assert (tmp_path / "duckdb" / "cuts.json").read_bytes() == (tmp_path / "spark" / "cuts.json").read_bytes()
    for name, rows in expected.items():
        assert len(rows) > 0
        assert found[name] == rows, name
