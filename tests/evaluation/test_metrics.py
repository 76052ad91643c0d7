"""Every metric against values computed by hand, and against what must hold for any list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.evaluation import metrics
from sparrow.evaluation.metrics import (
    RANKING,
    auc,
    bootstrap_interval,
    bootstrap_intervals,
    log_loss,
    paired_p_value,
)

LISTS = st.lists(st.booleans(), min_size=1, max_size=15).flatmap(
    lambda hits: st.tuples(st.just(hits), st.integers(min_value=max(1, sum(hits)), max_value=20))
)
"""(hits, relevant movies in all), as many as the hits at least."""


def hits(*places: int) -> np.ndarray:
    return np.array(places, dtype=np.bool_)


LOG3, LOG5 = 1 / math.log2(3), 1 / math.log2(5)


@pytest.mark.parametrize(
    ("found", "relevant", "expected"),
    [
        (hits(1, 0, 1, 0), 3, {
            "precision": 2 / 4, "recall": 2 / 3, "hit_rate": 1, "mrr": 1, "map": (1 + 2 / 3) / 3,
            "ndcg": (1 + 1 / 2) / (1 + LOG3 + 1 / 2)}),
        (hits(0, 0, 0, 1), 1, {"precision": 1 / 4, "recall": 1, "hit_rate": 1, "mrr": 1 / 4, "map": 1 / 4, "ndcg": LOG5}),
        (hits(0, 1), 9, {
            "precision": 1 / 2, "recall": 1 / 9, "hit_rate": 1, "mrr": 1 / 2, "map": 1 / 2 / 2, "ndcg": LOG3 / (1 + LOG3)}),
        (hits(0, 0, 0), 2, {"precision": 0, "recall": 0, "hit_rate": 0, "mrr": 0, "map": 0, "ndcg": 0}),
        (hits(0, 0, 0), 0, {"precision": 0, "recall": 0, "hit_rate": 0, "mrr": 0, "map": 0, "ndcg": 0}),
        (hits(1, 1), 2, {"precision": 1, "recall": 1, "hit_rate": 1, "mrr": 1, "map": 1, "ndcg": 1}),
    ],
)  # fmt: skip
def test_values_by_hand(found: np.ndarray, relevant: int, expected: dict[str, float]) -> None:
    assert {name: float(RANKING[name](found, relevant)) for name in expected} == pytest.approx(expected)


def reference(found: list[bool], relevant: int) -> dict[str, float]:
    """Every metric once more, in plain loops after the definitions of trec_eval and ranx."""
    precisions = [sum(found[: place + 1]) / (place + 1) for place, hit in enumerate(found) if hit]
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(found) if hit)
    best = sum(1 / math.log2(place + 2) for place in range(min(relevant, len(found))))
    return {
        "map": sum(precisions) / min(relevant, len(found)),
        "map_ms": sum(precisions) / relevant,
        "ndcg": gain / best,
        "precision": sum(found) / len(found),
        "recall": sum(found) / relevant,
        "hit_rate": float(any(found)),
        "mrr": next((1 / (place + 1) for place, hit in enumerate(found) if hit), 0.0),
    }


@given(LISTS)
def test_every_metric_agrees_with_plain_loops(case: tuple[list[bool], int]) -> None:
    found, relevant = case
    assert {name: float(formula(hits(*found), relevant)) for name, formula in RANKING.items()} == pytest.approx(
        reference(found, relevant)
    )


def test_many_people_at_once_are_each_person_alone() -> None:
    chance = np.random.default_rng(1)
    found, relevant = chance.random((50, 7)) < 0.3, chance.integers(7, 12, 50)
    for name, formula in RANKING.items():
        alone = [float(formula(row, wanted)) for row, wanted in zip(found, relevant, strict=True)]
        assert formula(found, relevant).tolist() == pytest.approx(alone), name


@given(LISTS)
def test_every_metric_lies_between_nothing_and_perfect(case: tuple[list[bool], int]) -> None:
    found, relevant = hits(*case[0]), case[1]
    best = hits(*sorted(case[0], reverse=True))
    for name, formula in RANKING.items():
        value = formula(found, relevant)
        assert 0 <= value <= 1 + 1e-12, name
        assert value.dtype == np.float64
        assert value <= formula(best, relevant) + 1e-12, f"{name}: moving hits up never costs"


@given(st.integers(min_value=1, max_value=20), st.integers(min_value=1, max_value=20))
def test_a_perfect_list_is_perfect(places: int, relevant: int) -> None:
    perfect = hits(*(place < relevant for place in range(places)))
    for name in ("ndcg", "map", "hit_rate", "mrr"):
        assert RANKING[name](perfect, relevant) == pytest.approx(1), name
    assert metrics.recall(perfect, relevant) == pytest.approx(min(places, relevant) / relevant)
    assert metrics.precision(perfect, relevant) == pytest.approx(min(places, relevant) / places)


@given(LISTS, st.data())
def test_one_more_hit_never_costs(case: tuple[list[bool], int], data: st.DataObject) -> None:
    found, relevant = case
    place = data.draw(st.integers(min_value=0, max_value=len(found) - 1))
    more = [*found[:place], True, *found[place + 1 :]]
    relevant = max(relevant, sum(more))
    for name, formula in RANKING.items():
        assert formula(hits(*more), relevant) >= formula(hits(*found), relevant) - 1e-12, name


SCORED = st.lists(st.tuples(st.integers(min_value=-3, max_value=3), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)
"""Few distinct scores, so that ties are common; both labels present."""


@given(SCORED)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    positives = [score for score, label in rows if label]
    negatives = [score for score, label in rows if not label]
    pairs = [1.0 if up > down else 0.5 if up == down else 0.0 for up in positives for down in negatives]
    scores, labels = np.array([score for score, _ in rows], dtype=float), np.array([int(label) for _, label in rows])
    assert auc(scores, labels) == pytest.approx(sum(pairs) / len(pairs))
    assert auc(-scores, labels) == pytest.approx(1 - auc(scores, labels))
    assert auc(np.exp(scores), labels) == pytest.approx(auc(scores, labels)), "only the order counts"


def test_auc_orders_infinities_and_refuses_what_has_no_order() -> None:
    assert auc(np.array([-np.inf, 0.0, np.inf]), np.array([0, 0, 1])) == 1.0
    with pytest.raises(ValueError, match="1 are NaN"):
        auc(np.array([0.5, np.nan]), np.array([0, 1]))


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_auc_needs_both_labels(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=f"got {sum(labels)} positives"):
        auc(np.zeros(len(labels)), np.array(labels, dtype=np.int64))


def test_log_loss_by_hand_and_clipped() -> None:
    probabilities, labels = np.array([0.8, 0.3, 0.5]), np.array([1, 0, 1])
    by_hand = -(math.log(0.8) + math.log(0.7) + math.log(0.5)) / 3
    assert log_loss(probabilities, labels) == pytest.approx(by_hand)
    assert log_loss(np.array([0.5]), np.array([0])) == pytest.approx(math.log(2))
    assert log_loss(np.array([0.0, 1.0]), np.array([1, 0])) == pytest.approx(-math.log(1e-7), rel=1e-6)
    assert log_loss(np.array([1.0], dtype=np.float32), np.array([1])) == pytest.approx(0, abs=1e-6)


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=40))
def test_the_interval_holds_the_mean_within_the_values(values: list[float]) -> None:
    figures = np.array(values)
    low, high = bootstrap_interval(figures, draws=400)
    assert figures.min() - 1e-12 <= low <= high <= figures.max() + 1e-12
    assert low <= figures.mean() + 1e-12
    assert high >= figures.mean() - 1e-12


def test_the_interval_is_as_wide_as_the_normal_law_says_and_the_same_every_time() -> None:
    figures = np.random.default_rng(1).normal(0.3, 0.2, size=400)
    low, high = bootstrap_interval(figures)
    assert (low, high) == bootstrap_interval(figures)
    assert high - low == pytest.approx(2 * 1.96 * figures.std() / 20, rel=0.1)
    assert bootstrap_interval(np.array([0.7])) == (0.7, 0.7)


def test_nobody_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        bootstrap_interval(np.array([]))


def test_figures_are_resampled_together() -> None:
    one = np.random.default_rng(1).uniform(0, 1, 60)
    intervals = bootstrap_intervals(np.stack((one, one * 2), axis=1), draws=300)
    assert intervals[1].tolist() == pytest.approx((intervals[0] * 2).tolist())
    assert bootstrap_interval(one, draws=300) == pytest.approx(tuple(intervals[0]))


def test_the_paired_test_tells_a_lead_from_chance() -> None:
    noise = np.random.default_rng(2).normal(0, 1, 200)
    assert paired_p_value(noise + 0.5) < 0.01
    assert paired_p_value(noise - noise.mean()) > 0.5
    assert paired_p_value(np.zeros(5)) == 1.0
    assert paired_p_value(noise) == paired_p_value(noise), "seeded"
    assert paired_p_value(np.array([1.0]), draws=400) > 0.9, "one person proves nothing"
    with pytest.raises(ValueError, match="at least one person"):
        paired_p_value(np.array([]))
