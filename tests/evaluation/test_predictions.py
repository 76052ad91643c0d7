"""GAUC, calibration and the judged table against plain loops, scikit-learn, and answers known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from sparrow.evaluation import metrics
from sparrow.evaluation.predictions import Answers, judge_predictions

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.51, 0.93, 1.0])),
    min_size=1,
    max_size=40,
)
"""(person, liked, chance), with ties."""


def arrays(rows: list[tuple[int, bool, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people, labels, chances = (np.array(column) for column in zip(*rows, strict=True))
    return np.unique(people, return_inverse=True)[1], labels.astype(np.int64), chances


def world(people: int = 60, rows: int = 40, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People who like more or less, and the true chances of their labels."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), rows)
    chances = 1 / (1 + np.exp(-(rng.normal(0, 1.5, people)[who] + rng.normal(0, 1, len(who)))))
    return who, (rng.random(len(who)) < chances).astype(np.int64), chances


@given(ROWS)
def test_gauc_is_scikit_learns_auc_of_each_person_weighted_by_rows(rows: list[tuple[int, bool, float]]) -> None:
    people, labels, chances = arrays(rows)
    areas, weights = [], []
    for person in np.unique(people):
        own = people == person
        if 0 < labels[own].sum() < own.sum():
            areas.append(roc_auc_score(labels[own], chances[own]))
            weights.append(own.sum())
    if weights:
        assert metrics.gauc(chances, labels, people) == pytest.approx(np.average(areas, weights=weights))
    else:
        assert np.isnan(metrics.gauc(chances, labels, people))
    assert metrics.one_class_groups(labels, people).sum() == len(np.unique(people)) - len(weights)


@given(ROWS)
def test_calibration_error_is_a_plain_loop_over_bins(rows: list[tuple[int, bool, float]]) -> None:
    _, labels, chances = arrays(rows)
    bins: dict[int, list[tuple[int, float]]] = {}
    for label, chance in zip(labels.tolist(), chances.tolist(), strict=True):
        bins.setdefault(min(int(chance * 15), 14), []).append((label, chance))
    expected = sum(
        len(own)
        / len(labels)
        * abs(sum(label for label, _ in own) / len(own) - sum(chance for _, chance in own) / len(own))
        for own in bins.values()
    )
    assert metrics.calibration_error(chances, labels) == pytest.approx(expected)


def test_calibration_error_has_scikit_learns_bins() -> None:
    _, labels, chances = world()
    share, mean = calibration_curve(labels, chances, n_bins=metrics.CALIBRATION_BINS)
    counts = np.bincount(np.minimum((chances * 15).astype(int), 14), minlength=15)
    expected = np.average(np.abs(share - mean), weights=counts[counts > 0])
    assert metrics.calibration_error(chances, labels) == pytest.approx(expected)


def judged(chances: dict[str, np.ndarray], scores: dict[str, np.ndarray] | None = None) -> dict:
    people, labels, _ = world()
    found = judge_predictions(Answers(people, labels, scores or {}, chances), {"plain": ("auc", "log_loss")})
    return {**found, "rows": {row["model"]: row for row in found["rows"]}}


def test_the_table_holds_the_plain_figures_inside_their_intervals() -> None:
    people, labels, truth = world()
    row = judged({"truth": truth})["rows"]["truth"]
    assert row["metrics"]["auc"] == pytest.approx(roc_auc_score(labels, truth), abs=1e-4)
    assert row["metrics"]["log_loss"] == pytest.approx(sklearn_log_loss(labels, truth), abs=1e-4)
    assert row["metrics"]["gauc"] == pytest.approx(metrics.gauc(truth, labels, people), abs=1e-4)
    assert row["metrics"]["calibration_error"] == pytest.approx(metrics.calibration_error(truth, labels), abs=1e-4)
    assert row["metrics"]["mean_prediction"] == pytest.approx(truth.mean(), abs=1e-4)
    for name in ("auc", "gauc", "log_loss", "mean_prediction"):
        low, high = row["interval"][name]
        assert low < row["metrics"][name] < high, name


def test_people_are_drawn_and_not_rows() -> None:
    """Each person's rows told ten times over are the same evidence, and the interval is as wide."""
    people, labels, truth = world()
    once = judge_predictions(Answers(people, labels, {}, {"truth": truth}), {})
    often = judge_predictions(
        Answers(*(np.repeat(column, 10) for column in (people, labels)), {}, {"truth": np.repeat(truth, 10)}), {}
    )
    assert once["rows"][0]["interval"] == often["rows"][0]["interval"]
    alone = judge_predictions(Answers(np.arange(len(people)), labels, {}, {"truth": truth}), {})
    width = {
        name: np.diff(told["rows"][0]["interval"]["auc"])[0] for name, told in {"once": once, "alone": alone}.items()
    }
    assert width["once"] > 1.1 * width["alone"]


def test_a_lead_is_paired() -> None:
    """Two predictions that order alike lead each other by nothing, whoever is drawn; a score has no log loss to lead in."""
    _, _, truth = world()
    rows = judged({"plain": truth, "sharper": truth**0.5}, {"score": np.log(truth)})["rows"]
    assert rows["sharper"]["leads"]["plain"]["auc"] == {"value": 0.0, "interval": [0.0, 0.0]}
    low, high = rows["sharper"]["leads"]["plain"]["log_loss"]["interval"]
    assert 0 < low < high, "the truth has the least log loss"
    assert rows["score"]["leads"]["plain"].keys() == {"auc"} and "log_loss" not in rows["score"]["metrics"]
    assert "leads" not in rows["plain"]


def test_who_has_one_answer_only_is_counted() -> None:
    people, labels = np.array([1, 1, 7, 7, 7, 9]), np.array([1, 1, 0, 1, 1, 0])
    found = judge_predictions(Answers(people, labels, {}, {"even": np.full(6, 0.5)}), {})
    assert (found["people"], found["ratings"], found["one_class"]) == (3, 6, {"people": 2, "ratings": 3})
    assert found["rows"][0]["metrics"]["gauc"] == 0.5


def test_what_cannot_be_judged_is_named() -> None:
    people, labels = np.arange(2), np.array([0, 1])
    with pytest.raises(ValueError, match="both labels; got 2 positives"):
        Answers(people, np.ones(2, np.int64), {}, {})
    with pytest.raises(ValueError, match="'din' predicts 1 times no finite number"):
        Answers(people, labels, {}, {"din": np.array([0.5, np.nan])})
