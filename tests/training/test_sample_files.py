"""Sample sets on disk: a file or a folder of parts, each row once an epoch, in another order each time, never all in memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sparrow.training import sample_files
from sparrow.training.sample_files import SampleFiles

ROWS = 1_000
COLUMNS = ("userId", "label")


def table(start: int, stop: int) -> pa.Table:
    numbers = np.arange(start, stop)
    return pa.table({"userId": numbers, "label": (numbers % 2).astype(np.int8), "unused": numbers.astype(str)})


def write_file(folder: Path) -> Path:
    path = folder / "single.parquet"
    pq.write_table(table(0, ROWS), path, row_group_size=100)
    return path


def write_parts(folder: Path) -> Path:
    path = folder / "choice.parquet"
    path.mkdir()
    for part in range(10):
        pq.write_table(table(100 * part, 100 * part + 100), path / f"part-{part:03}.parquet", row_group_size=30)
    return path


@pytest.fixture(params=[write_file, write_parts])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found: Path = request.param(tmp_path)
    return found


def ids(tables: object) -> list[int]:
    return [user for found in tables for user in found["userId"].to_pylist()]


def test_in_file_order_every_row_stands_once(path: Path) -> None:
    files = SampleFiles(path, COLUMNS)
    assert files.rows == ROWS
    assert ids(files.tables()) == list(range(ROWS))
    assert {tuple(found.column_names) for found in files.tables()} == {COLUMNS}


def test_an_epoch_holds_every_row_once_in_an_order_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_files, "MIXED_ROWS", 250)
    files = SampleFiles(path, COLUMNS)
    first, again, other, seeded = (ids(files.shuffled(seed)) for seed in ((1, 0), (1, 0), (1, 1), (2, 0)))
    assert sorted(first) == sorted(other) == list(range(ROWS))
    assert first == again
    assert len({tuple(order) for order in (first, other, seeded)}) == 3
    assert first == ids(SampleFiles(path, COLUMNS).shuffled((1, 0)))


def test_the_order_is_that_of_chance(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_files, "MIXED_ROWS", 250)
    places = np.array(ids(SampleFiles(path, COLUMNS).shuffled((1, 0))))
    assert abs(np.corrcoef(places, np.arange(ROWS))[0, 1]) < 0.5
    assert np.count_nonzero(np.diff(places) == 1) < 0.05 * ROWS, "rows that were neighbours on disk are not any more"


def test_a_shuffle_holds_a_few_pieces_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is 100 rows; as soon as 250 are together they are given out."""
    monkeypatch.setattr(sample_files, "MIXED_ROWS", 250)
    assert [len(found) for found in SampleFiles(path, COLUMNS).shuffled((1, 0))] == [300, 300, 300, 100]
    assert {len(found) for found in SampleFiles(path, COLUMNS).tables()} == {100}


def test_conditions_choose_rows_by_columns_that_are_not_read(path: Path) -> None:
    odd = SampleFiles(path, ("userId",), pc.field("label") == 1)
    assert odd.rows == ROWS // 2
    assert ids(odd.tables()) == list(range(1, ROWS, 2))
    few = odd.filtered(pc.field("userId") >= 990)
    assert sorted(ids(few.shuffled((1,)))) == [991, 993, 995, 997, 999]
    assert few.rows == 5


def test_nothing_chosen_is_an_empty_epoch(path: Path) -> None:
    files = SampleFiles(path, COLUMNS, pc.field("userId") < 0)
    assert files.rows == 0
    assert ids(files.shuffled((1,))) == []
