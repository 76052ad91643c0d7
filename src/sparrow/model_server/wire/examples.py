"""tf.Example inputs: out of a request's `Input`, and out of JSON objects.

    {"signature_name": "…", "context": {<features>}, "examples": [{"age": 46, "tags": ["a", "b"]}, …]}

A feature is a value or a list of one type: whole numbers and truths become int64, decimals float, text and
`{"b64": "…"}` bytes.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from sparrow.model_server.protocol.status import invalid
from sparrow.model_server.protocol.tensors import is_base64, read_tensor
from sparrow.model_server.protocol.text import kind, quote
from sparrow.model_server.wire.messages import Example, Feature, Message

_KIND_NAMES: Final = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64", None: "UNKNOWN"}


def examples_of(given: Message) -> list[bytes]:
    """(n,) the serialized examples of an `Input`, each with the shared context before it.

    Two serialized messages in a row are their merger, so the context need not be parsed.
    """
    match given.WhichOneof("kind"):
        case "example_list":
            return list(given.example_list.examples)
        case "example_list_with_context":
            shared = given.example_list_with_context
            return [shared.context + example for example in shared.examples]
        case _:
            return []


def read_examples(document: Mapping[str, Any]) -> list[bytes]:
    """(n,) the serialized examples of a classify or regress document.

    Raises:
        ServingError: INVALID_ARGUMENT, worded as the original words it.
    """
    context = _serialize(document["context"]) if "context" in document else b""
    if "examples" not in document:
        reason = "When method is classify, key 'examples' is expected and was not found"
        raise invalid(f"JSON Value: {quote(document)} {reason}")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {quote(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {quote(document)} 'examples' value is an empty array")
    return [context + _serialize(example) for example in examples]


def _serialize(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {kind(value)}")
    example = Example()
    for name, content in value.items():
        # Names that JSON can spell and UTF-8 cannot: a lone surrogate.
        key = name.encode(errors="replace").decode()
        example.features.feature[key].CopyFrom(_feature(name, content))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _feature(name: str, content: Any) -> Message:
    feature = Feature()
    for value in content if isinstance(content, list) else [content]:
        field, element = _element(name, value)
        found = feature.WhichOneof("kind")
        if found not in (None, field):
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {_KIND_NAMES[found]}")
        getattr(feature, field).value.append(element)
    return feature


def _element(name: str, value: Any) -> tuple[str, Any]:
    """The list of a Feature that a value belongs to, and how it stands there."""
    match value:
        case bool():
            return "int64_list", int(value)
        case int():
            if value >= 2**63:
                raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
            return "int64_list", value
        case float():
            return "float_list", _single(value)
        case str() | dict() if isinstance(value, str) or is_base64(value):
            return "bytes_list", _bytes(value)
        case _:
            raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind(value)}")


def _single(value: float) -> float:
    with np.errstate(over="ignore"):
        if np.isfinite(value) and np.isinf(np.float32(value)):
            raise invalid(f"Cannot convert JSON value: {quote(value)} to float without loss of precision.")
    return value


def _bytes(value: Any) -> bytes:
    return bytes(read_tensor(value, "DT_STRING").item())
