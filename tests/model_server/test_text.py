"""JSON text: what is read beyond plain JSON, and how a syntax error is told."""

import math

import pytest

from sparrow.model_server.protocol.status import ServingError, invalid
from sparrow.model_server.protocol.text import quote, read_json, read_value, write_error


def test_non_finite_numbers_are_numbers_but_not_inside_strings() -> None:
    values = read_value(b'[NaN, Infinity, -Infinity, Inf, -Inf, "Inf NaN", 1.5, 9223372036854775807]')
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, math.inf, -math.inf, "Inf NaN", 1.5, 2**63 - 1]


def test_integers_beyond_64_bits_become_decimals_in_both_readers() -> None:
    for big in (2**64, -(2**63) - 1, 10**40):
        plain, tolerant = read_value(b"[%d]" % big), read_value(b"[%d, NaN]" % big)
        assert type(plain[0]) is type(tolerant[0]) is float
        assert plain[0] == tolerant[0] == float(big)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"nonsense", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"a": }', "JSON Parse error: Invalid value. at offset: 6"),
        (b"{a: 1}", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": [1 2]}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 9"),
        (b'{"a": [1], "[": 2 3}', "JSON Parse error: Missing a comma or } after an object member. at offset: 18"),
        (b'{"a": 1} 2', "JSON Parse error: The document root must not be followed by other values. at offset: 9"),
        (b'{"a": "x', "JSON Parse error: Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": "\xff"}', "JSON Parse error: Invalid encoding in string. at offset: 7"),
        (b'{"a": 1e400}', "JSON Parse error: Number too big to be stored in double."),
        (b"[1]", "JSON Value: [\n    1\n] Is not object"),
        (b"null", "JSON Value: null Is not object"),
    ],
)
def test_syntax_errors_are_told_in_the_originals_words(body: bytes, message: str) -> None:
    with pytest.raises(ServingError) as refusal:
        read_json(body)
    assert refusal.value.message == message


def test_nesting_without_end_is_refused_not_followed() -> None:
    with pytest.raises(ServingError, match="nested too deep"):
        read_json(b'{"instances": ' + b"[" * 100_000)


def test_long_values_are_quoted_short() -> None:
    assert len(quote("x" * 10**6)) < 3000
    assert quote([1] * 10**6) == "array of 1000000 elements"


def test_an_error_body_survives_any_message() -> None:
    assert write_error(invalid('a "quoted" \ud800 line\n')) == b'{"error":"a \\"quoted\\" ? line\\n"}'
