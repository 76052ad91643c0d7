"""Attribute tables: what is written is what was given, and what does not fit its kind is refused in words."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.datasets.attributes import ATTRIBUTES, FILES, Kind, read_kinds, write_attributes
from sparrow.errors import DataError

KINDS: dict[str, Kind] = {
    "brand": "categorical",
    "tags": "categorical",
    "price": "numeric",
    "words": "text",
    "look": "vector",
}


def table(*movies: int) -> pa.Table:
    return pa.table(
        {
            "movieId": list(movies),
            "brand": [None if movie == 2 else f"brand {movie}" for movie in movies],
            "tags": [["red", "large"]] * len(movies),
            "price": [movie / 2 for movie in movies],
            "words": ["a warm lamp"] * len(movies),
            "look": [[float(movie), 1.0] for movie in movies],
            "undeclared": [0] * len(movies),
        }
    )


def test_tables_round_trip_with_their_types(tmp_path: Path) -> None:
    assert write_attributes(tmp_path, "movies", [table(1, 2), table(3)], KINDS) == 3
    written = pq.read_table(tmp_path / FILES["movies"])
    assert written.column_names == ["movieId", *KINDS]
    assert written["brand"].to_pylist() == ["brand 1", None, "brand 3"]
    assert written.schema.field("tags").type == pa.list_(pa.string())
    assert written.schema.field("look").type == pa.list_(pa.float32(), 2)
    assert read_kinds(tmp_path) == {"movies": KINDS, "users": {}}


def test_each_side_replaces_itself_and_leaves_the_other(tmp_path: Path) -> None:
    write_attributes(tmp_path, "movies", [table(1)], KINDS)
    write_attributes(tmp_path, "users", [pa.table({"userId": [7], "age": [30]})], {"age": "numeric"})
    write_attributes(tmp_path, "movies", [table(5)], {"price": "numeric"})
    assert read_kinds(tmp_path) == {"movies": {"price": "numeric"}, "users": {"age": "numeric"}}
    assert pq.read_table(tmp_path / FILES["users"]).to_pylist() == [{"userId": 7, "age": 30.0}]


@pytest.mark.parametrize(
    ("columns", "kind", "told"),
    [
        ({"x": [float("nan")]}, "numeric", "holds nan"),
        ({"x": [float("inf")]}, "numeric", "holds inf"),
        ({"x": ["many"]}, "numeric", "numbers"),
        ({"x": [1.5]}, "text", "strings"),
        ({"x": [1.5]}, "categorical", "strings or lists"),
        ({"x": [["a"]]}, "vector", "lists of numbers"),
        ({"x": [[1.0, None]]}, "vector", "empty numbers"),
        ({"x": [[float("nan")]]}, "vector", "holds nan"),
        ({"x": pa.array([None], pa.list_(pa.float64()))}, "vector", "length cannot be told"),
        ({"x": [1]}, "colour", "known kinds"),
        ({"y": [1]}, "numeric", "lack the column 'x'"),
        ({"x": [1], "movieId": ["a"]}, "numeric", "ids are int64"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path: Path, columns: dict[str, Any], kind: Kind, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        write_attributes(tmp_path, "movies", [pa.table({"movieId": [1], **columns})], {"x": kind})
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_two_lengths_and_ids_that_come_twice_are_refused(tmp_path: Path) -> None:
    two = pa.table({"movieId": [1, 2], "x": [[1.0], [1.0, 2.0]]})
    with pytest.raises(DataError, match="1 numbers in its first row and 2 in another"):
        write_attributes(tmp_path, "movies", [two], {"x": "vector"})
    with pytest.raises(DataError, match="movieId 1 more than once"):
        write_attributes(tmp_path, "movies", [table(1), table(1)], KINDS)


def test_numbers_and_truths_become_words_where_a_category_is_declared(tmp_path: Path) -> None:
    given = pa.table({"movieId": [1, 2], "code": [7, 8], "is_new": [True, None], "kinds": [[1], [2, 3]]})
    write_attributes(tmp_path, "movies", [given], dict.fromkeys(("code", "is_new", "kinds"), "categorical"))
    assert pq.read_table(tmp_path / FILES["movies"]).to_pylist()[1] == {
        "movieId": 2, "code": "8", "is_new": None, "kinds": ["2", "3"],
    }  # fmt: skip


def test_a_broken_declaration_is_named(tmp_path: Path) -> None:
    for content in ("[]", "{", '{"movies": {"x": "colour"}}'):
        (tmp_path / ATTRIBUTES).write_text(content)
        with pytest.raises(DataError):
            read_kinds(tmp_path)
