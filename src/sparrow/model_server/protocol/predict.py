"""A prediction in its two JSON forms.

    row     {"instances": [{"userId": 1, "movieId": 589}, …]}           → {"predictions": [[0.82], …]}
    column  {"inputs": {"userId": [1, …], "movieId": [589, …]}}         → {"outputs": [[0.82], …]}

With one input the names may be left out; with several outputs each answer is an object by output name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.model_server.protocol.status import ServingError, invalid
from sparrow.model_server.protocol.tensors import BYTES_SUFFIX, TensorSpec, is_base64, read_tensor, write_tensor
from sparrow.model_server.protocol.text import bracketed, quote

DEFAULT_SIGNATURE: Final = "serving_default"

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by input or output name."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What one entry point of a model takes and gives, by name.

    `method_name` says which calls may use it, None any; `defaults` stand in for inputs that a request leaves out.
    """

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method_name: str | None = None
    defaults: Tensors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """The input arrays, and whether the answer goes back row by row."""

    inputs: Tensors
    is_row_form: bool


def read_signature_name(document: Mapping[str, Any]) -> str:
    """The signature a request names, "serving_default" when it names none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {quote(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name or DEFAULT_SIGNATURE


def read_predict(document: Mapping[str, Any], inputs: Mapping[str, TensorSpec]) -> PredictRequest:
    """The arrays a request document carries.

    Args:
        document: the request, as `text.read_json` gives it.
        inputs: what the signature takes.

    Raises:
        ServingError: INVALID_ARGUMENT, worded as the original words it.
    """
    if "instances" in document and "inputs" in document:
        reason = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        raise invalid(f"JSON Value: {quote(document)} {reason}")
    if "instances" in document:
        return PredictRequest(_read_rows(_instances(document), inputs), is_row_form=True)
    if "inputs" in document:
        return PredictRequest(_read_columns(document["inputs"], inputs), is_row_form=False)
    raise invalid("Missing 'inputs' or 'instances' key")


def write_columns(inputs: Tensors, signature_name: str = DEFAULT_SIGNATURE) -> bytes:
    """The column-form request for some inputs: what a client sends."""
    columns = {name: write_tensor(array) for name, array in inputs.items()}
    return orjson.dumps({"signature_name": signature_name, "inputs": columns})


def write_predict(outputs: Tensors, is_row_form: bool) -> bytes:
    """The answer to a prediction, in the form its request had.

    Raises:
        ServingError: INVALID_ARGUMENT if the row form is asked for and the outputs have no common first dimension.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if is_row_form:
        return orjson.dumps({"predictions": _rows(outputs)})
    columns = {name: write_tensor(array, _is_bytes(name)) for name, array in outputs.items()}
    return orjson.dumps({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})


def _instances(document: Mapping[str, Any]) -> list[Any]:
    instances = document["instances"]
    if not isinstance(instances, list):
        raise invalid(f"JSON Value: {quote(document)} Excepting 'instances' to be an list/array")
    if not instances:
        raise invalid(f"JSON Value: {quote(document)} No values in 'instances' array")
    return instances


def _read_rows(instances: list[Any], inputs: Mapping[str, TensorSpec]) -> Tensors:
    if len(inputs) > 1 and not isinstance(instances[0], dict):
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    try:
        return _stack_rows(instances, inputs)
    except (ServingError, KeyError, TypeError, AttributeError):
        # The whole column was refused; find the first row at fault and say what is wrong with it.
        _check_rows(instances, inputs)
        raise


def _stack_rows(instances: list[Any], inputs: Mapping[str, TensorSpec]) -> Tensors:
    """One column per input, read at once; each element becomes a row of it: (rows, …)."""
    if not _is_named(instances[0]):
        (name,) = inputs
        return {name: read_tensor(instances, inputs[name].data_type)}
    if any(row.keys() != inputs.keys() for row in instances):
        raise KeyError
    return {name: read_tensor([row[name] for row in instances], spec.data_type) for name, spec in inputs.items()}


def _check_rows(instances: list[Any], inputs: Mapping[str, TensorSpec]) -> None:
    """Go through the rows one by one, as the original does, and raise for the first that is wrong."""
    named = _is_named(instances[0])
    shapes: dict[str, tuple[int, ...]] = {}
    for position, row in enumerate(instances):
        if named != _is_named(row):
            expected = "object but got list" if named else "value/list but got object"
            raise invalid(f"Expecting {expected} at item {position} of input list")
        for name, value in row.items() if named else [(next(iter(inputs)), row)]:
            key = f" key: {name}" if named else ""
            try:
                _check_item(name, value, inputs, shapes)
            except ServingError as error:
                reason = f"of 'instances' list. Error: {error.code.name}: {error.message}"
                raise invalid(f"Failed to process element: {position}{key} {reason}") from None
        if named and row.keys() != inputs.keys():
            where = f"Failed to process element: {position} of 'instances' list."
            raise invalid(f"{where} JSON object: {quote(row)} keys must be equal to: {','.join(sorted(inputs))}")


def _check_item(name: str, value: Any, inputs: Mapping[str, TensorSpec], shapes: dict[str, tuple[int, ...]]) -> None:
    """One element of one row: its name is an input, it has the type, and the shape of the rows before it."""
    if name not in inputs:
        raise invalid(f"JSON object: does not have named input: {name}")
    shape = read_tensor(value, inputs[name].data_type).shape
    expected = shapes.setdefault(name, shape)
    if np.prod(expected) != np.prod(shape):
        raise invalid(f"Expecting tensor size: {np.prod(expected):.0f} but got: {np.prod(shape):.0f}")
    if expected != shape:
        raise invalid(f"Expecting shape {bracketed(expected)} but got: {bracketed(shape)}")


def _read_columns(value: Any, inputs: Mapping[str, TensorSpec]) -> Tensors:
    if not _is_named(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        (name,) = inputs
        return {name: read_tensor(value, inputs[name].data_type)}
    missing = next((name for name in inputs if name not in value), None)
    if missing is not None:
        raise invalid(f"Missing named input: {missing} in 'inputs' object.")
    # A name the signature does not have is ignored, as in the original.
    return {name: read_tensor(value[name], spec.data_type) for name, spec in inputs.items()}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _is_bytes(name: str) -> bool:
    return name.endswith(BYTES_SUFFIX)


def _rows(outputs: Tensors) -> orjson.Fragment | list[dict[str, orjson.Fragment]]:
    size = _batch_size(outputs)
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return write_tensor(array, _is_bytes(name))
    return [
        {name: write_tensor(array[i, ...], _is_bytes(name)) for name, array in outputs.items()} for i in range(size)
    ]


def _batch_size(outputs: Tensors) -> int:
    size = -1
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(array)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}")
        size = len(array)
    return size
