"""One ranking model on one fit: trained as its architecture says, and written in all its forms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparrow.build.liking import Trainee
from sparrow.build.material import Material
from sparrow.config import Trained
from sparrow.models import ARCHITECTURES
from sparrow.models.network import CHOICE, Network
from sparrow.stores.releases import served_name
from sparrow.training.curve_plot import draw
from sparrow.training.export import export_onnx, export_saved_model
from sparrow.training.fit import Curve, Schedule, fit
from sparrow.training.precision import Precision, precision
from sparrow.training.quiet import native_chatter_hidden
from sparrow.training.warm_start import save_weights, start_from, take_over

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Way:
    """How to train, beyond a model's own section.

    Attributes:
        epochs: how many; None stops early by the validation.
        start: folder of an earlier release to start from, "" for none. Only the release fit may: that release has seen the
            rows which the judging fit holds back.
        precision: of products.
        after: start from what this one has learnt; its ids may be others.
    """

    epochs: int | None = None
    start: str = ""
    precision: Precision = "auto"
    after: Trainee | None = None


def fit_model(name: str, section: Trained, material: Material, way: Way, report: Report) -> tuple[Trainee, Curve]:
    """Train one model.

    Args:
        name: of `ARCHITECTURES`; `section` is its settings.
        material: what it learns from.
        report: told (epochs done, epochs at most).
    """
    architecture, served = ARCHITECTURES[name], served_name(name)
    source = material.source(architecture, section)

    def build() -> Network:
        network = architecture.build(source.spec, section)
        if way.start:
            start_from(network.serving, source.spec, Path(way.start), served)
        elif way.after:
            earlier = {weight.path: weight.numpy() for weight in way.after.network.weights}
            take_over(network.serving, source.spec, earlier, way.after.source.spec)
        return network

    validation = material.validation(source) if way.epochs is None else None
    with precision(way.precision) as is_mixed:
        network, curve = fit(build, source, Schedule.of(section, name, way.epochs), validation, report)
    trained = network.serving
    if is_mixed:
        # Served in float32: the weights are, and ONNX Runtime has no bfloat16 on processors.
        trained = architecture.build(source.spec, section).serving
        trained.set_weights(network.serving.get_weights())
    return Trainee(trained, source), curve


def save_model(name: str, trainee: Trainee, curve: Curve, out: Path, judged: Curve | None = None) -> Mapping[str, Any]:
    """The forms, the encoding and the learning curve; returns what the run log tells.

    Args:
        curve: of this training.
        out: the fit's folder.
        judged: the curve of the judging fit, which has figures of merit and so is the one drawn; None: this is that fit. It
            is asked in process only, so it has no SavedModel, and nothing starts from its weights.
    """
    served, spec = served_name(name), trainee.source.spec
    with native_chatter_hidden():
        export_onnx(trainee.network, spec, CHOICE, out / f"{served}.onnx")
        if judged is not None:
            export_saved_model(trainee.network, spec, CHOICE, out / served)
            save_weights(trainee.network, out / f"{served}.weights.npz")
    spec.save(out / f"{served}.encoding.json")
    curve.save(out / f"{served}.curve.json")
    (out / f"{served}.curve.svg").write_text(
        draw(judged or curve, f"{name}, loss and figure of merit by epoch"), encoding="utf-8"
    )
    counts = {"epochs": len(curve.loss), "best_epoch": curve.best_epoch, "loss": round(curve.loss[-1], 4)}
    counts |= {"positives": trainee.source.positives, "rows_per_second": round(float(np.median(curve.rows_per_second)))}
    if curve.out_of_time:
        counts["out_of_time"] = True
    left_out = trainee.source.left_out
    return counts | ({"older_positives_left_out": left_out} if left_out else {})
