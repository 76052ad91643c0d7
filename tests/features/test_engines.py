"""The engine: every batch is finished, empty results keep their columns, a missing table is named."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sparrow.errors import BuildError
from sparrow.features.engines import BATCH_ROWS, DuckDBEngine

SUMS = "CAST(i % 7 AS BIGINT) AS movie_count, CAST(i AS BIGINT) AS movie_half_sum, CAST(i * i AS BIGINT) AS movie_half_square_sum"


def test_every_batch_is_finished_and_keeps_its_order(tmp_path: Path) -> None:
    count = 2 * BATCH_ROWS + 5
    with DuckDBEngine(tmp_path / "scratch") as engine:
        assert engine.write(f"SELECT i, {SUMS} FROM range({count}) r(i) ORDER BY i", tmp_path / "out.parquet") == count
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == count
    assert table["i"].to_pylist() == list(range(count))
    for at in (0, 1, BATCH_ROWS, count - 1):
        expected = at / (at % 7) / 2 if at % 7 else 0.0
        assert table["movie_mean"][at].as_py() == pytest.approx(expected)


def test_no_rows_still_make_a_file_with_every_column(tmp_path: Path) -> None:
    with DuckDBEngine(tmp_path / "scratch") as engine:
        assert engine.write(f"SELECT i, {SUMS} FROM range(0) r(i)", tmp_path / "out.parquet") == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 0
    assert {"i", "movie_count", "movie_mean", "movie_deviation"} <= set(table.column_names)


def test_a_missing_table_is_named_with_its_cure(tmp_path: Path) -> None:
    with (
        DuckDBEngine(tmp_path / "scratch") as engine,
        pytest.raises(BuildError, match=r"'movies' needs .*movies\.parquet"),
    ):
        engine.read("movies", tmp_path / "movies.parquet")


def test_a_folder_name_that_looks_like_a_pattern_is_read_as_written(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] *"
    with DuckDBEngine(folder / "scratch") as engine:
        engine.write("SELECT 7 AS one", folder / "a.parquet")
        engine.read("a", folder / "a.parquet")
        assert engine.rows("SELECT one FROM a") == [(7,)]
