"""The two interpreters of an encoding give the same rows for whatever comes."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparrow.features.encoding import PAD_ID, PAD_ROW, UNKNOWN_ROW, Buckets, EncodingSpec, Field, Names, Vocabulary
from sparrow.training.interpreter import interpret

INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)
FLOAT32 = st.floats(width=32, allow_nan=True, allow_infinity=True)
TEXT = st.text(max_size=8).filter(lambda text: "\0" not in text)


def both(field: Field, raw: np.ndarray) -> tuple[Any, Any]:
    """Rows by NumPy, and by TensorFlow inside a compiled graph."""
    encode, _ = interpret("x", field)
    told = tf.constant(np.char.encode(raw, "utf-8").tolist(), tf.string) if raw.dtype.kind == "U" else tf.constant(raw)
    return field.encode(raw), tf.function(encode)(told).numpy()


def assert_alike(field: Field, raw: np.ndarray) -> None:
    ours, theirs = both(field, raw)
    assert ours.dtype == theirs.dtype == np.int32
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == raw.shape
    assert ours.min(initial=0) >= PAD_ROW
    assert ours.max(initial=0) < field.rows


@settings(max_examples=40)
@given(st.sets(INT64, max_size=20), st.lists(INT64, min_size=1, max_size=20), st.integers(0, 3))
def test_ids(known: set[int], asked: list[int], length: int) -> None:
    field = Vocabulary(np.array(sorted(known), np.int64), length)
    values = np.array([*asked, PAD_ID, *known], np.int64)
    assert_alike(field, np.stack([values] * length, axis=1) if length else values)


@settings(max_examples=40)
@given(st.sets(TEXT.filter(bool), max_size=10), st.lists(TEXT, min_size=1, max_size=10))
def test_names(known: set[str], asked: list[str]) -> None:
    field = Names(tuple(sorted(known)), 2)
    values = np.array([*asked, "", *known], np.str_)
    assert_alike(field, np.stack([values, values[::-1]], axis=1))


@settings(max_examples=60)
@given(
    st.sets(st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False), max_size=20),
    st.lists(FLOAT32, min_size=1, max_size=20),
)
def test_numbers(edges: set[float], asked: list[float]) -> None:
    boundaries = np.unique(np.array(sorted(edges), np.float32))
    values = np.array([*asked, *edges, np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    with np.errstate(over="ignore"):  # beside the largest number lies infinity, which is asked too
        beside = np.nextafter(values, np.float32(np.inf))
    assert_alike(Buckets(boundaries), np.concatenate([values, beside]))


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(-1, 9)))
def test_padding_in_a_list_is_neither_known_nor_unknown(raw: np.ndarray) -> None:
    rows = Vocabulary(np.arange(5, dtype=np.int64), raw.shape[1]).encode(raw)
    np.testing.assert_array_equal(rows == PAD_ROW, raw == PAD_ID)
    np.testing.assert_array_equal(rows == UNKNOWN_ROW, raw > 4)


def test_a_saved_encoding_of_every_kind_comes_back(tmp_path: Any) -> None:
    spec = EncodingSpec(
        {
            "movieId": Vocabulary(np.array([3, 9], np.int64)),
            "history": Vocabulary(np.array([3, 9], np.int64), 4),
            "genres": Names(("Crème", "Drama"), 3),
            "movie_mean": Buckets(np.array([0.1, 3.3333333], np.float32)),
        }
    )
    spec.save(tmp_path / "e.json")
    loaded = EncodingSpec.load(tmp_path / "e.json")
    assert loaded.digest == spec.digest
    assert {name: field.length for name, field in loaded.fields.items()} == {
        "movieId": 0, "history": 4, "genres": 3, "movie_mean": 0,
    }  # fmt: skip
    raw = {
        "movieId": np.array([9, 1], np.int64),
        "history": np.array([[-1, -1, 3, 8], [-1, 9, 9, 9]], np.int64),
        "genres": np.array([["Drama", "", ""], ["Crème", "Neu", ""]]),
        "movie_mean": np.array([0.1, np.nan], np.float32),
    }
    assert {name: rows.tolist() for name, rows in loaded.encode(raw).items()} == {
        "movieId": [3, 1], "history": [[0, 0, 2, 1], [0, 3, 3, 3]], "genres": [[3, 0, 0], [2, 1, 0]], "movie_mean": [2, 0],
    }  # fmt: skip


@pytest.mark.parametrize("edges", [[2.0, 1.0], [1.0, 1.0], [np.nan], [np.inf]])
def test_buckets_refuse_boundaries_that_are_none(edges: list[float]) -> None:
    with pytest.raises(ValueError, match="ascending finite float32"):
        Buckets(np.array(edges, np.float32))


def test_names_refuse_what_is_not_sorted_or_empty() -> None:
    for names in (("b", "a"), ("a", "a"), ("", "a")):
        with pytest.raises(ValueError, match="ascending unique texts"):
            Names(names)
