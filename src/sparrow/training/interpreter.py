"""The TensorFlow interpreter of `EncodingSpec`: raw values → rows inside a served graph, as its NumPy twin gives them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from sparrow.features.encoding import (
    FIRST_ROW,
    PAD_ID,
    PAD_NAME,
    PAD_ROW,
    UNKNOWN_ROW,
    Buckets,
    Field,
    Names,
    Vocabulary,
)

Encode = Callable[[Any], Any]
"""Raw values → int32 rows of the same shape."""


def raw_type(field: Field) -> Any:
    """What a served model takes for an input."""
    return {Vocabulary: tf.int64, Names: tf.string, Buckets: tf.float32}[type(field)]


def interpret(name: str, field: Field) -> tuple[Encode, list[Any]]:
    """One input's interpreter, and what it holds that must be saved with the model."""
    if isinstance(field, Buckets):
        return _buckets(field), []
    known = field.ids if isinstance(field, Vocabulary) else list(field.names)
    padding = PAD_ID if isinstance(field, Vocabulary) else PAD_NAME
    # A lookup table cannot be empty; a catalogue without genres has no names.
    tables = [_lookup(name, tf.constant(known, raw_type(field)))] if len(known) else []

    def encode(raw: Any) -> Any:
        rows = tables[0].lookup(raw) if tables else tf.fill(tf.shape(raw), UNKNOWN_ROW)
        return tf.where(raw == padding, PAD_ROW, rows) if field.length else rows

    return encode, tables


def _lookup(name: str, known: Any) -> tf.lookup.StaticHashTable:
    rows = tf.range(FIRST_ROW, FIRST_ROW + tf.size(known), dtype=tf.int32)
    items = tf.lookup.KeyValueTensorInitializer(known, rows)
    return tf.lookup.StaticHashTable(items, default_value=UNKNOWN_ROW, name=f"{name}_rows")


def _buckets(field: Buckets) -> Encode:
    boundaries = tf.constant(field.boundaries, tf.float32)

    def encode(raw: Any) -> Any:
        rows = tf.searchsorted(boundaries, tf.reshape(raw, [-1]), side="right") + 1
        return tf.where(tf.math.is_nan(raw), PAD_ROW, tf.reshape(rows, tf.shape(raw)))

    return encode
