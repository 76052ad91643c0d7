"""`sparrow data`: what people read, what programs read, and the exit."""

import json

import pytest
from click.testing import CliRunner

from sparrow.cli.data import data
from sparrow.errors import DataError
from tests.datasets.folders import MOVIES, RATINGS, write


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(data, [str(argument) for argument in arguments])


def test_list_names_the_datasets_and_their_owner(run):
    assert "builtin: MovieLens" in run("list").output
    listed = json.loads(run("list", "--json").output)["datasets"]
    assert (listed[0]["name"], listed[0]["owner"][:9]) == ("builtin", "GroupLens")


def test_check_of_a_sound_folder_says_so(run, tmp_path):
    result = run("check", write(tmp_path))
    assert result.exit_code == 0
    assert "ratings.csv: 2 rows read, 2 kept (0 of them repaired), 0 dropped" in result.output
    assert "No faults." in result.output


def test_check_names_file_line_and_cure_and_stays_usable(run, tmp_path):
    result = run("check", write(tmp_path, ratings=RATINGS + "1,9,four,5\n"))
    assert result.exit_code == 0
    for word in ("ratings.csv", "4", "four", "1 dropped", "write digits"):
        assert word in result.output


def test_check_as_json(run, tmp_path):
    report = json.loads(run("check", write(tmp_path, ratings=RATINGS + "x\n"), "--json").output)
    assert report["usable"]
    assert report["files"][0]["faults"][0]["lines"] == [4]


def test_an_unusable_dataset_shows_its_faults_and_then_fails(run, tmp_path):
    result = run("check", write(tmp_path, ratings="userId,movieId,rating,timestamp\n1,1,9,5\n"))
    assert result.exit_code == 1
    assert isinstance(result.exception, DataError)
    assert "1 dropped" in result.output


def test_a_stranger_s_text_can_neither_mark_up_nor_steer_the_terminal(run, tmp_path):
    output = run("check", write(tmp_path, movies=MOVIES + "[red]\x1b[31m,,\n")).output
    assert "[red]" in output
    assert "\x1b" not in output


@pytest.mark.parametrize("command", [(), ("list",), ("check",)])
def test_help_has_examples(run, command):
    assert (
        "sparrow data check" in run(*command, "--help").output or "sparrow data list" in run(*command, "--help").output
    )
