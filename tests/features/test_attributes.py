"""Attributes as arrays: shapes, what is missing or unknown, likeness in texts, and an encoder that survives its file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sparrow.datasets.attributes import Kind, write_attributes
from sparrow.errors import DataError
from sparrow.features.attribute_kinds import Limits
from sparrow.features.attributes import AttributeEncoder, Encoded, encode_attributes, read_attributes

KINDS: dict[str, Kind] = {
    "tags": "categorical",
    "brand": "categorical",
    "price": "numeric",
    "words": "text",
    "look": "vector",
}

TEXTS = ["a robot in deep space", "space robot war", "love in Paris", "a Paris love story", None, "東京 物語"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six movies, not in the order of their ids."""
    table = pa.table(
        {
            "movieId": [60, 10, 20, 30, 40, 2**62],
            "tags": [["red", "new"], ["red"], None, ["new", "red", "old"], ["red"], []],
            "brand": ["x", "y", "x", None, "x", "z"],
            "price": [1.0, 2.0, 3.0, None, 5.0, 4.0],
            "words": TEXTS,
            "look": [[1.0, 0.0], [0.0, 1.0], None, [2.0, 2.0], [0.0, 0.0], [1.0, 1.0]],
        }
    )
    write_attributes(tmp_path, "movies", [table], KINDS)
    return tmp_path


def row(encoded: Encoded, movie: int) -> int:
    return int(encoded.rows(np.array([movie]))[0])


def test_rows_stand_by_id_and_every_array_has_them_all(folder: Path) -> None:
    encoded = encode_attributes(folder)
    assert encoded.ids.tolist() == [10, 20, 30, 40, 60, 2**62]
    assert encoded.categories["tags"].shape == (6, 3)
    assert encoded.categories["brand"].shape == (6, 1)
    assert encoded.numbers["price"].shape == (6,)
    assert encoded.vectors["look"].shape == (6, 2)
    assert encoded.dense.shape == (6, 1 + 2 + encoded.vectors["words"].shape[1])
    assert encoded.dense.dtype == np.float32
    assert encoded.rows(np.array([60, 11, 2**62])).tolist() == [4, -1, 5]
    assert encoded.present["words"].tolist() == [True, True, True, False, True, True]


def test_categories_count_from_two_frequent_first(folder: Path) -> None:
    encoded = encode_attributes(folder)
    assert encoded.sizes == {"tags": 5, "brand": 5}
    assert encoded.categories["tags"][row(encoded, 30)].tolist() == [3, 2, 4]
    assert encoded.categories["tags"][row(encoded, 20)].tolist() == [0, 0, 0]
    assert encoded.categories["brand"][:, 0].tolist() == [3, 2, 0, 2, 2, 4]


def test_numbers_are_standardised_and_missing_ones_are_average(folder: Path) -> None:
    prices = encode_attributes(folder).numbers["price"]
    known = np.delete(prices, 2)
    assert (known.mean(), known.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))
    assert prices[2] == 0


def test_texts_of_one_kind_are_nearer_than_others(folder: Path) -> None:
    encoded = encode_attributes(folder, limits=Limits(text_dim=3))
    texts = encoded.vectors["words"]
    assert texts.shape == (6, 3)
    near = texts @ texts.T
    space, more_space, paris, more_paris = (row(encoded, movie) for movie in (60, 10, 20, 30))
    assert near[space, more_space] > 0.5 > near[space, paris]
    assert near[paris, more_paris] > 0.5
    assert not texts[row(encoded, 40)].any()
    assert np.linalg.norm(texts[space]) == pytest.approx(1)


def test_vectors_come_as_they_are_and_missing_ones_are_zeros(folder: Path) -> None:
    encoded = encode_attributes(folder)
    assert encoded.vectors["look"][row(encoded, 30)].tolist() == [2.0, 2.0]
    assert encoded.vectors["look"][row(encoded, 20)].tolist() == [0.0, 0.0]


def test_a_saved_encoder_gives_the_same_arrays_and_knows_unknown_values(folder: Path, tmp_path: Path) -> None:
    table = read_attributes(folder, "movies")
    assert table is not None
    fitted = AttributeEncoder.fit(table, "movies", KINDS)
    fitted.save(tmp_path / "encoder.npz")
    loaded = AttributeEncoder.load(tmp_path / "encoder.npz")
    before, after = fitted.encode(table), loaded.encode(table)
    for part in ("categories", "numbers", "vectors", "present"):
        assert getattr(before, part).keys() == getattr(after, part).keys()
        for name, values in getattr(before, part).items():
            np.testing.assert_array_equal(values, getattr(after, part)[name])
    look = pa.array([[1.0, 1.0]], table.schema.field("look").type)
    new = {
        "movieId": [1],
        "tags": [["blue"]],
        "brand": ["w"],
        "price": [3.0],
        "words": ["quite unheard of"],
        "look": look,
    }
    encoded = loaded.encode(pa.table(new))
    assert encoded.categories["tags"].tolist() == [[1, 0, 0]]
    assert not encoded.vectors["words"].any()


def test_what_cannot_be_encoded_is_told(folder: Path) -> None:
    table = read_attributes(folder, "movies")
    assert table is not None
    fitted = AttributeEncoder.fit(table, "movies", KINDS)
    with pytest.raises(DataError, match="lack 'price'"):
        fitted.encode(table.drop_columns(["price"]))
    longer = pa.array([[1.0] * 3] * 6, pa.list_(pa.float32(), 3))
    with pytest.raises(DataError, match="2 numbers was fitted"):
        fitted.encode(table.set_column(table.column_names.index("look"), "look", longer))


def test_columns_with_nothing_in_them_are_no_trouble(tmp_path: Path) -> None:
    empty = pa.table(
        {
            "movieId": [1, 2],
            "tags": pa.array([None, None], pa.list_(pa.string())),
            "price": pa.array([None, None], pa.float64()),
            "words": pa.array([None, "!!"], pa.string()),
        }
    )
    write_attributes(tmp_path, "movies", [empty], {name: KINDS[name] for name in ("tags", "price", "words")})
    encoded = encode_attributes(tmp_path)
    assert encoded.categories["tags"].tolist() == [[0], [0]]
    assert encoded.numbers["price"].tolist() == [0, 0]
    assert encoded.vectors["words"].shape == (2, 0)
    assert encode_attributes(tmp_path, "users").ids.shape == (0,)
