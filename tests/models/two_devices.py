"""`python -m tests.models.two_devices HOME MODEL …`: an epoch of each model on two devices and on one; prints JSON.

A process of its own, since TensorFlow takes its devices when it starts.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sparrow.build.train import section_of
from sparrow.models import ARCHITECTURES
from sparrow.training.fit import Schedule, fit
from tests.models.board import SETTINGS, seen_untrained
from tests.training.test_fit import SCHEDULE, build, epoch


def devices() -> tf.distribute.Strategy:
    """The processor as two devices."""
    [processor] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def told(home: Path, name: str, strategy: tf.distribute.Strategy) -> dict[str, Any]:
    """Mean loss of an epoch on both, and which weights did not move on two."""
    architecture, section = ARCHITECTURES[name], section_of(SETTINGS, name)
    _, source = seen_untrained(home, name)
    schedule = Schedule(epochs=1, batch=64, learning_rate=0.01, weight_decay=0.0, patience=1, seed=3)
    before: dict[str, Any] = {}

    def build_noted() -> Any:
        network = architecture.build(source.spec, section)
        before.update({weight.path: weight.numpy() for weight in network.training.trainable_weights})
        return network

    _, alone = fit(build_noted, source, schedule, strategy=tf.distribute.get_strategy())
    before.clear()
    network, both = fit(build_noted, source, schedule, strategy=strategy)
    after = {weight.path: weight.numpy() for weight in network.training.trainable_weights}
    still = [path for path, values in after.items() if np.array_equal(values, before[path])]
    return {"alone": alone.loss[0], "both": both.loss[0], "still": still, "replicas": strategy.num_replicas_in_sync}


def difference(strategy: tf.distribute.Strategy) -> float:
    """The largest between the weights of the plainest network after ten epochs on one device and on two."""
    alone, _ = fit(build, epoch, SCHEDULE, strategy=tf.distribute.get_strategy())
    both, _ = fit(build, epoch, SCHEDULE, strategy=strategy)
    pairs = zip(alone.training.get_weights(), both.training.get_weights(), strict=True)
    return max(float(np.abs(one - other).max()) for one, other in pairs)


if __name__ == "__main__":
    mirrored = devices()
    models = {name: told(Path(sys.argv[1]), name, mirrored) for name in sys.argv[2:]}
    sys.stdout.write(json.dumps({"difference": difference(mirrored), "models": models}))
