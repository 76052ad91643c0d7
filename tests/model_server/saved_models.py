"""Small SavedModels whose answers are known, made with TensorFlow in the test process."""

from pathlib import Path

import tensorflow as tf


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

    signatures = {
        "serving_default": score,
        "half_plus_two": half_plus_two,
        "echo": echo,
        "two_outputs": two_outputs,
        "text": text,
        "summed": summed,
        "fails": fails,
    }
    tf.saved_model.save(model, str(path), signatures=signatures)


def save_v1_style_model(path: Path) -> None:
    """Half plus two as TensorFlow 1 wrote it: a graph, a variable, a signature by tensor names."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        half = tf.compat.v1.get_variable("half", initializer=0.5, use_resource=False)
        y = tf.add(x * half, 2.0, name="y")
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(path), inputs={"x": x}, outputs={"y": y})
