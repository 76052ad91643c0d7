"""What an import must not do: overwrite its own sources, invent words and times, or end in a traceback."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.datasets import fingerprint
from sparrow.datasets.tabular_import import MARKER, Imported, Order, import_tables
from sparrow.errors import DataError, InvalidInput
from sparrow.stores.outside_ids import surrogates

ITEMS: dict[str, Any] = {"id": [1, 2], "title": ["Lamp", "Chair"]}
CLICKS: dict[str, Any] = {"user": ["ann", "bob"], "item": [1, 2]}


def run(
    folder: Path, items: dict[str, Any] = ITEMS, clicks: dict[str, Any] = CLICKS, out: str = "out", **order: Any
) -> Imported:
    """Write items.parquet and ratings.parquet into `folder` and import them."""
    pq.write_table(pa.table(items), folder / "items.parquet")
    pq.write_table(pa.table(clicks), folder / "ratings.parquet")
    files = {"items": folder / "items.parquet", "interactions": folder / "ratings.parquet"}
    return import_tables(Order(files, **order), folder / out, surrogates)  # type: ignore[arg-type]


def times(folder: Path) -> list[int]:
    found: list[int] = pq.read_table(folder / "out" / "ratings.parquet")["timestamp"].to_pylist()
    return found


def faults(imported: Imported) -> dict[str, int]:
    return {fault.kind.name: fault.count for fault in imported.report.files[0].faults}


@pytest.mark.parametrize("out", [".", "sub/.."])
def test_a_folder_that_holds_a_file_to_import_is_refused(tmp_path: Path, out: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(InvalidInput, match=r"items\.parquet lies inside --out .*name another folder"):
        run(tmp_path, out=out)
    assert pq.read_table(tmp_path / "ratings.parquet").column_names == ["user", "item"]


@pytest.mark.parametrize("name", ["ratings.parquet", "dataset.json"])
def test_files_of_our_names_do_not_make_a_folder_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"mine": 1}')
    with pytest.raises(InvalidInput, match="holds other files"):
        run(tmp_path)
    assert (tmp_path / "out" / name).read_text() == '{"mine": 1}'


def test_an_import_that_was_killed_midway_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    whole = fingerprint(tmp_path / "out")
    moved: list[Path] = []

    def killed(source: Path, target: Path) -> None:
        assert (target.parent / MARKER).is_file()
        if moved:
            raise KeyboardInterrupt
        moved.append(source.rename(target))

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("shutil.move", killed)
        run(tmp_path)
    assert not (tmp_path / "out" / "dataset.json").exists()
    run(tmp_path)
    assert fingerprint(tmp_path / "out") == whole
    assert not (tmp_path / "out" / MARKER).exists()


def test_a_null_in_a_list_is_no_word(tmp_path: Path) -> None:
    items = {**ITEMS, "genres": [["Home", None], [None]], "tags": [[None, "x"], None]}
    run(tmp_path, items, attributes={"items": {"tags": "categorical"}})
    assert pq.read_table(tmp_path / "out" / "movies.parquet")["genres"].to_pylist() == [["Home"], []]
    assert pq.read_table(tmp_path / "out" / "movie_attributes.parquet")["tags"].to_pylist() == ["x", None]


@pytest.mark.parametrize(
    "moments",
    [
        ["2024-05-01", "9999-12-31", "5138-11-17T00:00:00Z"],
        [datetime(2024, 5, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(6000, 1, 1, tzinfo=UTC)],
        [date(2024, 5, 1), date(9999, 12, 31), date(6000, 1, 1)],
    ],
)
def test_far_dates_lie_in_the_future_and_are_no_milliseconds(tmp_path: Path, moments: list[Any]) -> None:
    imported = run(tmp_path, clicks={"user": ["ann", "bob", "cid"], "item": [1, 1, 2], "time": moments})
    assert times(tmp_path) == [1_714_521_600]
    assert faults(imported) == {"time_in_future": 2}


def test_whole_numbers_that_are_days_are_read_as_days(tmp_path: Path) -> None:
    days = [20240501, 20240229, 20241301, 0, 20240502]
    imported = run(tmp_path, clicks={"user": list("abcde"), "item": [1] * 5, "date": days})
    assert times(tmp_path) == [1_714_521_600, 1_709_164_800, 1_714_608_000]
    assert faults(imported) == {"unreadable_time": 2}


def test_seconds_stay_seconds_although_one_looks_like_a_day(tmp_path: Path) -> None:
    seconds = [20_000_101, 20_009_999, 1_714_564_800]
    assert not faults(run(tmp_path, clicks={"user": list("abc"), "item": [1] * 3, "time": seconds}))
    assert times(tmp_path) == seconds


@pytest.mark.parametrize("value", [time(12), timedelta(seconds=5)])
def test_a_time_without_a_date_is_refused_in_words(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match=r"which tells no date; name another one with --timestamp"):
        run(tmp_path, clicks={**CLICKS, "time": [value, value]})


def test_a_number_without_end_is_no_id(tmp_path: Path) -> None:
    imported = run(tmp_path, clicks={"user": ["ann", "bob", "cid"], "item": [1.0, float("inf"), float("-inf")]})
    assert faults(imported) == {"empty_id": 2}


def test_an_attribute_cannot_have_the_name_of_the_id(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'movieId' is what Sparrow calls the id"):
        run(tmp_path, {**ITEMS, "movieId": [5, 6]}, named={"item": "id"}, attributes={"items": {"movieId": "numeric"}})


def test_a_first_column_without_a_name_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "items.tsv").write_text("\tid\ttitle\n0\t1\tLamp\n")
    (tmp_path / "log.tsv").write_text("\tuser\titem\n0\tann\t1\n")
    files = {"items": tmp_path / "items.tsv", "interactions": tmp_path / "log.tsv"}
    imported = import_tables(Order(files, separator="\t"), tmp_path / "out", surrogates)  # type: ignore[arg-type]
    assert imported.choices["items"].ignored == ("",)
    assert pq.read_table(tmp_path / "out" / "movies.parquet")["title"].to_pylist() == ["Lamp"]
