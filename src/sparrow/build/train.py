"""The ranking stage: train each model on both fits, export both forms, keep what they say about liking."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sparrow.config import Settings, Trained
from sparrow.features.jobs import FITS
from sparrow.stores.releases import served_name
from sparrow.training.quiet import native_chatter_hidden

if TYPE_CHECKING:
    from sparrow.build.liking import Trainee
    from sparrow.build.material import Material
    from sparrow.training.fit import Curve

NOTHING_LIKED: Final = "every rating lies on the same side of 3.5 stars; liking is neither learnt nor judged"

Report = Callable[[int, int], None]


def train_ranking(features: Path, samples: Path, out: Path, settings: Settings, report: Report) -> dict[str, Any]:
    """Train, export and describe every model of `ranking.models` on both fits, into `out/judging` and `out/release`.

    The judging fit stops early on each person's `stop` rows; the release fit then trains that many epochs on all rows.

    Args:
        features, samples: the folders of these stages.
        out: an empty folder.
        report: told (epochs done, epochs at most).
    """
    # TensorFlow takes seconds to import; a build that reuses this stage need not pay them.
    with native_chatter_hidden():
        from sparrow.build.liking import write_liking
        from sparrow.build.material import Material
    materials = {fit: Material(features, samples, fit, settings) for fit in FITS}
    for fit in FITS:
        (out / fit).mkdir()
    counts: dict[str, Any] = {fit: {} for fit in FITS}
    judged: dict[str, Trainee] = {}
    steps = _Steps(settings, report)
    for name in settings.ranking.models:
        judged[name], curve = _train(name, materials["judging"], settings, None, steps.one)
        counts["judging"][name] = _save(name, judged[name], curve, out / "judging")
        steps.half_done(name)
        released, curve = _train(name, materials["release"], settings, curve.best_epoch, steps.one)
        counts["release"][name] = _save(name, released, curve, out / "release")
        steps.half_done(name)
    judging = out / "judging" / "liking.parquet"
    if materials["judging"].tells_liking:
        write_liking(judged, materials["judging"], samples / "judging" / "liking.parquet", judging)
    silent = [fit for fit, material in materials.items() if not material.tells_liking]
    return counts | ({"liking_skipped": dict.fromkeys(silent, NOTHING_LIKED)} if silent else {})


class _Steps:
    """Progress over all models: each may take twice its epochs."""

    def __init__(self, settings: Settings, report: Report) -> None:
        self._epochs: dict[str, int] = {name: section_of(settings, name).epochs for name in settings.ranking.models}
        self._total, self._before, self._report = 2 * sum(self._epochs.values()), 0, report

    def one(self, done: int, _: int) -> None:
        self._report(self._before + done, self._total)

    def half_done(self, name: str) -> None:
        """A model has been trained on one fit, in however many epochs."""
        self._before += self._epochs[name]


def section_of(settings: Settings, name: str) -> Trained:
    """A model's section of the settings."""
    section: Trained = getattr(settings, name)
    return section


def _train(
    name: str, material: "Material", settings: Settings, epochs: int | None, report: Report
) -> "tuple[Trainee, Curve]":
    from sparrow.build.liking import Trainee
    from sparrow.models import ARCHITECTURES
    from sparrow.training.fit import Schedule, fit

    architecture, section = ARCHITECTURES[name], section_of(settings, name)
    source = material.source(architecture, section)
    network, curve = fit(
        lambda: architecture.build(source.spec, section),
        source,
        Schedule.of(section, name, epochs),
        material.validation(source) if epochs is None else None,
        report,
    )
    return Trainee(network.serving, source), curve


def _save(name: str, trainee: "Trainee", curve: "Curve", out: Path) -> Mapping[str, Any]:
    """Both forms, the encoding and the learning curve; returns what the run log tells."""
    with native_chatter_hidden():
        from sparrow.models.network import CHOICE
        from sparrow.training.export import export_onnx, export_saved_model

        served, spec = served_name(name), trainee.source.spec
        export_saved_model(trainee.network, spec, CHOICE, out / served)
        export_onnx(trainee.network, spec, CHOICE, out / f"{served}.onnx")
    spec.save(out / f"{served}.encoding.json")
    curve.save(out / f"{served}.curve.json")
    counts = {"epochs": len(curve.loss), "best_epoch": curve.best_epoch, "loss": round(curve.loss[-1], 4)}
    counts |= {"positives": trainee.source.positives, "rows_per_second": round(float(np.median(curve.rows_per_second)))}
    left_out = trainee.source.left_out
    return counts | ({"older_positives_left_out": left_out} if left_out else {})
