"""The row and column forms of a prediction, without a model."""

from typing import Any

import numpy as np
import orjson
import pytest

from sparrow.model_server.protocol.predict import read_predict, read_signature_name, write_columns, write_predict
from sparrow.model_server.protocol.status import ServingError
from sparrow.model_server.protocol.tensors import TensorSpec

IDS = {"movieId": TensorSpec("DT_INT64"), "userId": TensorSpec("DT_INT64")}
X = {"x": TensorSpec("DT_FLOAT")}
TEXT = {"t": TensorSpec("DT_STRING")}


def test_rows_and_columns_give_the_same_arrays() -> None:
    rows = [{"userId": 1, "movieId": movie} for movie in range(800)]
    by_row = read_predict({"instances": rows}, IDS)
    by_column = read_predict({"inputs": {"userId": [1] * 800, "movieId": list(range(800)), "else": "ignored"}}, IDS)
    assert (by_row.is_row_form, by_column.is_row_form) == (True, False)
    assert by_row.inputs.keys() == by_column.inputs.keys() == IDS.keys()
    for name in IDS:
        np.testing.assert_array_equal(by_row.inputs[name], by_column.inputs[name])
        assert by_row.inputs[name].shape == (800,)


@pytest.mark.parametrize(
    ("document", "inputs", "expected"),
    [
        ({"instances": [1.0, 2.0]}, X, [1.0, 2.0]),
        ({"instances": [{"x": [1.0]}, {"x": [2.0]}]}, X, [[1.0], [2.0]]),
        ({"inputs": 5.0}, X, 5.0),
        ({"inputs": {"x": [[1.0]]}}, X, [[1.0]]),
        ({"instances": [{"b64": "aGk="}, "ho"]}, TEXT, [b"hi", b"ho"]),
        ({"inputs": {"b64": "aGk="}}, TEXT, b"hi"),
    ],
)
def test_one_input_needs_no_name(document: dict[str, Any], inputs: dict[str, TensorSpec], expected: Any) -> None:
    (array,) = read_predict(document, inputs).inputs.values()
    assert array.tolist() == expected


FAILED = "Failed to process element: 1"


@pytest.mark.parametrize(
    ("document", "inputs", "message"),
    [
        ({}, X, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": 1}, X, "expecting only one of 'inputs' or 'instances' keys to exist "),
        ({"instances": 1}, X, "Excepting 'instances' to be an list/array"),
        ({"instances": []}, X, "No values in 'instances' array"),
        ({"instances": [1]}, IDS, "instances is a plain list, but expecting list of objects as multiple input tensors"),
        ({"inputs": [1]}, IDS, "inputs is a plain value/list, but expecting an object as multiple input tensors"),
        ({"inputs": {"userId": [1]}}, IDS, "Missing named input: movieId in 'inputs' object."),
        ({"instances": [{"x": 1}, 2]}, X, "Expecting object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 2}]}, X, "Expecting value/list but got object at item 1 of input list"),
        (
            {"instances": [{"userId": 1, "movieId": 2}, {"userId": 1}]},
            IDS,
            f"{FAILED} of 'instances' list. JSON object: {{\n    \"userId\": 1\n}} keys must be equal to: movieId,userId",
        ),
        (
            {"instances": [{"x": 1}, {"x": 2, "y": 1}]},
            X,
            f"{FAILED} key: y of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: y",
        ),
        (
            {"instances": [{"x": 1}, {"x": "a"}]},
            X,
            f"{FAILED} key: x of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            {"instances": [[1.0], [1.0, 2.0]]},
            X,
            f"{FAILED} of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 1 but got: 2",
        ),
        (
            {"instances": [[[1.0, 2.0]], [[1.0], [2.0]]]},
            X,
            f"{FAILED} of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1,2] but got: [2,1]",
        ),
    ],
)
def test_refusals(document: dict[str, Any], inputs: dict[str, TensorSpec], message: str) -> None:
    with pytest.raises(ServingError) as refusal:
        read_predict(document, inputs)
    assert message in refusal.value.message


def test_signature_names() -> None:
    assert read_signature_name({}) == read_signature_name({"signature_name": ""}) == "serving_default"
    assert read_signature_name({"signature_name": "rank"}) == "rank"
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        read_signature_name({"signature_name": 1})


def test_answers_in_both_forms() -> None:
    score = {"score": np.array([[0.5], [np.nan]], dtype=np.float32)}
    assert write_predict(score, is_row_form=True) == b'{"predictions":[[0.5],[NaN]]}'
    assert write_predict(score, is_row_form=False) == b'{"outputs":[[0.5],[NaN]]}'
    two = {"a": np.array([1, 2]), "t_bytes": np.array([b"x", b"y"], dtype=object)}
    row = orjson.loads(write_predict(two, is_row_form=True))
    assert row == {"predictions": [{"a": 1, "t_bytes": {"b64": "eA=="}}, {"a": 2, "t_bytes": {"b64": "eQ=="}}]}
    column = orjson.loads(write_predict(two, is_row_form=False))
    assert column == {"outputs": {"a": [1, 2], "t_bytes": [{"b64": "eA=="}, {"b64": "eQ=="}]}}


def test_answers_without_rows_have_no_row_form() -> None:
    with pytest.raises(ServingError, match="Tensor name: t has no shape information"):
        write_predict({"t": np.array(1.0)}, is_row_form=True)
    with pytest.raises(ServingError, match="Tensor name: b has inconsistent batch size: 1 expecting: 2"):
        write_predict({"a": np.zeros(2), "b": np.zeros(1)}, is_row_form=True)


def test_a_clients_columns_are_read_back_exactly() -> None:
    inputs = {"userId": np.array([2**63 - 1]), "movieId": np.array([1, 2])}
    again = read_predict(orjson.loads(write_columns(inputs)), IDS).inputs
    assert {name: array.tolist() for name, array in again.items()} == {"userId": [2**63 - 1], "movieId": [1, 2]}
