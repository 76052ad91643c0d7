"""`sparrow evaluate-similar` on the checkerboard: movies of one parity are alike."""

from pathlib import Path

from tests.cli.commands import Command


def truth(path: Path, extra: str = "") -> Path:
    pairs = [(one, other, int(one % 2 == other % 2)) for one in range(1, 11) for other in range(one + 1, 21)]
    lines = "".join(f"{one},{other},{label}\n" for one, other, label in pairs)
    path.write_text(f"movieId_1,movieId_2,label\n{lines}{extra}", encoding="utf-8")
    return path


def test_the_answer_has_the_contracts_shape(sparrow: Command, home: Path, tmp_path: Path) -> None:
    file = truth(tmp_path / "pairs.csv", "1,999999,1\n2,1,1\n")
    ended = sparrow("evaluate-similar", "--truth", file, "--home", home, "--json")
    assert ended.code == 0, ended
    told = ended.json
    assert (told["pairs"], told["known"]) == (146, 145)
    assert told["default"] in [row["embedding"] for row in told["rows"]]
    for row in told["rows"]:
        assert row["metrics"].keys() == row["interval"].keys() == {"auc", "average_precision", "ndcg"}
        low, high = row["interval"]["auc"]
        assert low <= row["metrics"]["auc"] <= high
        assert row["metrics"]["auc"] > 0.8
    assert told["faults"]["unknown"] == {"count": 1, "first": ["999999"]}
    assert told["faults"]["contradictory"]["first"] == ["1-2"]
    assert [row["embedding"] for row in told["references"]] == ["genres", "co-ratings", "genres + co-ratings"]


def test_people_read_a_table(sparrow: Command, home: Path, tmp_path: Path) -> None:
    ended = sparrow("evaluate-similar", "--truth", truth(tmp_path / "pairs.csv"), "--home", home)
    assert ended.code == 0, ended
    for words in ("145 pairs", "(default)", "genres + co-ratings", "AUC"):
        assert words in ended.out


def test_what_cannot_be_judged_is_told(sparrow: Command, home: Path, tmp_path: Path) -> None:
    file = truth(tmp_path / "pairs.csv")
    sparrow("evaluate-similar", "--truth", file, "--home", home, "--embeddings", "nope").check_failed(2, "'nope'")
    sparrow("evaluate-similar", "--truth", file, "--home", tmp_path / "empty").check_failed(1, "No release is live")
    sparrow("evaluate-similar", "none-such", "--truth", file, "--home", home).check_failed(1, "none-such")
    file.write_text("movieId_1,movieId_2,label\n1,2,1\n", encoding="utf-8")
    sparrow("evaluate-similar", "--truth", file, "--home", home).check_failed(1, "both kinds")
