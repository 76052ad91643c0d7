"""The training loop: when it stops, what it keeps, what it refuses, and that it repeats itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from sparrow.errors import BuildError
from sparrow.training.fit import Curve, Epoch, Schedule, fit

pytestmark = pytest.mark.slow

SCHEDULE = Schedule(epochs=10, batch=16, learning_rate=0.05, weight_decay=0.0, patience=3, seed=7)


def build() -> keras.Model:
    x = keras.Input((2,), name="x")
    return keras.Model({"x": x}, {"y": keras.layers.Dense(1, name="y")(x)})


def epoch(number: int) -> Epoch:
    """Label 1 where the first column is positive; 70 rows, which no batch of 16 divides."""
    chance = np.random.default_rng(number)
    x = chance.normal(size=(70, 2)).astype(np.float32)
    return Epoch({"x": x}, {"y": (x[:, :1] > 0).astype(np.float32)}, {"y": np.ones(70, np.float32)})


def merits(values: list[float], seen: list[list[np.ndarray]]) -> Callable[[keras.Model], float]:
    """A validation that gives these figures in turn and remembers the weights it was shown."""
    figures = iter(values)

    def validate(network: keras.Model) -> float:
        seen.append([np.array(weight) for weight in network.get_weights()])
        return next(figures)

    return validate


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_it_stops_after_patience_and_restores_the_best_weights() -> None:
    seen: list[list[np.ndarray]] = []
    network, curve = fit(build, epoch, SCHEDULE, merits([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], seen))
    assert curve.merit == [0.1, 0.5, 0.4, 0.3, 0.2]
    assert curve.best_epoch == 2
    assert same(network.get_weights(), seen[1])
    assert not same(network.get_weights(), seen[-1])


def test_a_late_best_starts_the_patience_anew() -> None:
    values = [0.5, 0.4, 0.3, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    _, curve = fit(build, epoch, SCHEDULE, merits(values, []))
    assert (curve.best_epoch, len(curve.merit)) == (4, 7)


def test_without_validation_it_trains_every_epoch_and_keeps_the_last() -> None:
    told: list[tuple[int, int]] = []
    _, curve = fit(build, epoch, replace(SCHEDULE, epochs=4), None, lambda *progress: told.append(progress))
    assert (curve.best_epoch, len(curve.loss)) == (4, 4)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert curve.loss[-1] < curve.loss[0]


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    short = replace(SCHEDULE, epochs=2)
    first, second, other = (fit(build, epoch, replace(short, seed=seed))[0].get_weights() for seed in (7, 7, 8))
    assert same(first, second)
    assert not same(first, other)


def test_each_epoch_is_asked_for_by_its_number() -> None:
    asked: list[int] = []

    def source(number: int) -> Epoch:
        asked.append(number)
        return epoch(number)

    fit(build, source, replace(SCHEDULE, epochs=3))
    assert asked == [0, 1, 2]


def test_a_diverging_loss_names_the_epoch_the_rate_and_the_cure() -> None:
    def poisoned(number: int) -> Epoch:
        good = epoch(number)
        return good if number == 0 else replace(good, inputs={"x": good.inputs["x"] * np.float32(np.nan)})

    with pytest.raises(BuildError, match=r"nan in epoch 2 at learning rate 0\.05; lower neural_cf\.learning_rate"):
        fit(build, poisoned, SCHEDULE)


def test_rows_of_weight_zero_teach_nothing() -> None:
    def weightless(number: int) -> Epoch:
        return replace(epoch(number), weights={"y": np.zeros(70, np.float32)})

    start: list[list[np.ndarray]] = []

    def remember() -> keras.Model:
        network = build()
        start.append([np.array(weight) for weight in network.get_weights()])
        return network

    network, _ = fit(remember, weightless, replace(SCHEDULE, epochs=2))
    assert same(network.get_weights(), start[0])


def test_a_curve_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    curve = Curve(loss=[0.5, 0.25], merit=[0.1, 0.2], best_epoch=2)
    curve.save(tmp_path / "curve.json")
    assert Curve.load(tmp_path / "curve.json") == curve


def test_an_epoch_knows_its_rows() -> None:
    assert epoch(0).rows == 70
