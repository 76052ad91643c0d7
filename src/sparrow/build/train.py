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
    from sparrow.models.network import Network
    from sparrow.training.fit import Curve

NOTHING_LIKED: Final = "every rating lies on the same side of 3.5 stars; liking is neither learnt nor judged"

Report = Callable[[int, int], None]


def _quiet(_done: int, _total: int) -> None: ...


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
        section = _tuned(name, materials["judging"], settings, out / "release", steps)
        judged[name], curve = _train(name, section, materials["judging"], report=steps.one)
        counts["judging"][name] = _save(name, judged[name], curve, out / "judging")
        steps.trained(name)
        start = settings.ranking.warm_start
        released, curve = _train(name, section, materials["release"], curve.best_epoch, start, steps.one)
        counts["release"][name] = _save(name, released, curve, out / "release")
        steps.trained(name)
    judging = out / "judging" / "liking.parquet"
    if materials["judging"].tells_liking:
        write_liking(judged, materials["judging"], samples / "judging" / "liking.parquet", judging)
    silent = [fit for fit, material in materials.items() if not material.tells_liking]
    return counts | ({"liking_skipped": dict.fromkeys(silent, NOTHING_LIKED)} if silent else {})


class _Steps:
    """Progress over all models: each may take its epochs for each trial and for each fit."""

    def __init__(self, settings: Settings, report: Report) -> None:
        self._epochs: dict[str, int] = {name: section_of(settings, name).epochs for name in settings.ranking.models}
        trainings = settings.ranking.tune + len(FITS)
        self._total, self._before, self._report = trainings * sum(self._epochs.values()), 0, report

    def one(self, done: int, _: int) -> None:
        self._report(self._before + done, self._total)

    def trained(self, name: str) -> None:
        """A model has been trained once, in however many epochs."""
        self._before += self._epochs[name]


def section_of(settings: Settings, name: str) -> Trained:
    """A model's section of the settings."""
    section: Trained = getattr(settings, name)
    return section


def _tuned(name: str, material: "Material", settings: Settings, out: Path, steps: _Steps) -> Trained:
    """A model's section, or the best of `ranking.tune` others."""
    section = section_of(settings, name)
    if not settings.ranking.tune:
        return section
    from sparrow.build.tune import tune

    def merit(tried: Trained) -> float:
        _, curve = _train(name, tried, material, report=steps.one)
        steps.trained(name)
        return max(curve.merit)

    return tune(section, settings.ranking.tune, merit, out / f"{served_name(name)}.tuning.json")


def _train(
    name: str,
    section: Trained,
    material: "Material",
    epochs: int | None = None,
    start: str = "",
    report: Report = _quiet,
) -> "tuple[Trainee, Curve]":
    """Train one model.

    Args:
        epochs: how many; None stops early by the validation.
        start: folder of an earlier release to start from. Only the release fit may: that release has seen the rows
            which the judging fit holds back.
    """
    from sparrow.build.liking import Trainee
    from sparrow.models import ARCHITECTURES
    from sparrow.training.fit import Schedule, fit
    from sparrow.training.warm_start import start_from

    architecture = ARCHITECTURES[name]
    source = material.source(architecture, section)

    def build() -> "Network":
        network = architecture.build(source.spec, section)
        if start:
            start_from(network.serving, source.spec, Path(start), served_name(name))
        return network

    network, curve = fit(
        build,
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
        from sparrow.training.warm_start import save_weights

        served, spec = served_name(name), trainee.source.spec
        export_saved_model(trainee.network, spec, CHOICE, out / served)
        export_onnx(trainee.network, spec, CHOICE, out / f"{served}.onnx")
        save_weights(trainee.network, out / f"{served}.weights.npz")
    spec.save(out / f"{served}.encoding.json")
    curve.save(out / f"{served}.curve.json")
    counts = {"epochs": len(curve.loss), "best_epoch": curve.best_epoch, "loss": round(curve.loss[-1], 4)}
    counts |= {"positives": trainee.source.positives, "rows_per_second": round(float(np.median(curve.rows_per_second)))}
    left_out = trainee.source.left_out
    return counts | ({"older_positives_left_out": left_out} if left_out else {})
