"""Rows from anyone's CSV: with and without a header, stars and times; and what is wrong is named."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.errors import DataError
from sparrow.evaluation.rows import Rows, is_in, keep_newest, read_movies, read_rows

LARGEST = 2**63 - 1


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return path


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize("text", [
    f"userId,movieId,rating,timestamp\n1,2,3.5,100\n{LARGEST},4,1,200\n",
    f"1,2,3.5,100\n{LARGEST},4,1,200\n",
    f"\ufefftimestamp,extra,rating,movieId,userId\r\n100,x,3.5,2,1\r\n200,y,1,4,{LARGEST}\r\n",
])  # fmt: skip
def test_the_columns_are_found_in_any_order_or_by_place(tmp_path: Path, text: str) -> None:
    rows = read_rows(write(tmp_path, text))
    assert rows.users.tolist() == [1, LARGEST]
    assert rows.movies.tolist() == [2, 4]
    assert rows.stars is not None and rows.timestamps is not None
    assert (rows.stars.tolist(), rows.timestamps.tolist()) == ([3.5, 1], [100, 200])


def test_stars_and_times_may_be_absent(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "userId,movieId\n7,9\n"))
    assert (rows.users.tolist(), rows.movies.tolist(), rows.stars, rows.timestamps) == ([7], [9], None, None)
    assert read_rows(write(tmp_path, "7,9,2\n")).timestamps is None


@pytest.mark.parametrize(("text", "words"), [
    ("", "is empty"),
    ("userId,title\n1,2\n", "no column 'movieId'"),
    ("userId,movieId\n1,2\n1,two\n", "at row 1"),
    ("userId,movieId\n1.5,2\n", "'1.5'"),
    ("userId,movieId\n1\n", "rows.csv"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_rows(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*none\.csv"):
        read_rows(tmp_path / "none.csv")


def test_candidates_are_a_column_of_ids(tmp_path: Path) -> None:
    assert read_movies(write(tmp_path, "title,movieId\nHeat,6\nAlien,2\nHeat again,6\n")).tolist() == [2, 6]
    assert read_movies(write(tmp_path, "9\n4\n")).tolist() == [4, 9]
    with pytest.raises(DataError, match="no movie id"):
        read_movies(write(tmp_path, "movieId\nsix\n"))


def test_of_a_repeated_pair_the_newest_stays_in_its_place() -> None:
    rows = Rows(ids(1, 2, 1, 1), ids(5, 5, 5, 6), np.array([1.0, 2.0, 3.0, 4.0]), ids(900, 1, 100, 5))
    kept, dropped = keep_newest(rows)
    assert dropped == 1
    assert kept.stars is not None and kept.stars.tolist() == [1, 2, 4], "the row of second 900, not the later line"
    kept, _ = keep_newest(Rows(rows.users, rows.movies, rows.stars))
    assert kept.stars is not None and kept.stars.tolist() == [2, 3, 4], "without times the later line"


def test_rows_are_ordered_by_person_time_and_file_order() -> None:
    rows = Rows(ids(2, 1, 1, 1), ids(1, 2, 3, 4), None, ids(5, 9, 3, 9))
    assert rows.in_time().tolist() == [2, 1, 3, 0]
    assert Rows(rows.users, rows.movies).in_time().tolist() == [1, 2, 3, 0]


def test_pairs_are_found_among_others() -> None:
    rows, others = Rows(ids(1, 1, LARGEST), ids(1, LARGEST, 7)), Rows(ids(LARGEST, 1), ids(7, 7))
    assert is_in(rows, others).tolist() == [False, False, True]
    assert is_in(rows, Rows(ids(), ids())).tolist() == [False] * 3


def test_columns_must_have_one_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        Rows(ids(1, 2), ids(1))
