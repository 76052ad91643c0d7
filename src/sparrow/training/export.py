"""Two forms of one trained network: a SavedModel that takes raw ids, and an ONNX graph that starts at dense rows.

The SavedModel carries the TensorFlow interpreter of `EncodingSpec` (lookup tables), so any TensorFlow Serving server can run
it. ONNX Runtime cannot load lookups, so in process `EncodingSpec.encode_ids` does that step in NumPy. Both give
sigmoid(choice), float32, shape (N, 1).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import onnx
import tensorflow as tf
import tf2onnx

from sparrow.features.encoding import FIRST_ROW, UNKNOWN_ROW, EncodingSpec, Vocabulary

OPSET = 17


class _RawIdModel(tf.Module):  # type: ignore[misc]
    """The network behind its lookups: raw int64 ids [N] → score [N, 1]."""

    def __init__(self, network: keras.Model, spec: EncodingSpec, head: str) -> None:
        super().__init__(name="recmodel")
        # TensorFlow Serving restores variables by their place in the graph, and a tracked Keras layer puts each there
        # twice, the restored one unused. So the bare variables are tracked, which leaves the optimiser's out as well.
        self.weights = [variable.value for variable in network.weights]
        self._infer: Callable[[Any], Any] = lambda rows: network(rows, training=False)[head]
        self.lookups = {name: _lookup(name, vocabulary) for name, vocabulary in spec.vocabularies.items()}

    def score(self, **raw: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = {name: lookup.lookup(raw[name]) for name, lookup in self.lookups.items()}
        return {"score": tf.sigmoid(self._infer(rows))}


def _lookup(name: str, vocabulary: Vocabulary) -> tf.lookup.StaticHashTable:
    rows = tf.range(FIRST_ROW, FIRST_ROW + len(vocabulary.ids), dtype=tf.int32)
    items = tf.lookup.KeyValueTensorInitializer(tf.constant(vocabulary.ids, tf.int64), rows)
    return tf.lookup.StaticHashTable(items, default_value=UNKNOWN_ROW, name=f"{name}_rows")


def export_saved_model(network: keras.Model, spec: EncodingSpec, head: str, folder: Path) -> None:
    """Write a SavedModel whose `serving_default` takes each input of the spec as raw int64 ids, shape [N].

    Args:
        network: trained, inputs by name as dense rows, outputs logits by head name.
        spec: the vocabularies it was trained with.
        head: which head is served.
        folder: where `saved_model.pb` and its folders go.
    """
    model = _RawIdModel(network, spec, head)
    signature = {name: tf.TensorSpec([None], tf.int64, name=name) for name in spec.vocabularies}
    serving = tf.function(model.score, input_signature=None).get_concrete_function(**signature)
    tf.saved_model.save(model, str(folder), signatures={"serving_default": serving})


def export_onnx(network: keras.Model, spec: EncodingSpec, head: str, path: Path) -> None:
    """Write an ONNX graph: each input of the spec as dense int32 rows [N] → "score" [N, 1]."""
    inputs = [tf.TensorSpec([None], tf.int32, name=name) for name in spec.vocabularies]

    def score(*rows: tf.Tensor) -> dict[str, tf.Tensor]:
        named: dict[str, Any] = dict(zip(spec.vocabularies, rows, strict=True))
        return {"score": tf.sigmoid(network(named, training=False)[head])}

    graph, _ = tf2onnx.convert.from_function(tf.function(score), input_signature=inputs, opset=OPSET)
    onnx.save(graph, str(path))
