"""Judgements from files with everything wrong in them, and metrics against scikit-learn's."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.errors import DataError
from sparrow.evaluation.ground_truth import Faults, Truth, read_truth
from sparrow.evaluation.similar_truth import auc, average_precision, judge_similarities, ndcg, paired_lead, rank_sum

ROWS = {"1": 0, "2": 1, "3": 2, "tt9": 3}


def write(path: Path, *lines: str, header: str = "movieId_1,movieId_2,label") -> Path:
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def truth_of(labels: list[float]) -> Truth:
    n = len(labels)
    return Truth(np.zeros(n, int), np.ones(n, int), np.array(labels), n, Faults(n, (), (), (), ()))


def test_every_doubt_is_counted_and_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "1,2,1", "2,1,0", "1,3,1", "1,3,1", "3,3,1", "1,77,0", "tt9,2,0")
    truth = read_truth(path, ROWS)
    assert truth.pairs == 4
    assert sorted(zip(truth.one.tolist(), truth.other.tolist(), truth.labels.tolist(), strict=True)) == [
        (0, 1, 0.5),
        (0, 2, 1.0),
        (1, 3, 0.0),
    ]
    told = truth.faults.report()
    assert told["rows"] == 7
    assert told["unknown"] == {"count": 1, "first": ["77"]}
    assert told["repeated"] == {"count": 2, "first": ["1-2", "1-3"]}
    assert told["contradictory"] == {"count": 1, "first": ["1-2"]}
    assert told["self_pairs"] == {"count": 1, "first": ["3"]}


def test_other_columns_any_order_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\ufeffwho,label,movieId_2,movieId_1\nme,4,2,1\n", encoding="utf-8")
    assert read_truth(path, ROWS).labels.tolist() == [4.0]


@pytest.mark.parametrize(
    ("header", "line", "words"),
    [
        ("movieId_1,movieId_2", "1,2", "no column 'label'"),
        ("movieId_1,movieId_2,label", "1,2,alike", "line 2"),
        ("movieId_1,movieId_2,label", "1,2,nan", "line 2"),
        ("movieId_1,movieId_2,label", "1,2", "line 2"),
        ("movieId_1,movieId_2,label", ",2,1", "line 2"),
    ],
)
def test_what_is_no_judgement_is_refused_by_its_line(tmp_path: Path, header: str, line: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_truth(write(tmp_path / "t.csv", line, header=header), ROWS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_truth(tmp_path / "none.csv", ROWS)


def test_alike_lies_above_the_middle_of_the_scale() -> None:
    assert truth_of([1, 2, 3, 4, 5]).alike.tolist() == [False, False, False, True, True]
    assert truth_of([0, 1, 0.5]).alike.tolist() == [False, True, False]


@pytest.mark.parametrize("levels", [3, 1000])
def test_metrics_are_those_of_scikit_learn(levels: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    chance = np.random.default_rng(levels)
    labels, scores = chance.integers(0, 5, 200).astype(float), chance.integers(0, levels, 200).astype(float)
    alike = labels > 2
    assert auc(alike, scores) == pytest.approx(sklearn.roc_auc_score(alike, scores))
    assert average_precision(alike, scores) == pytest.approx(sklearn.average_precision_score(alike, scores))
    assert ndcg(labels, scores) == pytest.approx(sklearn.ndcg_score(labels[None], scores[None]))


def test_a_perfect_similarity_leads_a_reversed_one() -> None:
    truth = truth_of([0.0, 1.0] * 50)
    good = truth.labels + np.linspace(0, 0.1, 100)
    told = judge_similarities(truth, {"good": good, "bad": -good}, "good")
    assert (told["pairs"], told["known"], told["default"]) == (100, 100, "good")
    assert [row["metrics"]["auc"] for row in told["rows"]] == [1.0, 0.0]
    assert told["rows"][0]["metrics"]["ndcg"] == 1.0
    lead = paired_lead(truth, good, -good)
    assert lead == {"auc": 1.0, "interval": [1.0, 1.0]}


def test_a_pair_without_a_score_has_the_middle_one() -> None:
    truth = truth_of([0.0, 0.0, 1.0, 1.0, 1.0])
    row = judge_similarities(truth, {"half": np.array([0.0, 1.0, 2.0, 3.0, np.nan])}, "half")["rows"][0]
    assert row["metrics"]["auc"] == 1.0
    assert row["coverage"] == 0.8
    low, high = row["interval"]["auc"]
    assert low <= 1.0 <= high


def test_judgements_of_one_kind_cannot_judge() -> None:
    with pytest.raises(DataError, match="both kinds"):
        judge_similarities(truth_of([1.0, 1.0]), {"any": np.zeros(2)}, "any")


def test_rank_sum_weighs_both_alike() -> None:
    assert rank_sum(np.array([1.0, 2.0, 3.0]), np.array([900.0, 1.0, 2.0])).tolist() == [2.0, 1.5, 2.5]
