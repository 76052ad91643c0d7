"""One rating per person and movie, the latest, wherever its rows stand."""

from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.datasets import import_dataset
from sparrow.datasets.duplicates import OrderWatch
from sparrow.datasets.rows import Ratings
from tests.datasets.folders import write

HEADER = "userId,movieId,rating,timestamp\n"


def block(pairs: list[tuple[int, int]]) -> Ratings:
    """Ratings of which only person and movie matter."""
    user, movie = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    rows = np.arange(len(pairs))
    return Ratings(rows, user, movie, rows.astype(float), rows, rows < 0)


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("1,1,1.0,5\n1,1,2.0,6\n", [1]),
        ("1,1,1.0,6\n1,1,2.0,5\n", [0]),
        ("1,1,1.0,5\n1,1,2.0,5\n", [1]),
        ("2,1,1.0,5\n1,1,2.0,5\n2,1,3.0,4\n2,3,1.0,1\n", [0, 1, 3]),
        ("2,1,1.0,5\n1,1,2.0,5\n", [0, 1]),
    ],
)
def test_the_latest_stays_and_of_equal_times_the_last(tmp_path, lines, kept):
    report = import_dataset(write(tmp_path, ratings=HEADER + lines), tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "ratings.parquet").column("row").to_pylist() == kept
    assert report.files[0].dropped == lines.count("\n") - len(kept)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "about.json",
        "movies.parquet",
        "ratings.parquet",
        "report.json",
        "tags.parquet",
    ]


@given(st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4), min_size=1))
def test_an_increasing_file_is_recognised_across_blocks(blocks):
    watch = OrderWatch()
    for pairs in blocks:
        watch.watch(block(pairs))
    flat = [pair for pairs in blocks for pair in pairs]
    assert watch.is_increasing == all(a < b for a, b in pairwise(flat))
