"""Bytes <-> JSON values, as TensorFlow Serving reads and writes them.

Two things differ from plain JSON: NaN, Infinity and Inf are numbers, and a syntax error is told in RapidJSON's words.
`orjson` reads the usual body; only what it refuses goes through the slower tolerant reader.
"""

import json
import math
import re
from types import NoneType
from typing import Any, Final, NoReturn

import orjson

from sparrow.model_server.protocol.status import ServingError, invalid

LONGEST_QUOTE: Final = 2000
"""Characters of a value that an error message repeats, so that a huge body does not come back as a huge error."""

_LARGEST_INTEGER: Final = 2**64 - 1
# A string without an end matches too: otherwise each quotation mark in it would be tried anew, in quadratic time.
_SHORT_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"?|\bInf\b')
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_REASONS: Final = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Extra data": "The document root must not be followed by other values.",
}


def read_json(body: bytes) -> dict[str, Any]:
    """The request document, which must be one JSON object.

    Raises:
        ServingError: INVALID_ARGUMENT, worded as the original words it.

    Example:
        >>> read_json(b'{"inputs": [1, NaN]}')
        {'inputs': [1, nan]}
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    document = read_value(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {quote(document)} Is not object")
    return document


def read_value(body: bytes) -> Any:
    """Any JSON value, non-finite numbers allowed; integers up to 2**64 - 1 stay exact.

    Raises:
        ServingError: INVALID_ARGUMENT, with the reason and the offset.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_tolerant(body)


def quote(value: Any) -> str:
    """A JSON value as an error message shows it, cut when it is long."""
    if isinstance(value, list | dict) and len(value) > LONGEST_QUOTE:
        return f"{'array' if isinstance(value, list) else 'object'} of {len(value)} elements"
    # Written piece by piece: indented as a whole, a deeply nested body would grow a thousandfold.
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, indent=4).iterencode(value):
        text += piece
        if len(text) > LONGEST_QUOTE:
            break
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"


def bracketed(shape: tuple[int, ...]) -> str:
    """A shape as error messages show it.

    Example:
        >>> bracketed((2, 3))
        '[2,3]'
    """
    return f"[{','.join(map(str, shape))}]"


def kind(value: Any) -> str:
    """RapidJSON's name of a value's type.

    Example:
        >>> kind(2.5), kind(True), kind(None)
        ('Number', 'True', 'Null')
    """
    if isinstance(value, bool):
        return str(value)
    names: dict[type, str] = {NoneType: "Null", dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def write_error(error: ServingError) -> bytes:
    """The original's error body."""
    return orjson.dumps({"error": error.message.encode(errors="replace").decode()})


def _read_tolerant(body: bytes) -> Any:
    try:
        text = _SHORT_INFINITY.sub(lambda found: "Infinity" if found[0] == "Inf" else found[0], body.decode())
        return json.loads(text, parse_int=_integer, parse_float=_decimal)
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
    except json.JSONDecodeError as error:
        _blame(error)
    except RecursionError:
        raise invalid(
            "JSON Parse error: Terminate parsing due to Handler error. The document is nested too deep"
        ) from None


def _integer(digits: str) -> int | float:
    """An integer beyond 64 bits becomes a decimal, as in RapidJSON, so that no model takes it for an id."""
    if len(digits) > 21:
        return _decimal(digits)
    number = int(digits)
    return number if -(2**63) <= number <= _LARGEST_INTEGER else float(number)


def _decimal(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise invalid("JSON Parse error: Number too big to be stored in double.")
    return number


def _blame(error: json.JSONDecodeError) -> NoReturn:
    reason = _REASONS.get(error.msg)
    if reason is None:
        is_list = _innermost_bracket(error.doc[: error.pos]) == "["
        end, after = ("]", "array element") if is_list else ("}", "object member")
        reason = f"Missing a comma or {end} after an {after}."
    raise invalid(f"JSON Parse error: {reason} at offset: {len(error.doc[: error.pos].encode())}") from None


def _innermost_bracket(text: str) -> str:
    """The bracket that is still open at the end of `text`, "" when there is none."""
    opened = [""]
    for found in _BRACKET.finditer(text):
        if found[0] in "[{":
            opened.append(found[0])
        elif found[0] in "]}":
            opened.pop()
    return opened[-1]
