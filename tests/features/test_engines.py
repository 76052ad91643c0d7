"""What every engine must do: read files and folders, select, sort, hand whole groups to kernels, spread rows by chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.errors import BuildError
from sparrow.features import spark_session
from sparrow.features.engines import Engine, EngineChoice, open_engine
from tests.features.engines import EVERY_ENGINE, SPARK


@dataclass(frozen=True)
class CountGroups:
    """One row a group: its key, how many rows it had, and the order in which their values came."""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([("k", pa.int64()), ("n", pa.int64()), ("came", pa.list_(pa.int64()))])

    def __call__(self, rows: pa.Table) -> pa.Table:
        keys, values = rows["k"].to_numpy(), rows["v"].to_numpy()
        starts = [*np.flatnonzero(np.diff(keys, prepend=keys[0] - 1)), len(keys)]
        groups = [values[start:end].tolist() for start, end in pairwise(starts)]
        return pa.table([keys[starts[:-1]], [len(one) for one in groups], groups], schema=self.schema)


@dataclass(frozen=True)
class Halves:
    """Rows as they are, in two sets."""

    @property
    def schema(self) -> pa.Schema:
        ids = [(name, pa.int64()) for name in ("userId", "movieId", "timestamp")]
        return pa.schema([*ids, ("sample", pa.string())])

    def __call__(self, rows: pa.Table) -> pa.Table:
        odd = rows["movieId"].to_numpy() % 2
        return rows.append_column("sample", pa.array(np.where(odd, "odd", "even"))).cast(self.schema)


@pytest.fixture(params=EVERY_ENGINE)
def choice(request: pytest.FixtureRequest) -> EngineChoice:
    chosen: EngineChoice = request.param
    if chosen.name == "spark":
        request.getfixturevalue("spark")
    return chosen


@pytest.fixture
def engine(choice: EngineChoice, tmp_path: Path) -> Iterator[Engine]:
    with open_engine(choice, tmp_path / "scratch") as opened:
        yield opened


def numbers(path: Path, rows: int = 1000) -> Path:
    """k = 0 … 36 in no order, v distinct."""
    v = np.random.default_rng(1).permutation(rows)
    pq.write_table(pa.table({"k": v % 37 + 2**40, "v": v}), path)
    return path


def test_groups_come_whole_and_in_the_asked_order(engine: Engine, tmp_path: Path) -> None:
    engine.read("numbers", numbers(tmp_path / "n.parquet"))
    made = engine.grouped("SELECT * FROM numbers", "k", ["v DESC"], CountGroups(), tmp_path / "out.parquet")
    found = sorted(pq.read_table(tmp_path / "out.parquet").to_pylist(), key=lambda row: row["k"])
    assert made == len(found) == 37
    for place, row in enumerate(found):
        assert (row["k"], row["came"]) == (2**40 + place, sorted(range(place, 1000, 37), reverse=True))


def test_no_rows_still_make_a_table_with_every_column(engine: Engine, tmp_path: Path) -> None:
    engine.read("numbers", numbers(tmp_path / "n.parquet"))
    assert engine.grouped("SELECT * FROM numbers WHERE v < 0", "k", ["v"], CountGroups(), tmp_path / "out.parquet") == 0
    assert pq.read_table(tmp_path / "out.parquet").schema.names == ["k", "n", "came"]
    engine.read("again", tmp_path / "out.parquet")
    assert engine.rows("SELECT count(*) FROM again") == [(0,)]


def test_spread_rows_are_all_there_and_each_part_is_a_sample(engine: Engine, tmp_path: Path) -> None:
    ids = np.arange(1, 2001)
    pq.write_table(pa.table({"userId": ids % 50, "movieId": ids, "timestamp": ids}), tmp_path / "n.parquet")
    engine.read("points", tmp_path / "n.parquet")
    counts = engine.spread(
        "SELECT * FROM points", "movieId", ["timestamp"], Halves(), tmp_path / "out", ["even", "odd", "none"], parts=4
    )
    assert counts == {"even": 1000, "odd": 1000, "none": 0}
    assert pq.read_table(tmp_path / "out" / "none.parquet").schema.names == ["userId", "movieId", "timestamp"]
    for name, rest in (("even", 0), ("odd", 1)):
        parts = [
            pq.read_table(part)["movieId"].to_numpy()
            for part in sorted((tmp_path / "out" / f"{name}.parquet").iterdir())
        ]
        assert sorted(np.concatenate(parts).tolist()) == [one for one in ids.tolist() if one % 2 == rest]
        assert len(parts) == 4
        assert all(len(part) > 150 and 800 < part.mean() < 1200 for part in parts)


def test_what_is_written_can_be_read_whether_file_or_folder(engine: Engine, tmp_path: Path) -> None:
    engine.read("numbers", numbers(tmp_path / "n.parquet"))
    assert engine.write("SELECT k, v FROM numbers WHERE v < 10 ORDER BY v", tmp_path / "out.parquet") == 10
    assert pq.read_table(tmp_path / "out.parquet")["v"].to_pylist() == list(range(10))
    engine.read("numbers", tmp_path / "out.parquet")
    assert engine.rows("SELECT count(*), max(v) FROM numbers") == [(10, 9)]


def test_a_missing_table_is_named_with_its_cure(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"movies\.parquet is missing; make it again"):
        engine.read("movies", tmp_path / "movies.parquet")


def test_a_folder_name_that_looks_like_a_pattern_is_read_as_written(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] {2}"
    folder.mkdir()
    engine.read("numbers", numbers(tmp_path / "n.parquet"))
    engine.write("SELECT 7 AS one", folder / "a.parquet")
    engine.read("a", folder / "a.parquet")
    assert engine.rows("SELECT one FROM a") == [(7,)]


def test_a_kernel_that_fails_stops_the_job_and_is_named(choice: EngineChoice, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Fails(CountGroups):
        def __call__(self, rows: pa.Table) -> pa.Table:
            raise ValueError(f"the kernel says no to {rows.num_rows} rows")

    error, words = {
        "duckdb": (ValueError, r"^the kernel says no to \d+ rows$"),
        "spark": (BuildError, r"^A Spark job at 'local\[2\]' failed: ValueError: the kernel says no to \d+ rows\.$"),
    }[choice.name]
    with pytest.raises(error, match=words), open_engine(choice, tmp_path / "scratch") as engine:
        engine.read("numbers", numbers(tmp_path / "n.parquet"))
        engine.grouped("SELECT * FROM numbers", "k", ["v"], Fails(), tmp_path / "out.parquet")


def test_a_machine_without_java_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BuildError, match="needs Java 17 or newer and found none; install one"):
        spark_session.open_session(SPARK.master, tmp_path)
