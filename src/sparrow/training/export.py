"""Two forms of one trained network: a SavedModel that takes raw values, and an ONNX graph that starts at dense rows.

The SavedModel carries the TensorFlow interpreter of `EncodingSpec` (lookup tables), so any TensorFlow Serving server can run
it. ONNX Runtime cannot load lookups, so in process `EncodingSpec.encode` does that step in NumPy. Both give
sigmoid(choice), float32, shape (N, 1).

Signatures of the SavedModel:

    serving_default   every input (N, …)
    rank              a person's inputs (1, …), the candidates' (N, …); the person is computed once. Not for models of ids.

The ONNX graph takes both ways of asking. It carries the digest of its encoding, and gives `attention` where the network does.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import keras
import onnx
import tensorflow as tf
import tf2onnx

from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import person_inputs
from sparrow.models.network import ATTENTION
from sparrow.training.interpreter import interpret, raw_type

OPSET: Final = 17
ENCODING: Final = "encoding"
"""Under which the ONNX graph carries its encoding's digest."""


class _RawModel(tf.Module):  # type: ignore[misc]
    """The network behind its interpreters: raw values → score [N, 1]."""

    def __init__(self, network: keras.Model, spec: EncodingSpec, head: str) -> None:
        super().__init__(name="recmodel")
        # TensorFlow Serving restores variables by their place in the graph, and a tracked Keras layer puts each there
        # twice, the restored one unused. So the bare variables are tracked, which leaves the optimiser's out as well.
        self.weights = [variable.value for variable in network.weights]
        self._infer: Callable[[Any], Any] = lambda rows: network(rows, training=False)[head]
        made = {name: interpret(name, field) for name, field in spec.fields.items()}
        self._encode = {name: encode for name, (encode, _) in made.items()}
        self.lookups = [held for _, holds in made.values() for held in holds]

    def score(self, **raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": tf.sigmoid(self._infer({name: encode(raw[name]) for name, encode in self._encode.items()}))}


def export_saved_model(network: keras.Model, spec: EncodingSpec, head: str, folder: Path) -> None:
    """Write a SavedModel that takes each input of the spec as raw values.

    Args:
        network: trained, inputs by name as dense rows, outputs logits by head name.
        spec: the encoding it was trained with.
        head: which head is served.
        folder: where `saved_model.pb` and its folders go.
    """
    model = _RawModel(network, spec, head)
    person = person_inputs(tuple(spec.fields))
    signatures = {"serving_default": _signature(model, spec, ())}
    if not spec.is_of_ids:
        signatures["rank"] = _signature(model, spec, person)
    tf.saved_model.save(model, str(folder), signatures=signatures)


def _signature(model: _RawModel, spec: EncodingSpec, alone: tuple[str, ...]) -> Any:
    """The model with these inputs of batch 1, all others of batch N."""
    specs = {
        name: tf.TensorSpec([1 if name in alone else None, *_lengths(field)], raw_type(field), name=name)
        for name, field in spec.fields.items()
    }
    return tf.function(model.score).get_concrete_function(**specs)


def export_onnx(network: keras.Model, spec: EncodingSpec, head: str, path: Path) -> None:
    """Write an ONNX graph: each input of the spec as dense int32 rows → "score" [N, 1], and "attention" [N, length] if there is.

    A person's inputs may have batch 1.
    """
    inputs = [tf.TensorSpec([None, *_lengths(field)], tf.int32, name=name) for name, field in spec.fields.items()]
    has_attention = ATTENTION in network.output_names

    def score(*rows: tf.Tensor) -> dict[str, tf.Tensor]:
        named: Mapping[str, Any] = dict(zip(spec.fields, rows, strict=True))
        found = network(named, training=False)
        told = {ATTENTION: found[ATTENTION]} if has_attention else {}
        return {"score": tf.sigmoid(found[head]), **told}

    graph, _ = tf2onnx.convert.from_function(tf.function(score), input_signature=inputs, opset=OPSET)
    onnx.helper.set_model_props(graph, {ENCODING: spec.digest})
    onnx.save(graph, str(path))


def _lengths(field: Any) -> list[int]:
    return [field.length] if field.length else []
