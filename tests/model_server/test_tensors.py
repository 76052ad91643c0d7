"""JSON values <-> arrays: exact, strict, and worded as the original words it."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.protocol.tensors import read_tensor, write_tensor
from sparrow.model_server.protocol.text import read_value


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_int64_survives_exactly_in_both_directions(values: list[int]) -> None:
    array = read_tensor(read_value(orjson.dumps(values)), "DT_INT64")
    assert array.dtype == np.int64
    assert array.tolist() == values
    assert orjson.loads(orjson.dumps(write_tensor(array))) == values


@given(st.lists(st.floats(width=32), min_size=1))
@example([float(np.finfo(np.float32).max)])
def test_float32_survives_exactly_with_nan_and_infinities(values: list[float]) -> None:
    array = np.array(values, dtype=np.float32)
    again = read_tensor(read_value(orjson.dumps(write_tensor(array))), "DT_FLOAT")
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    ("value", "data_type", "shape"),
    [(5, "DT_INT32", ()), ([], "DT_INT64", (0,)), ([[], []], "DT_FLOAT", (2, 0)), ([[[True]]], "DT_BOOL", (1, 1, 1))],
)
def test_any_rank(value: Any, data_type: str, shape: tuple[int, ...]) -> None:
    assert read_tensor(value, data_type).shape == shape


@pytest.mark.parametrize(
    ("value", "data_type", "message"),
    [
        (1.5, "DT_INT64", "JSON Value: 1.5 Type: Number is not of expected type: int64"),
        ([1, 2.0], "DT_INT64", "JSON Value: 2.0 Type: Number is not of expected type: int64"),
        ([1, True], "DT_INT64", "JSON Value: true Type: True is not of expected type: int64"),
        (2**63, "DT_INT64", f"JSON Value: {2**63} Type: Number is not of expected type: int64"),
        ("7", "DT_INT64", 'JSON Value: "7" Type: String is not of expected type: int64'),
        (None, "DT_FLOAT", "JSON Value: null Type: Null is not of expected type: float"),
        (
            {"b64": "aGk="},
            "DT_FLOAT",
            'JSON Value: {\n    "b64": "aGk="\n} Type: Object is not of expected type: float',
        ),
        (300, "DT_UINT8", "JSON Value: 300 Type: Number is not of expected type: uint8"),
        (2**24, "DT_FLOAT", "Cannot convert JSON value: 16777216 to float without loss of precision."),
        (1e39, "DT_FLOAT", "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ([math.nan, 1e39], "DT_FLOAT", "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ([[1], 2], "DT_INT64", "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ([1, [2]], "DT_INT64", "Encountered list at unexpected level: 1 expected < 1"),
        ([[1], [2, 3]], "DT_INT64", "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ({"b64": 1}, "DT_STRING", 'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data'),
        ({"b64": "?"}, "DT_STRING", "Unable to base64 decode"),
    ],
)
def test_refusals(value: Any, data_type: str, message: str) -> None:
    with pytest.raises(ServingError) as refusal:
        read_tensor(value, data_type)
    assert refusal.value.message == message
    assert refusal.value.code is Code.INVALID_ARGUMENT


def test_types_json_cannot_carry() -> None:
    with pytest.raises(ServingError, match="to type: complex64") as refusal:
        read_tensor(1, "DT_COMPLEX64")
    assert refusal.value.code is Code.UNIMPLEMENTED
    with pytest.raises(ServingError, match="Failed to write JSON value for tensor type: complex64"):
        write_tensor(np.zeros(1, dtype=np.complex64))


def test_nesting_deeper_than_an_array_can_be() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    with pytest.raises(ServingError, match="at most 64 dimensions"):
        read_tensor(value, "DT_INT64")


def test_strings_are_bytes_plain_or_in_base64() -> None:
    array = read_tensor(["né", {"b64": "/wA="}, {"b64": "/wA"}], "DT_STRING")
    assert array.tolist() == ["né".encode(), b"\xff\x00", b"\xff\x00"]
    assert orjson.loads(orjson.dumps(write_tensor(array[:1]))) == ["né"]
    assert orjson.loads(orjson.dumps(write_tensor(array[1:2], as_base64=True))) == [{"b64": "/wA="}]
    # Bytes that are no UTF-8 pass as they are, only control characters escaped.
    assert orjson.dumps(write_tensor(array[1:2])) == b'["\xff\\u0000"]'


def test_short_decimals_stay_short() -> None:
    assert orjson.dumps(write_tensor(np.array([0.2, 3.0], dtype=np.float32))) == b"[0.2,3.0]"
    assert orjson.dumps(write_tensor(np.array([[1.0, np.nan]]))) == b"[[1.0,NaN]]"
    assert orjson.dumps(write_tensor(np.array(-np.inf))) == b"-Infinity"
