"""Small SavedModels whose answers are known, made with TensorFlow in the test process."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

ECHOED = (
    "float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64".split()  # noqa: SIM905
)
"""Types that the signature `echo_<type>` of the contract model gives back unchanged."""


def save_contract_model(path: Path, version: int) -> None:
    """One SavedModel with an entry point for each case of the protocol.

    `serving_default` scores userId + movieId / 1000 + 1000 * version, so that an answer tells which version gave it.
    """
    model = tf.Module()
    ids = tf.TensorSpec([None], tf.int64)

    @tf.function(input_signature=[ids, ids])
    def score(userId, movieId):  # noqa: N803 - the contract's input names
        total = tf.cast(userId, tf.float32) + tf.cast(movieId, tf.float32) / 1000.0 + 1000.0 * version
        return {"score": total[:, tf.newaxis]}  # (n,) → (n, 1)

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def half_plus_two(x):
        return {"y": x * 0.5 + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def echo(number):
        return {"number": number}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float64)])
    def two_outputs(pair):
        return {"sum": tf.reduce_sum(pair, 1), "swapped": pair[:, ::-1]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def text(words):
        return {"same": words, "same_bytes": words, "length": tf.strings.length(words)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def summed(x):
        return {"total": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def fails(number):
        with tf.control_dependencies([tf.debugging.assert_less(number, tf.constant(0, tf.int64), "always wrong")]):
            return {"number": tf.identity(number)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def counts(number):
        """Counts to the largest number; a large one takes as long as one likes."""
        end = tf.reduce_max(number)
        return {"end": tf.while_loop(lambda at: at < end, lambda at: (at + 1,), [tf.constant(0, tf.int64)])[0]}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def row_sums(rows):
        return {"total": tf.reduce_sum(rows, 1)}

    signatures = {
        "serving_default": score,
        "half_plus_two": half_plus_two,
        "echo": echo,
        "two_outputs": two_outputs,
        "text": text,
        "summed": summed,
        "fails": fails,
        "counts": counts,
        "row_sums": row_sums,
        **{f"echo_{name}": _echo(tf.dtypes.as_dtype(name)) for name in ECHOED},
    }
    tf.saved_model.save(model, str(path), signatures=signatures)


def _echo(dtype: Any) -> Any:
    @tf.function(input_signature=[tf.TensorSpec(None, dtype)])
    def echo(x):
        return {"x": tf.identity(x)}

    return echo


def save_v1_style_model(path: Path) -> None:
    """Half plus two as TensorFlow 1 wrote it: a graph, a variable, a signature by tensor names."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        half = tf.compat.v1.get_variable("half", initializer=0.5, use_resource=False)
        y = tf.add(x * half, 2.0, name="y")
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(path), inputs={"x": x}, outputs={"y": y})


def save_example_model(path: Path) -> None:
    """TensorFlow 1 style, on serialized tf.Examples with the features "price" (float) and "name" (bytes).

    classify: classes ["cheap <name>", "dear <name>"] with scores [1 - price, price]; regress: price / 2 + 2.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        features = {
            "price": tf.io.FixedLenFeature([1], tf.float32, default_value=0.0),
            "name": tf.io.FixedLenFeature([1], tf.string, default_value=""),
        }
        parsed = tf.io.parse_example(serialized, features)
        price, name = parsed["price"], parsed["name"]  # (n, 1), (n, 1)
        scores = tf.concat([1.0 - price, price], axis=1)  # (n, 2)
        classes = tf.concat([tf.strings.join(["cheap ", name]), tf.strings.join(["dear ", name])], axis=1)
        value = price / 2.0 + 2.0
        flat = tf.reshape(value, [-1])
        defs = v1.saved_model
        only_scores = defs.classification_signature_def(serialized, None, scores)
        signatures = {
            "serving_default": defs.regression_signature_def(serialized, value),
            "classify": defs.classification_signature_def(serialized, classes, scores),
            "only_scores": only_scores,
            "only_classes": defs.classification_signature_def(serialized, classes, None),
            "regress": defs.regression_signature_def(serialized, flat),
            "regress_to_matrix": defs.regression_signature_def(serialized, scores),
            "predict": defs.predict_signature_def({"examples": serialized}, {"value": value}),
        }
        builder = defs.Builder(str(path))
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()


def write_warmup(path: Path, records: list[bytes]) -> None:
    """`assets.extra/tf_serving_warmup_requests` of a version folder."""
    folder = path / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)


def numbers(name: str) -> Any:
    """Some values of a number type, its ends among them."""
    if name.startswith("float"):
        return np.array([[0.0, -1.5], [float(np.finfo(name).max), float(np.finfo(name).tiny)]], dtype=name)
    return np.array([[0, 1], [np.iinfo(name).min, np.iinfo(name).max]], dtype=name)
