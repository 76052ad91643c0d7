"""`sparrow spot-check --marks`: what was marked, as a table, as JSON and as a setting that can be pasted."""

import tomllib
from pathlib import Path

import pytest

from sparrow.cli.marks import apart_setting
from sparrow.config import load_settings
from sparrow.stores.marks import Mark, MarkStore
from tests.cli.commands import Command
from tests.conftest import FARTHEST


@pytest.fixture
def marked(home: Path) -> Path:
    """Two marks of one pair, one of a pair whose movie is in no release."""
    seconds = iter((10, 20, 30))
    store = MarkStore(home, clock=lambda: next(seconds))
    store.add(8, 3, "item2vec", "first")
    store.add(3, 8, "fusion", "first")
    store.add(FARTHEST, 424_242, "item2vec", "[first]")
    store.close()
    return home


def test_people_read_a_table_and_programs_json(sparrow: Command, marked: Path) -> None:
    ended = sparrow("spot-check", "--marks", "--home", marked)
    assert ended.code == 0, ended
    for words in ("Square 8", "(424242)", "item2vec", "[first]", "1970-01-01"):
        assert words in ended.out
    told = sparrow("spot-check", "--marks", "--json", "--home", marked).json
    assert [(mark["movieId"], mark["neighbourId"], mark["embedding"]) for mark in told] == [
        (FARTHEST, 424_242, "item2vec"), (3, 8, "fusion"), (8, 3, "item2vec"),
    ]  # fmt: skip
    assert told[0] == {
        "movieId": FARTHEST, "title": "Ocean's Far, Far End", "neighbourId": 424_242, "neighbourTitle": "Movie 424242",
        "embedding": "item2vec", "verdict": "not_alike", "release": "[first]", "timestamp": 30,
    }  # fmt: skip


def test_the_setting_can_be_pasted_and_parts_the_pair(sparrow: Command, marked: Path) -> None:
    settings = marked / "sparrow.toml"
    settings.write_text(settings.read_text() + "[similar]\napart = [[9, 4]]\n", encoding="utf-8")
    printed = sparrow("spot-check", "--marks", "--toml", "--home", marked).out
    assert tomllib.loads(printed)["similar"]["apart"] == [[4, 9], [424_242, FARTHEST], [3, 8]], "no rule gets lost"
    before = sparrow("spot-check", "Square 8", "--size", "40", "--home", marked, "--json").json[0]["similar"][
        "item2vec"
    ]
    text = settings.read_text()
    settings.write_text(text.partition("[similar]")[0] + printed, encoding="utf-8")
    assert load_settings(settings, environ={}).similar.apart == ((4, 9), (424_242, FARTHEST), (3, 8))
    after = sparrow("spot-check", "Square 8", "--size", "40", "--home", marked, "--json").json[0]["similar"]["item2vec"]
    shown = [[item["movieId"] for item in items] for items in (before, after)]
    assert 3 in shown[0]
    assert [movie for movie in shown[0] if movie != 3][: len(shown[1])] == shown[1][: len(shown[0]) - 1]


def test_hostile_titles_stay_within_their_comment() -> None:
    marks = [Mark(1, 2, "a", "not_alike", "first", 0)]
    text = apart_setting([], marks, {1: "a\n[web]\r\nport = 1\0\x1b[31m", 2: '"""  ] #\u2028'})
    assert tomllib.loads(text) == {"similar": {"apart": [[1, 2]]}}
    assert tomllib.loads(apart_setting([], [], {})) == {"similar": {"apart": []}}


def test_no_marks_is_said_and_makes_no_file(sparrow: Command, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert "no marks" in sparrow("spot-check", "--marks", "--home", folder).out
        assert sparrow("spot-check", "--marks", "--json", "--home", folder).json == []
        assert not (folder / "live.sqlite").exists()


@pytest.mark.parametrize(
    "words", [["x", "--marks"], ["--toml"], ["x", "--toml"], ["--marks", "--toml", "--json"]], ids=" ".join
)
def test_wrong_usage_is_told(sparrow: Command, words: list[str]) -> None:
    ended = sparrow("spot-check", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "--marks" in ended.err
