"""One training loop for every model: a stream of batches, early stopping, best weights, a learning curve.

What a model learns from (`Source`) and what stops it (`Validate`) come in as callables, so the loop knows neither the
model nor the data, and never holds more of an epoch than the batches that are next.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import orjson
import tensorflow as tf
from numpy.typing import NDArray

from sparrow.config import Trained
from sparrow.errors import BuildError
from sparrow.features.prefetch import prefetched
from sparrow.models.network import Network
from sparrow.training.batches import Batch, batched
from sparrow.training.devices import Step, all_gpus, on_every_device

Source = Callable[[int], Iterator[Batch]]
"""Epoch number (0-based) → its rows in blocks of any size, shuffled; fresh negatives may be drawn each time. It runs in a
thread of its own, ahead of the training, and may be asked for an epoch that is never trained."""

Validate = Callable[[keras.Model], float | tuple[float, ...]]
"""The network → a figure of merit, higher is better; of several their sum is the merit, and training goes on while one of them
still gets better."""

Progress = Callable[[int, int], None]
Tensors = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn. With `patience` epochs without a better figure training stops.

    `section` is the one of the settings that says so. `minutes` is the time it may take, 0 for as long as it wants: an epoch
    that would end beyond it is not begun.
    """

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    patience: int
    seed: int
    section: str = "neural_cf"
    minutes: float = 0.0

    @classmethod
    def of(cls, settings: Trained, section: str, epochs: int | None = None) -> "Schedule":
        """What a model's section of the settings says; `epochs` instead of its own."""
        return cls(
            epochs or settings.epochs, settings.batch, settings.learning_rate, settings.weight_decay, settings.patience,
            settings.seed, section, settings.minutes,
        )  # fmt: skip


@dataclass(slots=True)
class Curve:
    """What happened: mean loss, figure of merit and rows per second (validation apart) per epoch; `best_epoch` counts
    from 1; `out_of_time` tells that the time was up before anything else ended it."""

    loss: list[float] = field(default_factory=list)
    merit: list[float] = field(default_factory=list)
    rows_per_second: list[float] = field(default_factory=list)
    best_epoch: int = 0
    out_of_time: bool = False

    def save(self, path: Path) -> None:
        """Write the curve as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, path: Path) -> "Curve":
        """Read what `save` wrote."""
        return cls(**orjson.loads(path.read_bytes()))


def fit(
    build: Callable[[], Network],
    source: Source,
    schedule: Schedule,
    validate: Validate | None = None,
    progress: Progress = lambda _done, _total: None,
    strategy: tf.distribute.Strategy | None = None,
) -> tuple[Network, Curve]:
    """Train a network.

    Args:
        build: makes the untrained network (called after seeding, so that equal seeds give equal weights).
        source: the samples of each epoch.
        schedule: epochs, batch, rates, patience, seed.
        validate: what stops training early; None trains all `schedule.epochs` and keeps the last weights.
        progress: told (epochs done, epochs at most).
        strategy: how devices share the work; None: all GPUs that there are.

    Returns:
        The network with its best weights, and its learning curve.

    Raises:
        BuildError: the loss or the figure of merit is no longer finite, or an epoch has no rows.
    """
    keras.utils.set_random_seed(schedule.seed)
    strategy = strategy or all_gpus()
    with strategy.scope():
        network = build()
        step = _make_step(network, schedule, strategy)
    learner = network.training
    curve, best = Curve(), learner.get_weights()
    clock, patience = _Clock(schedule.minutes), _Patience(schedule.patience)
    with prefetched(_all_epochs(source, schedule)) as batches:
        for number in range(schedule.epochs):
            _run_epoch(step, iter(partial(next, batches), None), curve)
            _check_finite("loss", curve.loss[-1], number, schedule)
            figures = np.atleast_1d(validate(network.serving) if validate else float(number))
            curve.merit.append(float(figures.sum()))
            _check_finite("figure of merit", curve.merit[-1], number, schedule)
            progress(number + 1, schedule.epochs)
            if curve.merit[-1] >= max(curve.merit):
                curve.best_epoch, best = number + 1, learner.get_weights()
            if patience.is_over(figures):
                break
            if number + 1 < schedule.epochs and clock.is_up(number + 1):
                curve.out_of_time = True
                break
    learner.set_weights(best)
    return network, curve


class _Patience:
    """Ends when no figure has reached its best for so many epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._without = epochs, 0
        self._best: Any = -np.inf

    def is_over(self, figures: NDArray[np.float64]) -> bool:
        """Told each epoch's figures, in order."""
        self._without = 0 if np.any(figures >= self._best) else self._without + 1
        self._best = np.maximum(self._best, figures)
        return self._without >= self._epochs


class _Clock:
    """How much of the allowed time is left."""

    def __init__(self, minutes: float) -> None:
        self._minutes, self._began = minutes, time.perf_counter()

    def is_up(self, epochs: int) -> bool:
        """Whether another epoch, as long as those were in the mean, would end beyond it."""
        spent = (time.perf_counter() - self._began) / 60
        return bool(self._minutes) and spent * (epochs + 1) / epochs > self._minutes


def _all_epochs(source: Source, schedule: Schedule) -> Iterator[Batch | None]:
    """Batches of one size, None after each epoch; so the next epoch's first batches are made during the validation.

    The few rows an epoch leaves over are dropped; they come in another one, as the order is another.
    """
    for number in range(schedule.epochs):
        yield from batched(source(number), schedule.batch)
        yield None


def _make_step(network: Network, schedule: Schedule, strategy: tf.distribute.Strategy) -> Step:
    """One optimiser step as a compiled graph. (Keras' own `train_on_batch` took twice as long on networks this small.)"""
    optimizer = keras.optimizers.AdamW(schedule.learning_rate, weight_decay=schedule.weight_decay)
    learner, loss_of = network.training, network.loss
    optimizer.build(learner.trainable_variables)
    if network.fuses_loss:
        loss_of = tf.function(loss_of, jit_compile=True)

    def step(inputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
        with tf.GradientTape() as tape:
            # Under mixed precision some outputs are bfloat16; losses are in full.
            outputs = {name: tf.cast(value, tf.float32) for name, value in learner(inputs, training=True).items()}
            loss = loss_of(outputs, labels, weights) / strategy.num_replicas_in_sync
        optimizer.apply(tape.gradient(loss, learner.trainable_variables))
        return loss

    return on_every_device(step, strategy)


def _run_epoch(step: Step, batches: Iterator[Batch], curve: Curve) -> None:
    """One pass; adds its mean loss and its speed to the curve."""
    losses, rows, began = [], 0, time.perf_counter()
    for batch in batches:
        losses.append(step(_tensors(batch.inputs), _tensors(batch.labels), _tensors(batch.weights)))
        rows += batch.rows
    if not losses:
        raise BuildError(f"Epoch {len(curve.loss) + 1} has no rows to learn from; build the stage 'samples' again.")
    curve.loss.append(float(np.mean([loss.numpy() for loss in losses])))
    curve.rows_per_second.append(round(rows / (time.perf_counter() - began), 1))


def _tensors(arrays: Mapping[str, Any]) -> Tensors:
    return {name: tf.constant(values) for name, values in arrays.items()}


def _check_finite(what: str, value: float, number: int, schedule: Schedule) -> None:
    if not np.isfinite(value):
        raise BuildError(
            f"The {what} became {value} in epoch {number + 1} at learning rate {schedule.learning_rate}; "
            f"lower {schedule.section}.learning_rate, e.g. to a third."
        )
