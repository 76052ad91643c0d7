"""JSON values <-> arrays of a declared TensorFlow type, with the original's strictness and error texts.

Nothing is converted silently: a decimal is no integer, a truth is no number, and an integer that a float cannot hold
exactly is refused. int64 stays exact up to 2**63 - 1.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.protocol.text import kind, quote

BASE64_KEY: Final = "b64"
BYTES_SUFFIX: Final = "_bytes"
"""String outputs whose name ends so are bytes, and are written in base64."""

DEEPEST: Final = 64
"""The highest rank an array can have."""


@dataclass(frozen=True, slots=True)
class DataType:
    """One tensor type: `name` as error texts say it, the array type that holds it, the Python types JSON may bring.

    `low` and `high` bound what a whole list may hold to be taken without looking at each element.
    """

    name: str
    numpy: np.dtype[Any]
    types: frozenset[type]
    low: float = 0
    high: float = 0

    @property
    def is_decimal(self) -> bool:
        return float in self.types

    @property
    def is_integer(self) -> bool:
        return self.types == {int}


def _integer(name: str) -> DataType:
    limits = np.iinfo(name)
    return DataType(name, np.dtype(name), frozenset({int}), int(limits.min), int(limits.max))


def _decimal(name: str, array_type: str, digits: int) -> DataType:
    """`digits`: bits of the mantissa; every integer of that many bits is exact."""
    return DataType(name, np.dtype(array_type), frozenset({int, float}), -(2**digits - 1), 2**digits - 1)


DATA_TYPES: Final[Mapping[str, DataType]] = {
    "DT_FLOAT": _decimal("float", "float32", 24),
    "DT_DOUBLE": _decimal("double", "float64", 53),
    "DT_HALF": _decimal("half", "float16", 11),
    # NumPy has no bfloat16; a float32 holds each of its values.
    "DT_BFLOAT16": _decimal("bfloat16", "float32", 8),
    **{
        f"DT_{n.upper()}": _integer(n)
        for n in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    "DT_BOOL": DataType("bool", np.dtype(bool), frozenset({bool})),
    "DT_STRING": DataType("string", np.dtype(object), frozenset({str, dict})),
}
"""What JSON can carry, by the name in a SavedModel's signature."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a signature: its type, a name such as "DT_INT64", and its tensor's name in the graph."""

    data_type: str
    tensor: str = ""


def is_base64(value: Any) -> bool:
    """Whether a value is `{"b64": "…"}`, the spelling of bytes."""
    return isinstance(value, dict) and value.keys() == {BASE64_KEY} and isinstance(value[BASE64_KEY], str)


def read_tensor(value: Any, data_type: str) -> NDArray[Any]:
    """The array a JSON value spells: a scalar, or lists nested to any depth.

    Args:
        value: as `text.read_value` gives it.
        data_type: "DT_INT64" and so on.

    Returns:
        An array of the shape that the first elements show; strings are bytes in an object array.

    Raises:
        ServingError: INVALID_ARGUMENT when the lists are ragged or an element has another type; UNIMPLEMENTED for a
            type JSON cannot carry.

    Example:
        >>> read_tensor([[1, 2], [3, 4]], "DT_INT64")
        array([[1, 2],
               [3, 4]])
    """
    dtype = DATA_TYPES.get(data_type)
    if dtype is None:
        name = data_type.removeprefix("DT_").lower()
        raise ServingError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {quote(value)} to type: {name}")
    shape = _dense_shape(value)
    flat: list[Any] = []
    _fill(value, 0, shape, dtype, flat)
    return np.array(flat, dtype=dtype.numpy).reshape(shape)


def write_tensor(array: NDArray[Any], as_base64: bool = False) -> orjson.Fragment:
    """A tensor as JSON: nested lists, a bare value for a scalar; NaN and infinities as the words NaN and Infinity.

    Args:
        array: numbers, truths, or bytes in an object array.
        as_base64: write bytes as `{"b64": …}` rather than as text.

    Raises:
        ServingError: INVALID_ARGUMENT for a type that JSON cannot carry.
    """
    if array.dtype.kind in "OSU":
        return orjson.Fragment(orjson.dumps(_write_strings(array.tolist(), as_base64)))
    if array.dtype.kind not in "fiub":
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")
    value = np.ascontiguousarray(array) if array.ndim else array[()]
    written = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        written = _name_non_finite(written, array)
    return orjson.Fragment(written)


def _dense_shape(value: Any) -> tuple[int, ...]:
    sizes: list[int] = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    if len(sizes) > DEEPEST:
        raise invalid(f"JSON lists are nested {len(sizes)} deep; a tensor has at most {DEEPEST} dimensions")
    return tuple(sizes)


def _fill(value: Any, level: int, shape: tuple[int, ...], dtype: DataType, flat: list[Any]) -> None:
    """Append the elements of `value` to `flat` in order, checking that every list has the size `shape` says."""
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            where = f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {rank}"
            raise invalid(f"JSON Value: {quote(value)} {where}")
        flat.append(_element(value, dtype))
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        size = f"{len(value)} at level: {level} expected size: {shape[level]}"
        raise invalid(f"Encountered list at unexpected size: {size}")
    if level == rank - 1 and value and _is_plain(value, dtype):
        flat.extend(value)
        return
    for item in value:
        _fill(item, level + 1, shape, dtype, flat)


def _is_plain(values: list[Any], dtype: DataType) -> bool:
    """Whether a whole list can be taken as it is, at C speed; False only sends it through `_element` one by one."""
    if not (dtype.is_integer or dtype.is_decimal) or not set(map(type, values)) <= dtype.types:
        return False
    return bool(dtype.low <= min(values) and max(values) <= dtype.high)


def _element(value: Any, dtype: DataType) -> Any:
    if type(value) not in dtype.types:
        raise _type_error(value, dtype)
    if dtype.is_integer and not dtype.low <= value <= dtype.high:
        raise _type_error(value, dtype)
    if dtype.is_decimal:
        _check_lossless(value, dtype)
    if isinstance(value, dict):
        return _decode_base64(value)
    return _encode(value) if isinstance(value, str) else value


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # A lone surrogate, which JSON can spell.
        raise invalid("Invalid encoding in string.") from None


def _check_lossless(value: float, dtype: DataType) -> None:
    """An integer must have no more bits than the mantissa; a decimal may be rounded but must not overflow."""
    if isinstance(value, int):
        lossless = dtype.low <= value <= dtype.high
    else:
        with np.errstate(over="ignore"):
            lossless = math.isinf(value) or not np.isinf(dtype.numpy.type(value))
    if not lossless:
        raise invalid(f"Cannot convert JSON value: {quote(value)} to {dtype.name} without loss of precision.")


def _type_error(value: Any, dtype: DataType) -> ServingError:
    return invalid(f"JSON Value: {quote(value)} Type: {kind(value)} is not of expected type: {dtype.name}")


def _decode_base64(value: dict[str, Any]) -> bytes:
    if not is_base64(value):
        raise invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
    text = value[BASE64_KEY]
    try:
        # Padding may be left out, as in the original.
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _write_strings(value: Any, as_base64: bool) -> Any:
    if isinstance(value, list):
        return [_write_strings(item, as_base64) for item in value]
    content = value.encode() if isinstance(value, str) else value
    if as_base64:
        return {BASE64_KEY: base64.b64encode(content).decode()}
    # Latin-1 maps bytes to characters one to one: bytes that are no UTF-8 pass unchanged, as in the original.
    return orjson.Fragment(json.dumps(content.decode("latin-1"), ensure_ascii=False).encode("latin-1"))


def _name_non_finite(written: bytes, array: NDArray[Any]) -> bytes:
    """Put NaN, Infinity and -Infinity where orjson wrote `null`; both go through the array in C order."""
    names: Iterator[bytes] = map(_non_finite_name, array[~np.isfinite(array)].ravel())
    return re.sub(rb"null", partial(_next_of, names), written)


def _next_of(names: Iterator[bytes], _: re.Match[bytes]) -> bytes:
    return next(names)


def _non_finite_name(value: Any) -> bytes:
    if np.isnan(value):
        return b"NaN"
    return b"Infinity" if value > 0 else b"-Infinity"
