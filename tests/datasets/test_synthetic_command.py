"""`sparrow synth`, as a shell sees it."""

import orjson
import pytest
from click.testing import CliRunner

from sparrow.cli.synth import synth
from sparrow.datasets import check_dataset
from sparrow.errors import InvalidInput


def run(*words: object):
    return CliRunner().invoke(synth, [str(word) for word in words])


def test_it_makes_a_folder_and_says_what_to_do_with_it(tmp_path):
    ended = run("--ratings", 500, "--out", tmp_path / "world", "--people", 20, "--movies", 300, "--seed", 5)
    assert ended.exit_code == 0
    assert "500 ratings of 300 movies by 20 people" in ended.stdout
    assert f"sparrow build --dataset {tmp_path / 'world'}" in ended.stdout
    assert check_dataset(tmp_path / "world").is_clean


def test_json_tells_the_world(tmp_path):
    ended = run("--ratings", 500, "--out", tmp_path / "world", "--min-ratings", 20, "--json")
    told = orjson.loads(ended.stdout)
    assert told["ratings"] == 500
    assert told["folder"] == str(tmp_path / "world")
    assert {"movies", "people", "tags", "seed", "seconds"} <= told.keys()


@pytest.mark.parametrize(
    "words", [("--ratings", "many"), ("--out", "x"), ("--ratings", 5), ("--ratings", 5, "--size", 1)]
)
def test_wrong_usage_is_2(tmp_path, words):
    assert run(*words).exit_code == 2


def test_sizes_that_cannot_be_are_the_caller_s_fault(tmp_path):
    ended = run("--ratings", 5, "--people", 10, "--out", tmp_path / "world")
    assert isinstance(ended.exception, InvalidInput)
    assert ended.exception.exit_code == 2
