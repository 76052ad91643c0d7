"""`sparrow data import`: what it says, what programs read, and what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sparrow.cli.data import data
from sparrow.errors import InvalidInput
from tests.datasets.shop import shop_world, write_shop


@pytest.fixture
def shop(tmp_path: Path) -> list[str]:
    items, clicks = write_shop(tmp_path, shop_world())
    return ["import", "--items", str(items), "--interactions", str(clicks), "--out", str(tmp_path / "out")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(data, list(arguments))


def test_it_tells_which_columns_it_took_and_which_it_left(shop: list[str]) -> None:
    result = run(*shop)
    assert result.exit_code == 0
    assert "item is 'sku' (guessed)" in result.output
    assert "ignored: price" in result.output
    assert "every interaction counts as liked" in result.output
    assert "480 rows read, 480 kept" in result.output
    assert "sparrow up --dataset" in result.output


def test_json_holds_the_same(shop: list[str]) -> None:
    told = json.loads(run(*shop, "--json", "--attribute", "price=numeric", "--item-id", "sku").output)
    assert told["feedback"] == "implicit"
    assert told["columns"]["items"]["guessed"] == ["title", "year", "genres"]
    assert told["columns"]["items"]["attributes"] == {"price": "numeric"}
    assert told["usable"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--attribute", "price=money"], "categorical, numeric, text, vector"),
        (["--attribute", "price"], "COLUMN=KIND"),
        (["--user-attribute", "age=numeric"], "without --users"),
        (["--implicit", "--rating", "stars"], "contradict"),
        (["--separator", "::"], "one character"),
        (["--separator", "§"], "one character of ASCII"),
        (["--rating", "price", "--rating-scale", "5", "1"], "lowest rating comes first"),
    ],
)
def test_contradictions_are_refused_in_words(shop: list[str], flags: list[str], told: str) -> None:
    error = run(*shop, *flags).exception
    assert isinstance(error, InvalidInput)
    assert told in str(error)


def test_tabs_separate_too(tmp_path: Path) -> None:
    (tmp_path / "items.tsv").write_text("id\ttitle\n1\tLamp, red\n")
    (tmp_path / "log.tsv").write_text("user\titem\nann\t1\n")
    names = ["--items", str(tmp_path / "items.tsv"), "--interactions", str(tmp_path / "log.tsv")]
    assert run("import", *names, "--out", str(tmp_path / "out"), "--separator", "tab").exit_code == 0
