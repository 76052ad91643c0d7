"""Several devices: each takes a part of every batch, and all learn what each has found (synchronous data parallelism).

Weights are mirrored, gradients are summed before a step, so a step of a loss that is a mean over rows is that of the whole
batch. What a loss takes from a batch itself, other rows' movies as negatives or the sum of its weights, it takes from its own
device's part.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Arrays = Mapping[str, Any]
Step = Callable[[Arrays, Arrays, Arrays], Any]
"""Inputs, labels and weights of one batch → its loss."""


def all_gpus() -> tf.distribute.Strategy:
    """Over all GPUs where there are several; else one that changes nothing."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def on_every_device(step: Step, strategy: tf.distribute.Strategy) -> Step:
    """A step of all devices together from the step of one, whose loss must be divided by `num_replicas_in_sync`."""
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return tf.function(step)  # type: ignore[no-any-return]

    @tf.function  # type: ignore[untyped-decorator]
    def together(*shares: Any) -> Any:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(step, args=shares), axis=None)

    def shared(*batch: Arrays) -> Any:
        return together(*(_dealt(arrays, strategy, replicas) for arrays in batch))

    return shared


def _dealt(arrays: Arrays, strategy: tf.distribute.Strategy, replicas: int) -> Any:
    """Each device's part of the rows."""

    def part(context: Any) -> Arrays:
        number = context.replica_id_in_sync_group
        return {name: tf.constant(np.array_split(np.asarray(rows), replicas)[number]) for name, rows in arrays.items()}

    return strategy.experimental_distribute_values_from_function(part)
