"""The ranking stage: train NeuralCF on both fits, export both forms, keep what it says about liking."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import NeuralCF, Settings
from sparrow.errors import BuildError
from sparrow.evaluation.ranking import judge
from sparrow.features.definitions import MOVIE_SUMS, USER_SUMS, finish
from sparrow.schema import Columns
from sparrow.training.quiet import native_chatter_hidden

if TYPE_CHECKING:
    import keras

    from sparrow.features.encoding import EncodingSpec
    from sparrow.training.id_samples import IdSamples
    from sparrow.training.sample_files import SampleFiles
    from sparrow.training.validation import RankingValidation

Report = Callable[[int, int], None]

FIT_ROWS: Final = (pc.field("split") == "train") & (pc.field("fold") == "fit")
STOP_ROWS: Final = (pc.field("split") == "train") & (pc.field("fold") == "stop")
JUDGED_ROWS: Final = (pc.field("split") != "train") | (pc.field("fold") == "last")

PREDICTED_AT_ONCE: Final = 2**16
"""Rows in one step of prediction."""


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

    is_judging = epochs is None
    source = _source(samples, settings, FIT_ROWS if is_judging else None)
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
        _predict_liking(network, source.spec, samples / "liking.parquet", out / "liking.parquet")
    counts = {"epochs": len(curve.loss), "best_epoch": curve.best_epoch, "loss": round(curve.loss[-1], 4)}
    counts |= {"positives": len(source.users), "rows_per_second": round(float(np.median(curve.rows_per_second)))}
    return counts | ({"older_positives_left_out": source.left_out} if source.left_out else {})


def _source(samples: Path, settings: Settings, fold: Any) -> "IdSamples":
    from sparrow.training.id_samples import COLUMNS, IdSamples
    from sparrow.training.sample_files import SampleFiles

    older = samples / "seen.parquet"
    return IdSamples(
        SampleFiles(samples / "choice.parquet", COLUMNS),
        SampleFiles(samples / "liking.parquet", COLUMNS, fold),
        settings.samples,
        settings.neural_cf.max_rows,
        SampleFiles(older, (Columns.USER, Columns.MOVIE)) if older.exists() else None,
    )


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


def _validation(samples: Path, source: "IdSamples") -> "RankingValidation":
    """nDCG@10 over the rows that follow a person's training rows."""
    from sparrow.models.neural_cf import CHOICE
    from sparrow.training.id_samples import read_ids
    from sparrow.training.sample_files import SampleFiles
    from sparrow.training.validation import RankingValidation

    files = SampleFiles(samples / "liking.parquet", (Columns.USER, Columns.MOVIE), STOP_ROWS)
    found = [read_ids(table) for table in files.tables()]
    users, movies = (np.concatenate([ids[name] for ids in found]) for name in files.columns)
    validation = RankingValidation(
        source, (users, movies), CHOICE, lambda lists, relevant: judge("", lists, relevant, 10).mean("ndcg@10")
    )
    if not validation:
        raise BuildError(
            "Nobody has enough ratings to hold some back and stop training early; bring people with 10 or more."
        )
    return validation


def _predict_liking(network: "keras.Model", spec: "EncodingSpec", liking: Path, out: Path) -> None:
    """The chance of liking for every row the network was not trained on, beside the plain references, part by part."""
    from sparrow.training.sample_files import SampleFiles

    columns = [Columns.USER, Columns.MOVIE, "label", "split", "fold", *MOVIE_SUMS, *USER_SUMS]
    tables = _judged(network, spec, SampleFiles(liking, columns, JUDGED_ROWS))
    first = next(tables)
    with pq.ParquetWriter(out, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _judged(network: "keras.Model", spec: "EncodingSpec", files: "SampleFiles") -> Iterator[pa.Table]:
    """What was known of the rows, with `neural_cf`, the chance of liking, `is_known`, whether the person was trained, and the
    means of movie and person."""
    from sparrow.features.encoding import UNKNOWN_ROW
    from sparrow.training.id_samples import read_ids

    for table in files.tables():
        rows = spec.encode_ids(read_ids(table))
        chances = 1 / (1 + np.exp(-_liking_logits(network, rows)))
        means = finish({name: table[name].to_numpy() for name in (*MOVIE_SUMS, *USER_SUMS)})
        told = {name: table[name] for name in ("label", "split", "fold")}
        told |= {"neural_cf": chances, "is_known": rows[Columns.USER] != UNKNOWN_ROW}
        yield pa.table(told | {name: means[name] for name in ("movie_mean", "user_mean")})


def _liking_logits(network: "keras.Model", rows: dict[str, NDArray[np.int32]]) -> NDArray[np.float64]:
    """(n,) logits of dense rows (n,), some at a time."""
    from sparrow.models.neural_cf import LIKING

    count = len(rows[Columns.USER])
    logits = np.empty(count)
    for start in range(0, count, PREDICTED_AT_ONCE):
        step = slice(start, start + PREDICTED_AT_ONCE)
        logits[step] = network.predict_on_batch({name: ids[step] for name, ids in rows.items()})[LIKING].reshape(-1)
    return logits
