"""How a model is trained beyond its settings: precision, and what is kept of its learning curve."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import keras
import numpy as np
import pytest
import tensorflow as tf

from sparrow.training.curve_plot import draw
from sparrow.training.fit import Curve
from sparrow.training.precision import precision
from sparrow.training.tensorboard import write_events

pytestmark = pytest.mark.slow

CURVE = Curve(loss=[0.6, 0.5, 0.45], merit=[0.01, 0.03, 0.02], rows_per_second=[1e5, 2e5, 2e5], best_epoch=2)


def test_a_curve_is_drawn_with_both_its_lines_and_their_ends() -> None:
    plot = fromstring(draw(CURVE, "din <&>"))
    lines = [one for one in plot.iter() if one.tag.endswith("polyline")]
    words = [one.text for one in plot.iter() if one.tag.endswith("text")]
    assert len(lines) == 2
    assert all(len(line.attrib["points"].split()) == 3 for line in lines)
    assert {"loss 0.6000", "loss 0.4500", "merit 0.0300", "merit 0.0100", "din <&>", "1", "2", "3"} <= set(words)


@pytest.mark.parametrize("epochs", [1, 4])
def test_without_validation_the_loss_alone_is_drawn(epochs: int) -> None:
    curve = Curve([0.5] * epochs, [float(number) for number in range(epochs)], [1.0] * epochs, epochs)
    plot = fromstring(draw(curve, "x"))
    assert len([one for one in plot.iter() if one.tag.endswith("polyline")]) == 1


def test_tensorboard_can_read_the_curve(tmp_path: Path) -> None:
    write_events(CURVE, tmp_path / "din")
    [file] = (tmp_path / "din").iterdir()
    told: dict[str, list[tuple[int, float]]] = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            told.setdefault(value.tag, []).append((event.step, round(value.simple_value, 4)))
    assert told["loss"] == [(1, 0.6), (2, 0.5), (3, 0.45)]
    assert told["merit"] == [(1, 0.01), (2, 0.03), (3, 0.02)]
    assert len(told["rows_per_second"]) == 3


def test_mixed_precision_multiplies_in_bfloat16_keeps_float32_weights_and_ends() -> None:
    before = keras.config.dtype_policy().name
    with precision("mixed") as is_mixed:
        layer = keras.layers.Dense(3)
        found = layer(np.ones((2, 4), np.float32))
        assert is_mixed
        assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
        assert {str(weight.dtype) for weight in layer.weights} == {"float32"}
    assert keras.config.dtype_policy().name == before


@pytest.mark.parametrize("wanted", ["float32", "auto"])
def test_without_a_gpu_nothing_is_mixed(wanted: str) -> None:
    if wanted == "auto" and tf.config.list_physical_devices("GPU"):
        pytest.skip("a GPU is there, and auto uses it")
    with precision(wanted) as is_mixed:  # type: ignore[arg-type]
        assert not is_mixed
