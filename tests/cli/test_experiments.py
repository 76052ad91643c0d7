"""`sparrow simulate-users` fills a home's logs, and `sparrow ab-report` reads out of them what was planted."""

from pathlib import Path

import pytest

from sparrow.cli.ab_report import VERDICTS
from tests.cli.commands import Command

SETTINGS = """
[experiments]
before_days = 7
[experiments.running.deep]
arms = [{name = "control", share = 0.5}, {name = "din", share = 0.5, ranker = "din"}]
[experiments.running.quiet]
layer = "draw"
arms = [{name = "off", share = 0.5}, {name = "on", share = 0.5, explore = 0.5}]
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which 700 people were clicked into with 60 % more clicks in one arm."""
    from sparrow.cli.main import main

    home = tmp_path_factory.mktemp("lived")
    (home / "sparrow.toml").write_text(SETTINGS, encoding="utf-8")
    words = [
        "simulate-users",
        "--into",
        "deep",
        "--lift",
        "0.6",
        "--people",
        "700",
        "--days",
        "4",
        "--days-before",
        "2",
    ]
    main([*words, "--home", str(home)])
    return home


def test_what_was_planted_is_reported(sparrow: Command, lived: Path) -> None:
    told = sparrow("ab-report", "deep", "--home", lived, "--json").json
    [report] = told
    assert (report["experiment"], report["verdict"], report["crossed"]) == ("deep", "better", 0)
    [judged] = report["against_control"]
    clicks = judged["metrics"]["click_rate"]
    assert 0.15 < clicks["low"] < clicks["lift"] < clicks["high"] < 1.0
    assert sum(arm["people"] for arm in report["arms"]) > 450
    assert [day["day"] for day in report["arms"][0]["days"]] == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]


def test_people_read_all_experiments(sparrow: Command, lived: Path) -> None:
    ended = sparrow("ab-report", "--home", lived)
    assert ended.code == 0, ended
    for words in (
        "deep",
        "din",
        "better than the control",
        "click_rate",
        "quiet",
        "Nobody has been shown a list",
        "when looking at will",
    ):
        assert words in ended.out


def test_a_later_beginning_counts_less(sparrow: Command, lived: Path) -> None:
    def seen(*words: str) -> int:
        [report] = sparrow("ab-report", "deep", "--home", lived, "--json", *words).json
        return sum(day["impressions"] for arm in report["arms"] for day in arm["days"])

    assert 0 < seen("--since", "2026-01-03") < seen()
    assert seen("--since", "2026-02-01") == 0


def test_simulated_people_do_not_mix_with_real_ones(sparrow: Command, lived: Path) -> None:
    sparrow("simulate-users", "--into", "deep", "--home", lived).check_failed(2, "has events already", "--home")


def test_an_empty_home_and_unknown_names_are_told_and_make_nothing(sparrow: Command, tmp_path: Path) -> None:
    home = tmp_path / "none"
    sparrow("ab-report", "--home", home).check_failed(1, "no experiment", "[experiments.running.NAME]")
    assert not home.exists()
    home.mkdir()
    (home / "sparrow.toml").write_text(SETTINGS, encoding="utf-8")
    [report] = sparrow("ab-report", "deep", "--home", home, "--json").json
    assert report["verdict"] == "nobody"
    assert [path.name for path in home.iterdir()] == ["sparrow.toml"]
    sparrow("ab-report", "dep", "--home", home).check_failed(1, "'dep'", "deep, quiet")
    sparrow("simulate-users", "--into", "dep", "--home", home).check_failed(1, "'dep'")


@pytest.mark.parametrize(
    ("question", "key"),
    [
        (["--people", "800", "--days", "2", "--days-before", "1"], "report"),
        (["--question", "interleaving", "--people", "100", "--days", "2"], "interleaved_people"),
        (["--question", "off-policy", "--lists", "500"], "estimators"),
    ],
    ids=["ab", "interleaving", "off-policy"],
)
def test_every_question_has_an_answer(sparrow: Command, question: list[str], key: str) -> None:
    words = ["simulate-users", *question, "--runs", "2", "--noises", "2", "0.5"]
    assert key in sparrow(*words, "--json").json
    plain = sparrow(*words)
    assert plain.code == 0
    assert "runs  2" in plain.out


def test_too_few_people_are_no_trial(sparrow: Command) -> None:
    sparrow("simulate-users", "--people", "20", "--runs", "1").check_failed(2, "20 people", "min_people")


def test_every_verdict_has_words() -> None:
    from typing import get_args

    from sparrow.feedback.report import Verdict

    assert VERDICTS.keys() == set(get_args(Verdict))
