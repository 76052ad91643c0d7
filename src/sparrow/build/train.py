"""The ranking stage: train NeuralCF on both fits, export both forms, keep what it says about liking."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import NeuralCF, Settings
from sparrow.errors import BuildError
from sparrow.evaluation.ranking import RankingValidation
from sparrow.schema import Columns
from sparrow.training.quiet import native_chatter_hidden

if TYPE_CHECKING:
    import keras

    from sparrow.training.id_samples import IdEpochs

Report = Callable[[int, int], None]

FIT_ROWS: Final[list[tuple[str, str, object]]] = [("split", "==", "train"), ("fold", "==", "fit")]
STOP_ROWS: Final[list[tuple[str, str, object]]] = [("split", "==", "train"), ("fold", "==", "stop")]


def train_ranking(samples: Path, out: Path, settings: Settings, report: Report) -> dict[str, Any]:
    """Train, export and describe both fits into `out/judging` and `out/release`.

    The judging fit stops early on each person's `stop` rows; the release fit then trains that many epochs on all rows.
    """
    epochs = settings.neural_cf.epochs
    judging = _train(samples / "judging", out / "judging", settings, None, report)
    best = int(judging["best_epoch"])
    release = _train(
        samples / "release", out / "release", settings, best, lambda done, _: report(epochs + done, epochs + best)
    )
    return {"judging": judging, "release": release}


def _train(samples: Path, out: Path, settings: Settings, epochs: int | None, report: Report) -> dict[str, Any]:
    # TensorFlow takes seconds to import; a build that reuses this stage need not pay them.
    with native_chatter_hidden():
        from sparrow.models import BUILDERS
        from sparrow.models.neural_cf import CHOICE
        from sparrow.training.export import export_onnx, export_saved_model
        from sparrow.training.fit import fit
        from sparrow.training.id_samples import IdEpochs, Rows

    is_judging = epochs is None
    fold = FIT_ROWS if is_judging else None
    source = IdEpochs(
        Rows.read(samples / "choice.parquet", [("label", "==", 1)]),
        Rows.read(samples / "liking.parquet", fold),
        settings.samples,
    )
    network, curve = fit(
        lambda: BUILDERS["neural_cf"](source.spec, settings.neural_cf),
        source,
        _schedule(settings.neural_cf, epochs),
        _validation(samples, source) if is_judging else None,
        report,
    )
    out.mkdir()
    curve.save(out / "curve.json")
    with native_chatter_hidden():
        export_saved_model(network, source.spec, CHOICE, out / "recmodel")
        export_onnx(network, source.spec, CHOICE, out / "recmodel.onnx")
    source.spec.save(out / "recmodel.encoding.json")
    if is_judging:
        _predict_liking(network, source, samples / "liking.parquet", out / "liking.parquet")
    return {"epochs": len(curve.loss), "best_epoch": curve.best_epoch, "loss": round(curve.loss[-1], 4)}


def _schedule(settings: NeuralCF, epochs: int | None) -> Any:
    from sparrow.training.fit import Schedule

    return Schedule(
        epochs=epochs or settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        patience=settings.patience,
        seed=settings.seed,
    )


def _validation(samples: Path, source: "IdEpochs") -> Callable[["keras.Model"], float]:
    """nDCG@10 over the rows that follow a person's training rows."""
    from sparrow.models.neural_cf import CHOICE
    from sparrow.training.id_samples import Rows

    held_out = Rows.read(samples / "liking.parquet", STOP_ROWS)
    validation = RankingValidation((source.positives.users, source.positives.movies), (held_out.users, held_out.movies))
    if not validation:
        raise BuildError(
            "Nobody has enough ratings to hold some back and stop training early; bring people with 10 or more."
        )
    return lambda network: validation(lambda users, movies: _logits(network, source, users, movies)[CHOICE])


def _logits(
    network: "keras.Model", source: "IdEpochs", users: NDArray[np.int64], movies: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """Raw ids (n,) → (n,) logits by head."""
    rows = source.spec.encode_ids({Columns.USER: users, Columns.MOVIE: movies})
    heads = network.predict_on_batch(rows)
    return {head: np.asarray(values).reshape(-1) for head, values in heads.items()}


def _predict_liking(network: "keras.Model", source: "IdEpochs", liking: Path, out: Path) -> None:
    """The chance of liking for every row the network was not trained on, beside the plain references."""
    from sparrow.models.neural_cf import LIKING

    columns = [Columns.USER, Columns.MOVIE, "label", "split", "fold", "movie_mean", "user_mean"]
    table = pq.read_table(liking, columns=columns)
    judged = table.filter((pa.compute.field("split") != "train") | (pa.compute.field("fold") == "last"))
    users, movies = (judged[name].to_numpy().astype(np.int64) for name in (Columns.USER, Columns.MOVIE))
    chances = 1 / (1 + np.exp(-_logits(network, source, users, movies)[LIKING].astype(np.float64)))
    is_known = np.isin(users, source.positives.users)
    pq.write_table(
        judged.append_column("neural_cf", pa.array(chances)).append_column("is_known", pa.array(is_known)), out
    )
