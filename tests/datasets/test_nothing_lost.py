"""Whatever is done to the files: no row vanishes in silence, no sound row is touched, and both readers agree."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.datasets import check_dataset, import_dataset, number_columns
from sparrow.datasets.movielens import ML_10M, RATINGS
from sparrow.datasets.movielens_100k import ML_100K
from sparrow.datasets.records import CSV, Block, Form, TextFile
from sparrow.datasets.report import Tally
from sparrow.errors import DataError
from tests.worlds import random_world, write_movielens

NAMES = ("ratings.csv", "movies.csv", "links.csv", "tags.csv")
WORLD = random_world(users=4, movies=8)


def read_rows(path: Path) -> int:
    """Lines below the header that hold anything: what the report must account for."""
    return sum(1 for line in path.read_bytes().split(b"\n")[1:] if line.strip())


damage = st.tuples(
    st.sampled_from(NAMES),
    st.floats(0, 1),
    st.integers(0, 3),
    st.one_of(st.binary(max_size=6), st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"-", b"0", b"\xff", b"e9"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(damage, min_size=1, max_size=8))
def test_rows_read_are_kept_or_dropped_in_files_damaged_anywhere(wounds):
    with tempfile.TemporaryDirectory() as folder:
        source = write_movielens(Path(folder), WORLD.ratings, WORLD.movies, WORLD.tags)
        for name, place, cut, put in wounds:
            content = (source / name).read_bytes()
            at = int(place * len(content))
            (source / name).write_bytes(content[:at] + put + content[at + cut :])
        try:
            report = check_dataset(source)
        except DataError as refused:
            assert str(source) in str(refused)  # a refusal is allowed when it names the file
            return
        for file in report.files:
            dropped = sum(fault.count for fault in file.faults if fault.kind.fate == "dropped")
            assert file.rows == read_rows(source / file.file) == file.kept + dropped
            assert file.repaired <= file.kept


broken = st.sampled_from(
    [b"", b"x", b"1,2", b"0,1,4.0,5", b"1,1,6.0,5", b'"', b"1,1,4.0,-5", b"\xff\xfe", b"1,1,4.0,5,6"]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WORLD.ratings)), broken), min_size=1, max_size=12))
def test_broken_lines_between_sound_ones_cost_only_themselves(additions):
    with tempfile.TemporaryDirectory() as folder:
        source = write_movielens(Path(folder), WORLD.ratings, WORLD.movies)
        header, *lines = (source / "ratings.csv").read_bytes().splitlines()
        for at, line in sorted(additions, reverse=True, key=lambda addition: addition[0]):
            lines.insert(at, line)
        (source / "ratings.csv").write_bytes(b"\r\n".join([header, *lines]))
        report = import_dataset(source, source / "out")
        rows = pq.read_table(source / "out" / "ratings.parquet").to_pylist()
    kept = [(row["userId"], row["movieId"], row["rating"], row["timestamp"]) for row in rows]
    assert kept == [(row.user_id, row.movie_id, row.score, row.timestamp) for row in WORLD.ratings]
    assert report.files[0].dropped == sum(1 for _, line in additions if line)


plain_field = st.text("0123456789.-", max_size=5) | st.integers(-5, 2**64).map(str)
plain_line = st.lists(plain_field, min_size=3, max_size=5).map(",".join) | st.tuples(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from(["4", "0.5", "3.", ".5", "04.50"]), st.integers(0, 2**63 - 1)
).map(lambda row: ",".join(map(str, row)))
line_end = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])


FORMS = [CSV, ML_10M.required["ratings"].form, ML_100K.required["ratings"].form]


def read_both_ways(data: str, form: Form) -> tuple[number_columns.NumberBlock | None, number_columns.NumberBlock]:
    """One block of ratings, written with commas, in a form: vectorised (or not), and line by line."""
    file = TextFile(Path("ratings"), tuple(RATINGS), 0, form)
    block = Block(5, data.replace(",", form.separator).encode())
    fast = number_columns._read_fast(block, file, RATINGS, Tally("fast"))
    return fast, number_columns._read_exact(block, file, [0, 1, 2, 3], RATINGS, Tally("exact"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(plain_line, line_end), min_size=1, max_size=3), st.sampled_from(FORMS))
def test_the_fast_way_gives_what_the_exact_way_gives_or_stands_back(lines, form):
    fast, exact = read_both_ways("".join(line + end for line, end in lines).removesuffix("\n"), form)
    if fast is not None:
        np.testing.assert_array_equal(fast.row, exact.row)
        np.testing.assert_array_equal(fast.repaired, exact.repaired)
        for vectorised, one_by_one in zip(fast.columns, exact.columns, strict=True):
            np.testing.assert_array_equal(vectorised, one_by_one)


@pytest.mark.parametrize("form", FORMS)
def test_the_fast_way_is_taken_for_sound_ratings_in_every_form(form):
    fast, _ = read_both_ways("1,1,4.0,964982703\r\n1,3,0.5,9\r", form)
    assert fast is not None
    _, movie, stars, _ = fast.columns
    assert (movie.tolist(), stars.tolist(), fast.row.tolist()) == ([1, 3], [4.0, 0.5], [5, 6])


def test_a_comma_in_a_file_of_another_separator_is_seen():
    fast, exact = read_both_ways("1,1,4.0,5", Form("::", tuple(RATINGS)))
    assert fast is not None and len(exact.row) == 1
    block, file = Block(0, b"1::1,1::4.0::5"), TextFile(Path("ratings"), tuple(RATINGS), 0, Form("::", tuple(RATINGS)))
    assert number_columns._read_fast(block, file, RATINGS, Tally("fast")) is None
