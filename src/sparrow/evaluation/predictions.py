"""Predictions of a yes or no, judged over people: AUC, GAUC, log loss and calibration with intervals, and paired leads.

People, not rows, are drawn for the bootstrap: rows of one person are no independent evidence. Every prediction is asked on the
same rows and judged on the same draws, so that differences are paired.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation import metrics

Values = NDArray[np.float64]
Times = NDArray[np.int32]
"""(people,) how often each person is drawn."""

DRAWS: Final = 500
FEWEST_DRAWS: Final = 200
ROW_DRAWS: Final = 100_000_000
"""Rows times draws at most, as long as `FEWEST_DRAWS` remain."""

PLACES: Final = 4
"""Decimals that are told."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows that people answered, and what was predicted.

    Attributes:
        people: (n,) raw ids, any order.
        labels: (n,) 0 or 1, both present.
        scores: name → (n,) what orders the rows and is no chance.
        chances: name → (n,) predicted chances of a 1; they order as well.
    """

    people: NDArray[np.int64]
    labels: NDArray[np.integer]
    scores: Mapping[str, Values]
    chances: Mapping[str, Values]

    def __post_init__(self) -> None:
        """Names what cannot be judged."""
        metrics.check_both_labels(self.labels)
        for name, values in {**self.scores, **self.chances}.items():
            if not np.isfinite(values).all():
                raise ValueError(f"{name!r} predicts {int((~np.isfinite(values)).sum())} times no finite number.")

    @cached_property
    def person(self) -> NDArray[np.int64]:
        """(n,) dense people."""
        return np.unique(self.people, return_inverse=True)[1]

    @cached_property
    def draws(self) -> Times:
        """(1 + draws, people) how often each person counts: first everyone once, then each resample."""
        people = int(self.person.max()) + 1
        count = int(np.clip(ROW_DRAWS // len(self.labels), FEWEST_DRAWS, DRAWS))
        rng = np.random.default_rng(1)
        drawn = (np.bincount(rng.integers(0, people, people), minlength=people) for _ in range(count))
        return np.stack([np.ones(people, np.int64), *drawn], dtype=np.int32)


def judge_predictions(answers: Answers, references: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Every prediction's figures with 95 % bootstrap intervals over people, and its leads.

    Args:
        answers: what is judged.
        references: name of a prediction → metrics in which the others are compared with it.

    Returns:
        people, ratings, liked share; people and ratings that GAUC leaves out; a row a prediction.
    """
    single = metrics.one_class_groups(answers.labels, answers.person)
    figures = {name: _figures(answers, values, False) for name, values in answers.scores.items()}
    figures |= {name: _figures(answers, values, True) for name, values in answers.chances.items()}
    return {
        "people": int(answers.person.max()) + 1,
        "ratings": len(answers.labels),
        "liked": round(float(answers.labels.mean()), PLACES),
        "one_class": {"people": int(single.sum()), "ratings": int(single[answers.person].sum())},
        "rows": [_row(name, told, figures, references) for name, told in figures.items()],
    }


def _row(
    name: str, told: Mapping[str, Values], figures: Mapping[str, Mapping[str, Values]],
    references: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:  # fmt: skip
    leads = {
        other: {metric: _told(told[metric] - figures[other][metric]) for metric in asked if metric in told}
        for other, asked in references.items()
        if other in figures and name not in references
    }
    spread = {metric: _told(values) for metric, values in told.items()}
    return {
        "model": name,
        "metrics": {metric: one["value"] for metric, one in spread.items()},
        "interval": {metric: one["interval"] for metric, one in spread.items()},
        **({"leads": leads} if leads else {}),
    }


def _told(values: Values) -> dict[str, Any]:
    """(1 + draws,) the figure and its resamples → what is told."""
    found = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(found, [2.5, 97.5]) if len(found) else (np.nan, np.nan)
    return {"value": _rounded(values[0]), "interval": [_rounded(low), _rounded(high)]}


def _rounded(value: float) -> float | None:
    """None, which JSON can hold, where there is no figure."""
    return round(float(value), PLACES) if np.isfinite(value) else None


def _figures(answers: Answers, values: Values, is_chance: bool) -> dict[str, Values]:
    """Metric → (1 + draws,) itself and its resamples."""
    labels, person, draws = answers.labels, answers.person, answers.draws
    auc_of = _auc_of(values, labels, person)
    areas, rows = metrics.auc_by_group(values, labels, person)
    told = {"auc": np.array([auc_of(times) for times in draws]), "gauc": _ratio(draws, areas * rows, rows)}
    if not is_chance:
        return told
    every, likelihood = np.bincount(person), metrics.log_likelihood(values, labels)
    sums = metrics.calibration_sums(values, labels, person)
    told["log_loss"] = _ratio(draws, -np.bincount(person, likelihood), every)
    told["calibration_error"] = np.abs(draws @ sums).sum(axis=1) / (draws @ every)
    told["mean_prediction"] = _ratio(draws, np.bincount(person, values), every)
    return told


def _ratio(draws: Times, part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """(1 + draws,) sum of (people,) parts over sum of wholes; NaN where a draw has no whole."""
    wholes = (draws @ whole).astype(np.float64)
    return np.asarray(np.divide(draws @ part, wholes, out=np.full(len(wholes), np.nan), where=wholes > 0))


def _auc_of(scores: Values, labels: NDArray[np.integer], person: NDArray[np.int64]) -> Callable[[Times], float]:
    """`metrics.auc` of rows that count several times: sorted once, summed once a draw."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    whose, liked = person[order], labels[order].astype(np.int64)

    def area(times: Times) -> float:
        weight = times[whose]
        both = np.add.reduceat(weight, starts)
        positive = np.add.reduceat(weight * liked, starts)
        negative = both - positive
        pairs = float(positive.sum()) * float(negative.sum())
        won = (
            positive * (np.cumsum(negative) - negative / 2)
        ).sum()  # a threaded dot product waits longer than it works
        return float(won) / pairs if pairs else float("nan")

    return area
