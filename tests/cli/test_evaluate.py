"""`sparrow evaluate` on a split: its words, its figures, its refusals."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sparrow.build.off_policy_trial import KnownTaste, write_drawn
from sparrow.evaluation.rows import read_rows
from sparrow.online.live import open_folder
from sparrow.stores.releases import read_manifest, releases_folder
from tests.cli.commands import Command
from tests.conftest import Released
from tests.worlds import checkerboard, write_movielens

METRICS = ("map", "map_ms", "ndcg", "precision", "recall", "hit_rate", "mrr")


def write(path: Path, rows: Sequence[tuple[object, ...]], header: str = "userId,movieId,rating,timestamp") -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The liked rows of the checkerboard: each person's last three are test; person 999 is cold."""
    liked = [row for row in checkerboard().ratings if row.score > 3]
    train: list[tuple[object, ...]] = []
    test: list[tuple[object, ...]] = [(999, 2, 5, 1)]
    for user in range(1, 61):
        own = [(user, row.movie_id, row.score, row.timestamp) for row in liked if row.user_id == user]
        train, test = train + own[:-3], test + own[-3:]
    return write(tmp_path / "train.csv", train), write(tmp_path / "test.csv", test)


def test_files_are_judged_in_the_fixed_shape(sparrow: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    words = ("--recommenders", "popular,item_knn,als", "--trials", "2", "--k", "5,10", "--against", "popular")
    ended = sparrow("evaluate", "--train", files[0], "--test", files[1], *words, "--report", page, "--json")
    assert ended.code == 0, ended
    told = ended.json
    assert told["protocol"] == "files"
    assert told["split"]["train"] == len(read_rows(files[0])) and told["split"]["test"] == 181
    assert [row["recommender"] for row in told["rows"]] == ["popular", "item_knn", "als", "cold"]
    for row in told["rows"]:
        assert {f"{name}@{k}" for name in METRICS for k in (5, 10)} == row["interval"].keys()
        for name, (low, high) in row["interval"].items():
            assert low <= row["metrics"][name] <= high
    popular, knn, als, cold = told["rows"]
    assert knn["metrics"]["ndcg@5"] > 1.3 * popular["metrics"]["ndcg@5"], "only the parity is personal"
    assert als["metrics"]["ndcg@5"] > 1.3 * popular["metrics"]["ndcg@5"]
    assert knn["against"]["ndcg@5"]["interval"][0] > 0
    assert (cold["people"], knn["people"]) == (1, 60)
    assert "validation rows" in ended.err
    written = page.read_text(encoding="utf-8")
    assert "| item_knn |" in written and "(page-ndcg-5.svg)" in written
    drawn = ElementTree.parse(page.with_name("page-ndcg-5.svg")).getroot()
    words = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"popular", "item_knn", "als", "cold", f"{knn['metrics']['ndcg@5']:.4f}"} <= words


def test_the_table_for_people_has_whole_words(sparrow: Command, files: tuple[Path, Path]) -> None:
    shown = sparrow("evaluate", "--train", files[0], "--test", files[1], "--recommenders", "popular").out
    for words in ("popular", "cold", "precision@10", "hit_rate@10", "train 540"):
        assert words in shown


def test_valid_rows_choose_and_are_learnt_only_with_refit(
    sparrow: Command, files: tuple[Path, Path], tmp_path: Path
) -> None:
    valid = write(tmp_path / "valid.csv", [(user, 40 - user % 2, 5, 1) for user in range(1, 61)])
    words = ("evaluate", "--train", files[0], "--valid", valid, "--recommenders", "popular", "--json")
    plain = sparrow(*words, "--test", files[1]).json["split"]
    masked = sparrow(*words, "--test", files[1], "--seen", "train+valid").json["split"]
    refitted = sparrow(*words, "--test", files[1], "--refit").json["split"]
    assert plain["train"] == masked["train"] < refitted["train"]
    assert plain["repeats"] == 0 < masked["repeats"] == refitted["repeats"]


@pytest.mark.parametrize(("protocol", "test"), [
    (("random", "--ratio", "0.75", "--within", "item"), None), (("leave-last-out",), 60), (("time-split",), None),
])  # fmt: skip
def test_a_dataset_is_cut_by_a_protocol(
    sparrow: Command, tmp_path: Path, protocol: tuple[str, ...], test: int | None
) -> None:
    world = checkerboard()
    folder = write_movielens(tmp_path / "world", world.ratings, world.movies)
    words = ("--dataset", folder, "--recommenders", "popular,item_knn", "--trials", "1", "--json")
    told = sparrow("evaluate", "--protocol", *protocol, *words).json
    assert told["protocol"] == protocol[0]
    assert told["split"]["train"] + told["split"]["test"] == len(world.ratings)
    assert test is None or told["split"]["test"] == test
    knn = told["rows"][1]["metrics"]["hit_rate@10"]
    assert knn > told["rows"][0]["metrics"]["hit_rate@10"] - 0.05


def test_another_dataset_is_not_the_published_split(sparrow: Command, tmp_path: Path) -> None:
    world = checkerboard()
    folder = write_movielens(tmp_path / "world", world.ratings, world.movies)
    ended = sparrow("evaluate", "--protocol", "microsoft-ml100k", "--dataset", folder)
    ended.check_failed(1, "75066", "24934", "u.data")


@pytest.mark.parametrize(("words", "told"), [
    (("--protocol", "random"), "--dataset"),
    (("--train", "a.csv"), "--test"),
    (("--valid", "a.csv"), "--valid"),
    (("--train", "a.csv", "--test", "b.csv", "--refit"), "--valid FILE"),
    (("x", "--train", "a.csv", "--test", "b.csv"), "RELEASE and --train"),
])  # fmt: skip
def test_words_that_do_not_go_together_are_refused(sparrow: Command, words: tuple[str, ...], told: str) -> None:
    sparrow("evaluate", *words).check_failed(2, told)


def test_unknown_names_are_told_with_the_known_ones(sparrow: Command, files: tuple[Path, Path]) -> None:
    words = ("evaluate", "--train", files[0], "--test", files[1], "--recommenders")
    sparrow(*words, "popular,nothing").check_failed(2, "'nothing'", "ease", "blend")
    sparrow(*words, "popular", "--against", "ease").check_failed(2, "'ease'", "popular")
    sparrow("evaluate", "--train", files[0], "--test", files[1].with_name("no.csv")).check_failed(1, "no.csv")
    assert sparrow(*words, "popular", "--k", "0").code == 2


def test_a_pipeline_is_judged_from_events(sparrow: Command, released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    asked = ("evaluate", "--from-events", "--home", home, "--places", "1")
    sparrow(*asked).check_failed(1, "drawn with known chances", "explore = 0.02")
    manifest = read_manifest(home, released.release)
    recommender = open_folder(releases_folder(home) / released.release, manifest, released.settings)
    taste = KnownTaste(recommender.catalog.genres.astype(np.float64))
    asyncio.run(write_drawn(home, recommender, taste, range(1, 61), size=8, times=10, seed=1))
    told = sparrow(*asked, "--json").json
    assert (told["release"], told["places"], told["lists"], told["people"]) == (released.release, 1, 600, 60)
    assert told["pipeline"] == recommender.models[0]
    assert told["estimates"].keys() == {"live", "doubly_robust", "snips", "ips"}
    assert told["estimates"]["ips"]["value"] == pytest.approx(told["estimates"]["live"]["value"])
    shown = sparrow(*asked, "--model", "popularity")
    assert shown.code == 0, shown
    for words in ("doubly robust", "SNIPS", "IPS", "600 drawn lists of 60 people", "effective lists", "lead over"):
        assert words in shown.out
    sparrow(*asked, "--model", "nothing").check_failed(1, "no model 'nothing'")
    sparrow(*asked, "--similar").check_failed(2, "leave out --protocol")
    sparrow(*asked, "--since", "2030-01-01").check_failed(1, "nobody explores")
    sparrow("evaluate", "--model", "din", "--home", home).check_failed(2, "belong to --from-events")
