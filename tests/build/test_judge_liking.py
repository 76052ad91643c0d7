"""Liking judged from its file, and left out in words where nothing tells it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.build.judge_liking import judge_liking
from sparrow.build.publish import build
from sparrow.build.run_log import RUN_LOG
from sparrow.build.train import NOTHING_LIKED
from sparrow.cli.release_metrics import show_release
from sparrow.models import ARCHITECTURES
from sparrow.stores.releases import releases_folder
from tests.build.test_publish import settings_with
from tests.conftest import Released, Silent
from tests.worlds import checkerboard, write_movielens


def predictions(path: Path, unseen_label: int | None = None) -> Path:
    """40 people with 5 rows of each question; "good" knows the label, "bad" its opposite."""
    rng = np.random.default_rng(1)
    rows = 600
    question = np.repeat(["next", "seen", "unseen"], rows // 3)
    labels = rng.integers(0, 2, rows)
    if unseen_label is not None:
        labels[question == "unseen"] = unseen_label
    chance = np.clip(0.25 + 0.5 * labels + rng.normal(0, 0.2, rows), 0.01, 0.99)
    columns = {
        "userId": np.tile(np.arange(40), rows // 40), "movieId": np.arange(rows), "label": labels,
        "split": np.where(question == "next", "train", "test"), "fold": np.where(question == "next", "last", "fit"),
        "is_known": question != "unseen", "good": chance, "bad": 1 - chance,
        "movie_mean": rng.random(rows), "user_mean": rng.random(rows),
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return path


def test_each_question_has_its_rows_and_leads_over_the_references(tmp_path: Path) -> None:
    told = judge_liking(predictions(tmp_path / "liking.parquet"))
    assert told.keys() == {"next", "seen", "unseen"}
    for found in told.values():
        assert (found["people"], found["ratings"]) == (40, 200)
        rows = {row["model"]: row for row in found["rows"]}
        assert rows.keys() == {"good", "bad", "movie_mean", "user_mean", "constant"}
        for reference in ("movie_mean", "user_mean"):
            assert rows["good"]["leads"][reference]["auc"]["interval"][0] > 0
            assert rows["bad"]["leads"][reference]["gauc"]["interval"][1] < 0
        assert rows["good"]["leads"]["constant"]["log_loss"]["interval"][1] < 0
        assert "log_loss" not in rows["movie_mean"]["metrics"], "a mean of stars is no chance"
        assert rows["constant"]["metrics"]["mean_prediction"] == found["liked"]


@pytest.mark.parametrize("label", [0, 1])
def test_a_question_of_one_answer_is_skipped_and_the_others_are_not(tmp_path: Path, label: int) -> None:
    told = judge_liking(predictions(tmp_path / "liking.parquet", unseen_label=label))
    assert told["unseen"] == {"ratings": 200, "skipped": "200 ratings, all on one side of 3.5 stars"}
    assert "rows" in told["next"] and "rows" in told["seen"]


@pytest.mark.slow
def test_ratings_that_are_all_alike_teach_no_liking_and_do_no_harm(
    tmp_path: Path, released: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    """Absent ratings are imported as such: a network of each way to learn is trained on choice alone, and all say why."""
    world, home = checkerboard(), tmp_path / "home"
    alike = [replace(row, score=5.0) for row in world.ratings]
    dataset = write_movielens(tmp_path / "alike", alike, world.movies)
    one_of_each = {architecture.learns: name for name, architecture in reversed(ARCHITECTURES.items())}
    settings = settings_with(released, "ranking", models=tuple(one_of_each.values()))
    quick = {name: {"epochs": 3, "dim": 4, "batch": 256} for name in one_of_each.values() if name != "neural_cf"}
    settings = settings.model_validate(settings.model_dump() | quick)
    manifest = build(home, str(dataset), settings, Silent()).manifest
    assert manifest.metrics["liking"] == {name: {"skipped": NOTHING_LIKED} for name in ("next", "seen", "unseen")}
    rows = {row["recommender"]: row["metrics"]["ndcg@10"] for row in manifest.metrics["next"]["rows"]}
    assert rows["neural_cf"] > rows["popular"], "choice is learnt as ever"
    log = orjson.loads((releases_folder(home) / manifest.release / RUN_LOG).read_bytes())
    [counts] = [stage["counts"] for stage in log["stages"] if stage["stage"] == "ranking"]
    assert counts["liking_skipped"] == {"judging": NOTHING_LIKED, "release": NOTHING_LIKED}
    show_release(home, manifest.release, similar=False, as_json=False)
    assert f"liking, next: skipped, {NOTHING_LIKED}" in capsys.readouterr().out
