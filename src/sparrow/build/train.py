"""The ranking stage: train each model on both fits, export both forms, keep what they say about liking."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sparrow.config import Ranking, SasRec, Settings, Trained
from sparrow.features.jobs import FITS
from sparrow.stores.releases import served_name
from sparrow.training.quiet import native_chatter_hidden

if TYPE_CHECKING:
    from sparrow.build.fit_model import Way
    from sparrow.build.liking import Trainee
    from sparrow.build.material import Material
    from sparrow.training.fit import Curve

NOTHING_LIKED: Final = "every rating lies on the same side of 3.5 stars; liking is neither learnt nor judged"

SEQUENTIAL: Final = "sasrec"

Report = Callable[[int, int], None]


def train_ranking(features: Path, samples: Path, out: Path, settings: Settings, report: Report) -> dict[str, Any]:
    """Train, export and describe every model of `models_for` on both fits, into `out/judging` and `out/release`.

    The judging fit stops early on each person's `stop` rows; the release fit then trains that many epochs on all rows, or goes on
    from there (`[sasrec] continued`).

    Args:
        features, samples: the folders of these stages.
        out: an empty folder.
        report: told (epochs done, epochs at most).
    """
    # TensorFlow takes seconds to import; a build that reuses this stage need not pay them.
    with native_chatter_hidden():
        from sparrow.build.fit_model import Way, fit_model, save_model
        from sparrow.build.liking import write_liking
        from sparrow.build.material import Material
    materials = {fit: Material(features, samples, fit, settings) for fit in FITS}
    for fit in FITS:
        (out / fit).mkdir()
    counts: dict[str, Any] = {fit: {} for fit in FITS}
    judged: dict[str, Trainee] = {}
    chosen, names = settings.ranking, models_for(materials["release"].ratings, settings.ranking)
    steps = _Steps(settings, names, report)
    for name in names:
        section = _tuned(name, materials["judging"], settings, out / "release", steps)
        judged[name], curve = fit_model(name, section, materials["judging"], Way(precision=chosen.precision), steps.one)
        counts["judging"][name] = save_model(name, judged[name], curve, out / "judging")
        _show(curve, name, chosen.tensorboard)
        steps.trained(name)
        way = _release_way(section, curve, chosen, judged[name])
        released, again = fit_model(name, section, materials["release"], way, steps.one)
        counts["release"][name] = save_model(name, released, again, out / "release", judged=curve)
        steps.trained(name)
    judging = out / "judging" / "liking.parquet"
    if materials["judging"].tells_liking:
        write_liking(judged, materials["judging"], samples / "judging" / "liking.parquet", judging)
    silent = [fit for fit, material in materials.items() if not material.tells_liking]
    return counts | ({"liking_skipped": dict.fromkeys(silent, NOTHING_LIKED)} if silent else {})


def models_for(ratings: int, ranking: Ranking) -> tuple[str, ...]:
    """Which models so many ratings are worth: a network that reads sequences earns its hour only on many.

    Example:
        >>> models_for(100_000, Ranking()), models_for(1_000_000, Ranking())
        (('neural_cf',), ('neural_cf', 'sasrec'))
    """
    by_size = (SEQUENTIAL,) if 0 < ranking.sequence_from <= ratings else ()
    return tuple(dict.fromkeys((*ranking.models, *by_size)))


def _release_way(section: Trained, curve: "Curve", chosen: Ranking, judged: "Trainee") -> "Way":
    """How the release fit trains: as long as the judging fit was best at, or from where that one stands."""
    from sparrow.build.fit_model import Way

    if isinstance(section, SasRec) and section.continued and not chosen.warm_start:
        return Way(math.ceil(section.continued * curve.best_epoch), precision=chosen.precision, after=judged)
    return Way(curve.best_epoch, chosen.warm_start, chosen.precision)


class _Steps:
    """Progress over all models: each may take its epochs for each trial and for each fit."""

    def __init__(self, settings: Settings, names: Sequence[str], report: Report) -> None:
        self._epochs: dict[str, int] = {name: section_of(settings, name).epochs for name in names}
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
    from sparrow.build.fit_model import Way, fit_model
    from sparrow.build.tune import tune

    def merit(tried: Trained) -> float:
        _, curve = fit_model(name, tried, material, Way(precision=settings.ranking.precision), steps.one)
        steps.trained(name)
        return max(curve.merit)

    return tune(section, settings.ranking.tune, merit, out / f"{served_name(name)}.tuning.json")


def _show(curve: "Curve", name: str, folder: str) -> None:
    """The judging fit's curve, which has a figure of merit, for TensorBoard if it is wanted."""
    if folder:
        from sparrow.training.tensorboard import write_events

        write_events(curve, Path(folder) / name)
