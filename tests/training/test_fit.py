"""The training loop: when it stops, what it keeps, what it refuses, and that it repeats itself."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import keras
import numpy as np
import pytest

from sparrow.errors import BuildError
from sparrow.models.network import Network
from sparrow.training.batches import Batch
from sparrow.training.fit import Curve, Schedule, fit

pytestmark = pytest.mark.slow

SCHEDULE = Schedule(epochs=10, batch=16, learning_rate=0.05, weight_decay=0.0, patience=3, seed=7)


def build() -> Network:
    x = keras.Input((2,), name="x")
    return Network.plain(keras.Model({"x": x}, {"y": keras.layers.Dense(1, name="y")(x)}))


def rows(number: int) -> Batch:
    """Label 1 where the first column is positive; 70 rows, which no batch of 16 divides."""
    chance = np.random.default_rng(number)
    x = chance.normal(size=(70, 2)).astype(np.float32)
    return Batch({"x": x}, {"y": (x[:, :1] > 0).astype(np.float32)}, {"y": np.ones(70, np.float32)})


def epoch(number: int) -> Iterator[Batch]:
    """The same rows in blocks of 30, 30 and 10."""
    return iter([rows(number).take(slice(start, start + 30)) for start in (0, 30, 60)])


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
    assert same(network.training.get_weights(), seen[1])
    assert not same(network.training.get_weights(), seen[-1])


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
    first, second, other = (
        fit(build, epoch, replace(short, seed=seed))[0].training.get_weights() for seed in (7, 7, 8)
    )
    assert same(first, second)
    assert not same(first, other)


def test_each_epoch_is_asked_for_by_its_number() -> None:
    asked: list[int] = []

    def source(number: int) -> Iterator[Batch]:
        asked.append(number)
        return epoch(number)

    fit(build, source, replace(SCHEDULE, epochs=3))
    assert asked == [0, 1, 2]


def test_blocks_of_any_size_train_the_same() -> None:
    whole, _ = fit(build, lambda number: iter([rows(number)]), replace(SCHEDULE, epochs=2))
    cut, _ = fit(build, epoch, replace(SCHEDULE, epochs=2))
    assert same(whole.training.get_weights(), cut.training.get_weights())


def test_inputs_have_any_shape_and_name() -> None:
    def history_model() -> Network:
        history, vector = keras.Input((5,), dtype="int32", name="history"), keras.Input((3,), name="vector")
        mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4)(history))
        joined = keras.layers.Concatenate()([mean, vector])
        outputs = {"y": keras.layers.Dense(1, name="y")(joined)}
        return Network.plain(keras.Model({"history": history, "vector": vector}, outputs))

    def source(number: int) -> Iterator[Batch]:
        chance = np.random.default_rng(number)
        history = chance.integers(0, 9, (64, 5)).astype(np.int32)
        vector = chance.normal(size=(64, 3)).astype(np.float32)
        labels = (history == 8).any(axis=1, keepdims=True).astype(np.float32)
        yield Batch({"history": history, "vector": vector}, {"y": labels}, {"y": np.ones(64, np.float32)})

    _, curve = fit(history_model, source, SCHEDULE)
    assert curve.loss[-1] < 0.8 * curve.loss[0]


def test_fewer_rows_than_a_batch_still_train() -> None:
    network, curve = fit(build, epoch, replace(SCHEDULE, batch=1_000, epochs=2))
    assert np.isfinite(curve.loss).all()
    assert np.any(network.training.get_weights()[1] != 0), "the bias has moved"


def test_an_epoch_without_rows_says_so() -> None:
    with pytest.raises(BuildError, match=r"Epoch 2 has no rows to learn from"):
        fit(build, lambda number: epoch(number) if number == 0 else iter([]), SCHEDULE)


def test_an_error_of_the_source_is_raised_by_fit() -> None:
    def broken(number: int) -> Iterator[Batch]:
        yield from epoch(number)
        raise OSError("part-003.parquet is cut short")

    with pytest.raises(OSError, match=r"part-003\.parquet is cut short"):
        fit(build, broken, SCHEDULE)
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_a_diverging_loss_names_the_epoch_the_rate_and_the_cure() -> None:
    def poisoned(number: int) -> Iterator[Batch]:
        good = rows(number)
        yield good if number == 0 else replace(good, inputs={"x": good.inputs["x"] * np.float32(np.nan)})

    with pytest.raises(BuildError, match=r"nan in epoch 2 at learning rate 0\.05; lower neural_cf\.learning_rate"):
        fit(build, poisoned, SCHEDULE)


def test_rows_of_weight_zero_teach_nothing() -> None:
    def weightless(number: int) -> Iterator[Batch]:
        yield replace(rows(number), weights={"y": np.zeros(70, np.float32)})

    start: list[list[np.ndarray]] = []

    def remember() -> Network:
        network = build()
        start.append([np.array(weight) for weight in network.training.get_weights()])
        return network

    network, _ = fit(remember, weightless, replace(SCHEDULE, epochs=2))
    assert same(network.training.get_weights(), start[0])


def test_the_curve_tells_the_speed_of_each_epoch() -> None:
    _, curve = fit(build, epoch, replace(SCHEDULE, epochs=3))
    assert len(curve.rows_per_second) == len(curve.loss) == 3
    assert all(speed > 0 for speed in curve.rows_per_second)


def test_a_curve_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    curve = Curve(loss=[0.5, 0.25], merit=[0.1, 0.2], rows_per_second=[1e5, 2e5], best_epoch=2)
    curve.save(tmp_path / "curve.json")
    assert Curve.load(tmp_path / "curve.json") == curve


def test_no_epoch_begins_that_would_end_beyond_the_time_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every look takes 15 seconds: an epoch with its three looks takes three quarters of a minute."""
    looks = count(0, 15)
    monkeypatch.setattr("sparrow.training.fit.time.perf_counter", lambda: float(next(looks)))
    _, curve = fit(build, epoch, replace(SCHEDULE, minutes=3))
    assert curve.out_of_time
    assert len(curve.loss) == 4
    assert curve.best_epoch == 4
    _, curve = fit(build, epoch, replace(SCHEDULE, epochs=3, minutes=3))
    assert not curve.out_of_time, "it ended by itself"


def test_training_goes_on_while_one_of_several_figures_gets_better() -> None:
    """The first figure is best at once, the second rises for six epochs; the weights are those of the best sum."""
    told = iter([(0.9, 0.1 * min(number, 6)) for number in range(10)])
    _, curve = fit(build, epoch, SCHEDULE, lambda _: next(told))
    assert len(curve.merit) == 10, "0.9 is reached again each time"
    told = iter([(0.9 - 0.001 * number, 0.1 * min(number, 6) - 0.01 * max(number - 6, 0)) for number in range(10)])
    _, curve = fit(build, epoch, SCHEDULE, lambda _: next(told))
    assert (curve.best_epoch, len(curve.merit)) == (7, 10)
    told = iter([(0.9 - 0.001 * number, 0.1 * min(number, 2) - 0.01 * max(number - 2, 0)) for number in range(10)])
    _, curve = fit(build, epoch, SCHEDULE, lambda _: next(told))
    assert (curve.best_epoch, len(curve.merit)) == (3, 6), "neither has been better for three epochs"
