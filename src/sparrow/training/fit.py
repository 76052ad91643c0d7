"""One training loop for every model: epochs of batches, early stopping, best weights, a learning curve.

What a model learns from (`EpochSource`) and what stops it (`Validate`) come in as callables, so the loop knows neither the
model nor the data.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import orjson
import tensorflow as tf
from numpy.typing import NDArray

from sparrow.errors import BuildError

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the samples: inputs by name, and labels and weights by head; every array has the same length."""

    inputs: Arrays
    labels: Arrays
    weights: Arrays

    @property
    def rows(self) -> int:
        return len(next(iter(self.inputs.values())))


EpochSource = Callable[[int], Epoch]
"""Epoch number (0-based) → its samples; fresh negatives may be drawn each time."""

Validate = Callable[[keras.Model], float]
"""The network → a figure of merit, higher is better."""

Progress = Callable[[int, int], None]
Tensors = Mapping[str, Any]
Step = Callable[[Tensors, Tensors, Tensors], Any]
"""Inputs, labels and weights of one batch → its loss."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn. With `patience` epochs without a better figure training stops."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    patience: int
    seed: int


@dataclass(slots=True)
class Curve:
    """What happened: mean loss and figure of merit per epoch; `best_epoch` counts from 1."""

    loss: list[float] = field(default_factory=list)
    merit: list[float] = field(default_factory=list)
    best_epoch: int = 0

    def save(self, path: Path) -> None:
        """Write the curve as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, path: Path) -> "Curve":
        """Read what `save` wrote."""
        return cls(**orjson.loads(path.read_bytes()))


def fit(
    build: Callable[[], keras.Model],
    source: EpochSource,
    schedule: Schedule,
    validate: Validate | None = None,
    progress: Progress = lambda _done, _total: None,
) -> tuple[keras.Model, Curve]:
    """Train a network.

    Args:
        build: makes the untrained network (called after seeding, so that equal seeds give equal weights).
        source: the samples of each epoch.
        schedule: epochs, batch, rates, patience, seed.
        validate: what stops training early; None trains all `schedule.epochs` and keeps the last weights.
        progress: told (epochs done, epochs at most).

    Returns:
        The network with its best weights, and its learning curve.

    Raises:
        BuildError: the loss or the figure of merit is no longer finite.
    """
    keras.utils.set_random_seed(schedule.seed)
    network = build()
    step = _make_step(network, schedule)
    curve, best = Curve(), network.get_weights()
    for number in range(schedule.epochs):
        curve.loss.append(_run_epoch(step, source(number), schedule, number))
        _check_finite("loss", curve.loss[-1], number, schedule)
        curve.merit.append(validate(network) if validate else float(number))
        _check_finite("figure of merit", curve.merit[-1], number, schedule)
        progress(number + 1, schedule.epochs)
        if curve.merit[-1] >= max(curve.merit):
            curve.best_epoch, best = number + 1, network.get_weights()
        elif number + 1 - curve.best_epoch >= schedule.patience:
            break
    network.set_weights(best)
    return network, curve


def _make_step(network: keras.Model, schedule: Schedule) -> Step:
    """One optimiser step as a compiled graph. (Keras' own `train_on_batch` took twice as long on networks this small.)"""
    optimizer = keras.optimizers.AdamW(schedule.learning_rate, weight_decay=schedule.weight_decay)
    optimizer.build(network.trainable_variables)

    @tf.function  # type: ignore[untyped-decorator]
    def step(inputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
        with tf.GradientTape() as tape:
            logits = network(inputs, training=True)
            loss = sum(_weighted_loss(labels[head], logits[head], weights[head]) for head in labels)
        optimizer.apply(tape.gradient(loss, network.trainable_variables))
        return loss

    compiled: Step = step
    return compiled


def _weighted_loss(labels: Any, logits: Any, weights: Any) -> Any:
    """Binary cross-entropy of (batch, 1) labels and logits, its sum weighted by (batch,) divided by the batch."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)  # (batch, 1)
    return tf.reduce_mean(tf.squeeze(losses, axis=1) * weights)


def _run_epoch(step: Step, epoch: Epoch, schedule: Schedule, number: int) -> float:
    """One shuffled pass; returns the mean loss. All batches have one size, as another one would be compiled anew;
    the few rows left over come in another epoch."""
    order, losses = np.random.default_rng((schedule.seed, number)).permutation(epoch.rows), []
    size = min(schedule.batch, epoch.rows)
    for start in range(0, epoch.rows - size + 1, size):
        rows = order[start : start + size]
        parts = (epoch.inputs, epoch.labels, epoch.weights)
        losses.append(step(*({name: tf.constant(values[rows]) for name, values in part.items()} for part in parts)))
    return float(np.mean([loss.numpy() for loss in losses]))


def _check_finite(what: str, value: float, number: int, schedule: Schedule) -> None:
    if not np.isfinite(value):
        raise BuildError(
            f"The {what} became {value} in epoch {number + 1} at learning rate {schedule.learning_rate}; "
            "lower neural_cf.learning_rate, e.g. to a third."
        )
