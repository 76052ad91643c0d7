"""`sparrow data fetch` and `data list`, and a build by the name of what was fetched."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sparrow.cli.main import sparrow_command
from sparrow.datasets import fingerprint, import_dataset
from sparrow.datasets.sources import locate_dataset
from sparrow.errors import DataError
from tests.datasets.file_server import Shelf, serve
from tests.datasets.test_fetch import NAME, ZIP


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Result:
        return CliRunner().invoke(sparrow_command, [str(word) for word in words])

    return run


def test_fetch_then_list_then_check_by_name(run, tmp_path):
    home = tmp_path / "home"
    with serve(Shelf(ZIP)) as shelf:
        first = run("data", "fetch", NAME, "--url", shelf.url, "--home", home)
        again = run("data", "fetch", NAME, "--url", shelf.url, "--home", home, "--json")
    assert first.exit_code == 0, first.output
    assert f"Fetched {NAME} in {home / 'datasets' / NAME}; use it with: --dataset {NAME}" in first.stdout
    assert "GroupLens Research" in first.stderr
    assert "Harper" in first.stderr
    folder = str(home / "datasets" / NAME)
    assert json.loads(again.stdout) == {"dataset": NAME, "folder": folder, "found": True, "checked": False}
    assert again.stderr == ""
    listed = json.loads(run("data", "list", "--home", home, "--json").stdout)
    assert [one["name"] for one in listed["datasets"]] == ["builtin", NAME]
    assert [one["name"] for one in listed["fetchable"]] == [
        "ml-100k", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "ml-latest",
    ]  # fmt: skip
    assert (
        "To be had with `sparrow data fetch`:\n  ml-100k: MovieLens 100K" in run("data", "list", "--home", home).stdout
    )
    assert "ratings.csv: 2 rows read" in run("data", "check", NAME, "--home", home).stdout


def test_without_a_published_checksum_it_says_so_and_out_goes_by_its_path(run, tmp_path):
    with serve(Shelf(ZIP, md5=None)) as shelf:
        ended = run("data", "fetch", NAME, "--url", shelf.url, "--home", tmp_path / "home", "--out", tmp_path / "mine")
    assert f"use it with: --dataset {tmp_path / 'mine'}" in ended.stdout
    assert "No checksum is published" in ended.stderr


def test_a_release_that_was_not_fetched_names_the_command(run, tmp_path):
    ended = run("data", "check", "ml-25m", "--home", tmp_path / "home")
    assert isinstance(ended.exception, DataError)
    assert "run `sparrow data fetch ml-25m`" in str(ended.exception)


def test_names_are_found_in_the_home_of_the_environment_and_folders_of_that_name_still_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARROW_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="ml-latest-small has not been fetched"):
        fingerprint(NAME)
    Path(NAME).mkdir()
    assert locate_dataset(NAME) == Path(NAME)
    with serve(Shelf(ZIP)) as shelf:
        assert CliRunner().invoke(sparrow_command, ["data", "fetch", NAME, "--url", shelf.url]).exit_code == 0
    assert locate_dataset(NAME) == tmp_path / "home" / "datasets" / NAME
    assert import_dataset(NAME, tmp_path / "out").is_clean
    assert fingerprint(NAME) == fingerprint(tmp_path / "home" / "datasets" / NAME)


def test_help_has_an_example(run):
    assert "sparrow data fetch ml-20m && sparrow up --dataset ml-20m" in run("data", "fetch", "--help").output
