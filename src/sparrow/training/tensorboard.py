"""A learning curve as an event file that TensorBoard reads; TensorBoard itself is needed by whoever looks, not here."""

from pathlib import Path

import tensorflow as tf

from sparrow.training.fit import Curve


def write_events(curve: Curve, folder: Path) -> None:
    """Write loss, figure of merit and rows per second of each epoch.

    Args:
        curve: of a training.
        folder: one a run; TensorBoard is shown the folder above it.
    """
    # TensorFlow's eager summaries live in the package of TensorBoard; the graph ones are its own.
    with tf.Graph().as_default(), tf.compat.v1.summary.FileWriter(str(folder)) as writer:
        told = {"loss": curve.loss, "merit": curve.merit, "rows_per_second": curve.rows_per_second}
        for tag, values in told.items():
            for epoch, value in enumerate(values):
                one = tf.compat.v1.Summary.Value(tag=tag, simple_value=value)
                writer.add_summary(tf.compat.v1.Summary(value=[one]), epoch + 1)
