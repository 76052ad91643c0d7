"""What a deep model must beat on the same rows: logistic regression and boosted trees, each in its best form.

Settings are chosen, and trees counted, on validation rows by log loss; only then are test rows predicted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.liking.plain_features import Plain
from sparrow.evaluation.metrics import log_loss

Chances = NDArray[np.float64]
Flags = NDArray[np.bool_]

STRENGTHS: Final = (0.003, 0.03, 0.3, 3.0)
"""C of logistic regression: the inverse of its L2 penalty."""

TREES: Final = tuple(product((7, 15, 31), (50,)))
"""Leaves of a tree, and rows in a leaf at least."""

PATIENCE: Final = 50
CLIPPED: Final = 4.0
"""Deviations beyond which a number tells a regression no more."""


@dataclass(frozen=True)
class Task:
    """Rows to learn from, to choose by, and to predict.

    Attributes:
        features: name → (n,) float32, NaN where missing.
        labels: (n,) 0 or 1.
        fit, stop: (n,) which rows train, and which choose settings.
    """

    features: Plain
    labels: NDArray[np.integer]
    fit: Flags
    stop: Flags


def logistic_regression(task: Task, seed: int) -> tuple[Chances, str]:
    """(n,) chances of every row, and the settings chosen: standardised numbers, their squares, and what is missing."""
    matrix = _standardised(task)
    fitted = [
        LogisticRegression(C=strength, max_iter=500, random_state=seed).fit(matrix[task.fit], task.labels[task.fit])
        for strength in STRENGTHS
    ]
    losses = [log_loss(one.predict_proba(matrix[task.stop])[:, 1], task.labels[task.stop]) for one in fitted]
    best = int(np.argmin(losses))
    return fitted[best].predict_proba(matrix)[:, 1], f"C {STRENGTHS[best]}"


def _standardised(task: Task) -> NDArray[np.float32]:
    columns = []
    for values in task.features.values():
        known = ~np.isnan(values)
        trained = values[task.fit & known].astype(np.float64)
        centre, scale = (trained.mean(), trained.std()) if len(trained) else (0.0, 1.0)
        told = np.clip(np.where(known, (values - centre) / (scale or 1.0), 0.0), -CLIPPED, CLIPPED)
        is_flag = len(np.unique(trained[:1000])) <= 2
        columns += [told] if is_flag else [told, told**2, ~known]
    return np.stack(columns, axis=1).astype(np.float32)


def boosted_trees(task: Task, seed: int) -> tuple[Chances, str]:
    """(n,) chances of every row, and the settings chosen (LightGBM: Ke et al., 2017)."""
    matrix = np.stack(list(task.features.values()), axis=1)
    train = lightgbm.Dataset(matrix[task.fit], task.labels[task.fit], free_raw_data=False)
    stop = lightgbm.Dataset(matrix[task.stop], task.labels[task.stop], reference=train, free_raw_data=False)
    best: tuple[float, Any, str] = (np.inf, None, "")
    for leaves, fewest in TREES:
        told = {
            "objective": "binary", "learning_rate": 0.05, "num_leaves": leaves, "min_data_in_leaf": fewest,
            "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "verbosity": -1,
            "seed": seed, "num_threads": 1, "feature_pre_filter": False,
        }  # fmt: skip
        stopping = lightgbm.early_stopping(PATIENCE, verbose=False)
        model = lightgbm.train(told, train, 1500, valid_sets=[stop], callbacks=[stopping])
        reached = model.best_score["valid_0"]["binary_logloss"]
        if reached < best[0]:
            best = reached, model, f"{leaves} leaves of {fewest} rows or more, {model.best_iteration} trees"
    return np.asarray(best[1].predict(matrix, num_iteration=best[1].best_iteration)), best[2]


REFERENCES: Final[Mapping[str, Callable[[Task, int], tuple[Chances, str]]]] = {
    "logistic_regression": logistic_regression,
    "lightgbm": boosted_trees,
}
"""Name → what predicts every row after learning from some."""
