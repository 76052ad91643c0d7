"""How well the models of the judging fit tell what a person will rate 3.5 or more, beside plain references.

The questions are those of `judge`, on rated rows: `next`, `seen`, `unseen`; `seen` and `unseen` tell the people a model was
trained on from all others. A question whose rows are all liked, or none, cannot be asked; where the fit itself had only such
rows (ratings absent or all alike), no network learnt liking, and none is judged on it.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.build.train import NOTHING_LIKED
from sparrow.evaluation.predictions import Answers, judge_predictions
from sparrow.schema import Columns

REFERENCES: Final = {"movie_mean": ("auc", "gauc"), "user_mean": ("auc", "gauc"), "constant": ("log_loss",)}
"""What every model must beat → in what."""

QUESTIONS: Final = ("next", "seen", "unseen")

NOT_PREDICTIONS: Final = frozenset({Columns.USER, Columns.MOVIE, "label", "split", "fold", "is_known"})


def judge_liking(path: Path) -> dict[str, Any]:
    """Question → its figures, or {"skipped": why}.

    Args:
        path: what `build.liking.write_liking` wrote; missing where it was not called.
    """
    if not path.exists():
        return {name: {"skipped": NOTHING_LIKED} for name in QUESTIONS}
    table = pq.read_table(path)
    split, fold, known = (table[name].to_numpy() for name in ("split", "fold", "is_known"))
    after = split != "train"
    rows = ((split == "train") & (fold == "last"), after & known, after & ~known)
    return {name: _judge(table.filter(pa.array(own))) for name, own in zip(QUESTIONS, rows, strict=True)}


def _judge(table: pa.Table) -> dict[str, Any]:
    labels = table["label"].to_numpy()
    if len(np.unique(labels)) < 2:
        whole = f"{len(labels)} ratings, all on one side of 3.5 stars" if len(labels) else "no ratings"
        return {"ratings": len(labels), "skipped": whole}
    told = {name: _column(table, name) for name in table.column_names if name not in NOT_PREDICTIONS}
    scores = {name: values for name, values in told.items() if name in REFERENCES}
    chances = {name: values for name, values in told.items() if name not in REFERENCES}
    chances["constant"] = np.full(len(labels), labels.mean())
    return judge_predictions(Answers(_column(table, Columns.USER), labels, scores, chances), REFERENCES)


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    values: NDArray[Any] = table[name].to_numpy()
    return values
