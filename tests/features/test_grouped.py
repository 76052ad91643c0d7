"""Whole groups out of any batches, and a missing value refused."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.features.grouped import column, run_starts, sums_before, whole_groups


@given(st.lists(st.integers(min_value=0, max_value=6), max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_no_group_is_torn_wherever_the_batches_end(keys: list[int], ends: list[int]) -> None:
    keys.sort()
    table = pa.table({"k": pa.array(keys, pa.int64()), "v": pa.array(range(len(keys)), pa.int64())})
    bounds = [0, *sorted(min(end, len(keys)) for end in ends), len(keys)]
    batches = [batch for a, b in pairwise(bounds) for batch in table.slice(a, b - a).to_batches()]
    found = list(whole_groups(batches, "k"))
    assert [value for one in found for value in one["v"].to_pylist()] == list(range(len(keys)))
    seen = [set(one["k"].to_pylist()) for one in found]
    assert all(not first & second for at, first in enumerate(seen) for second in seen[at + 1 :])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(-5, 5)), min_size=1, max_size=50))
def test_sums_before_are_what_a_loop_would_add_up(rows: list[tuple[int, int, int]]) -> None:
    rows.sort(key=lambda row: row[:2])
    who, when, value = np.array(rows, dtype=np.int64).T
    found = sums_before(value, run_starts(who, when), run_starts(who))
    assert found.tolist() == [sum(v for w, t, v in rows if w == a and t < b) for a, b, _ in rows]


def test_a_missing_value_is_an_error_and_no_number() -> None:
    with pytest.raises(ValueError, match="'half' has 1 missing values"):
        column(pa.table({"half": pa.array([1, None, 3], pa.int8())}), "half")
