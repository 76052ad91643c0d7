"""TensorProto <-> arrays.

A tensor's elements come as raw bytes (`tensor_content`) or in the list of their type; a list that is shorter than the
tensor repeats its last element. Answers use the lists, as the original's do, because clients read `float_val`.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.model_server.wire.messages import Message, TensorProto, name_of, number_of

LARGEST_TENSOR: Final = 256 * 1024 * 1024
"""Bytes: one repeated element could otherwise fill the memory with a request of a few bytes."""

LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "DT_FLOAT": ("float_val", "float32"),
    "DT_DOUBLE": ("double_val", "float64"),
    "DT_INT32": ("int_val", "int32"),
    "DT_UINT8": ("int_val", "uint8"),
    "DT_INT16": ("int_val", "int16"),
    "DT_INT8": ("int_val", "int8"),
    "DT_UINT16": ("int_val", "uint16"),
    "DT_STRING": ("string_val", "object"),
    "DT_COMPLEX64": ("scomplex_val", "complex64"),
    "DT_INT64": ("int64_val", "int64"),
    "DT_BOOL": ("bool_val", "bool"),
    "DT_COMPLEX128": ("dcomplex_val", "complex128"),
    "DT_HALF": ("half_val", "float16"),
    "DT_BFLOAT16": ("half_val", "float32"),
    "DT_UINT32": ("uint32_val", "uint32"),
    "DT_UINT64": ("uint64_val", "uint64"),
}
"""Type → the list its elements lie in, and the array type that holds it (NumPy has no bfloat16; a float32 holds each)."""

_PAIRED: Final = {"DT_COMPLEX64": "float32", "DT_COMPLEX128": "float64"}
_HALVES: Final = ("DT_HALF", "DT_BFLOAT16")


def data_type_of(array: NDArray[Any]) -> str:
    """The tensor type of an array: "DT_INT64" and so on; object, bytes and text arrays are strings.

    Raises:
        ValueError: for an array type that no tensor has.
    """
    if array.dtype.kind in "OSU":
        return "DT_STRING"
    for name, (_, dtype) in LISTS.items():
        if array.dtype == dtype and name != "DT_BFLOAT16":
            return name
    raise ValueError(f"An array of type {array.dtype} is no tensor; convert it to a number, truth or bytes type.")


def read_tensor_proto(proto: Message) -> NDArray[Any]:
    """The array in a message.

    Raises:
        ValueError: if type, shape and elements do not belong together.
    """
    name = name_of(proto.dtype)
    if name not in LISTS:
        raise ValueError(f"tensors of type number {proto.dtype} cannot be read")
    shape = _shape(proto.tensor_shape)
    count = math.prod(shape)
    dtype = np.dtype(LISTS[name][1])
    if count * dtype.itemsize > LARGEST_TENSOR:
        raise ValueError(f"a tensor of shape {list(shape)} is larger than {LARGEST_TENSOR} bytes")
    flat = _from_content(proto.tensor_content, name) if proto.tensor_content else _from_list(proto, name, count)
    if flat.size != count:
        raise ValueError(f"{flat.size} elements do not fill a tensor of shape {list(shape)}")
    return flat.reshape(shape)


def write_tensor_proto(array: NDArray[Any], data_type: str | None = None) -> Message:
    """The message for an array.

    Args:
        array: numbers, truths, text, or bytes in an object array.
        data_type: "DT_FLOAT" and so on; None takes the array's own.
    """
    name = data_type or data_type_of(array)
    proto = TensorProto(dtype=number_of(name))
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, LISTS[name][0]).extend(_list_elements(array, name))
    return proto


def _shape(proto: Message) -> tuple[int, ...]:
    if proto.unknown_rank or any(dim.size < 0 for dim in proto.dim):
        raise ValueError("the shape of a tensor must be known")
    return tuple(dim.size for dim in proto.dim)


def _from_content(content: bytes, name: str) -> NDArray[Any]:
    if name == "DT_STRING":
        raise ValueError("strings must lie in string_val")
    if name == "DT_BFLOAT16":
        return _widen(np.frombuffer(content, dtype="<u2"))
    return np.frombuffer(content, dtype=np.dtype(LISTS[name][1]).newbyteorder("<"))


def _from_list(proto: Message, name: str, count: int) -> NDArray[Any]:
    field, dtype = LISTS[name]
    values = getattr(proto, field)
    if name in _PAIRED:
        flat = np.array(values, dtype=_PAIRED[name]).view(dtype)
    elif name in _HALVES:
        bits = np.array(values, dtype=np.int64).astype(np.uint16)
        flat = bits.view(np.float16) if name == "DT_HALF" else _widen(bits)
    else:
        flat = _array(values, dtype)
    if 0 < flat.size < count:
        if name == "DT_STRING" and len(flat[-1]) * (count - flat.size) > LARGEST_TENSOR:
            raise ValueError(f"a string repeated {count - flat.size} times is larger than {LARGEST_TENSOR} bytes")
        return np.concatenate([flat, np.full(count - flat.size, flat[-1], dtype=flat.dtype)])
    return flat


def _array(values: Any, dtype: str) -> NDArray[Any]:
    """(n,) the elements; an int_val outside a small integer type is cut to its low bits, as TensorFlow cuts it."""
    if dtype in ("uint8", "int16", "int8", "uint16"):
        return np.array(values, dtype=np.int64).astype(dtype)
    flat = np.empty(len(values), dtype=dtype)
    flat[:] = values
    return flat


def _widen(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _list_elements(array: NDArray[Any], name: str) -> list[Any]:
    flat = array.ravel()
    if flat.dtype.kind == "U":
        return [text.encode() for text in flat.tolist()]
    if name in _PAIRED:
        return list(flat.view(_PAIRED[name]).tolist())
    if name == "DT_HALF":
        return list(flat.view(np.uint16).tolist())
    if name == "DT_BFLOAT16":
        return list((np.ascontiguousarray(flat, dtype=np.float32).view(np.uint32) >> 16).tolist())
    return list(flat.tolist())
