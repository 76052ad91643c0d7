"""What every verb owes its user: help with an example, a truthful exit code, one sentence when it fails."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sparrow import __version__
from sparrow.cli.build import STAGE_NAMES
from sparrow.cli.main import VERBS
from tests.cli.commands import Command

VERB_WORDS = [
    *([str(verb.name)] for verb in VERBS),
    ["data", "list"],
    ["data", "check"],
    ["releases", "diff"],
]


@pytest.mark.parametrize("words", VERB_WORDS, ids=" ".join)
def test_help_has_an_example_of_the_verb(sparrow: Command, words: list[str]) -> None:
    ended = sparrow(*words, "--help")
    assert ended.code == 0
    assert "Example" in ended.out
    assert f"sparrow {' '.join(words)}" in ended.out.partition("Example")[2]


def test_the_command_itself(sparrow: Command) -> None:
    assert "Examples:" in sparrow("--help").out
    assert sparrow("-h").out == sparrow("--help").out
    assert sparrow("--version").out.strip().endswith(__version__)
    alone = sparrow()
    assert alone.code == 2
    assert "Usage:" in alone.err + alone.out


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["build", "--engine", "dask"],
        ["build", "--only", "everything"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "abc"],
        ["publish"],
        ["releases", "diff", "one"],
        ["spot-check"],
        ["spot-check", "x", "--size", "0"],
        ["evaluate", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_says_what(sparrow: Command, words: list[str]) -> None:
    ended = sparrow(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "Error: " in ended.err
    assert "Traceback" not in ended.err


def test_the_stage_names_of_the_flag_are_those_of_the_build() -> None:
    from sparrow.build.stages import STAGES

    assert tuple(stage.name for stage in STAGES) == STAGE_NAMES


@pytest.mark.parametrize("verb", [["serve"], ["releases"], ["publish", "some"], ["rollback"]], ids=lambda verb: verb[0])
def test_a_store_that_cannot_be_used_is_told_without_its_password(
    sparrow: Command, tmp_path: Path, verb: list[str]
) -> None:
    for store, *words in (
        ("mongo://me:secret@host", "mongo:", "lmdb:HOME"),
        ("lmdb:", "lmdb:", "lmdb:HOME"),
        ("redis://me:secret@host/shop", "redis://…", "/db (a number)"),
        ("redis+cluster://me:secret@host:port", "redis+cluster://…", "host[:port]"),
    ):
        ended = sparrow(*verb, "--store", store, "--home", tmp_path)
        ended.check_failed(2, *words)
        assert "secret" not in ended.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[web]\nport = 70000", ["web.port", "70000"]),
        ("[web]\nprot = 1", ["Unknown setting 'web.prot'"]),
        ("[wbe]\nport = 1", ["Unknown setting 'wbe'"]),
        ("port = 1", ["'port'", "outside a section"]),
        ("[web\n", ["is not valid TOML"]),
    ],
)
def test_a_wrong_settings_file_is_2_and_named(sparrow: Command, tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "sparrow.toml").write_text(text)
    sparrow("releases", "--home", tmp_path).check_failed(2, *words, "sparrow.toml")


def test_a_wrong_variable_or_config_is_2(sparrow: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparrow("releases", "--config", tmp_path / "none.toml").check_failed(2, "none.toml does not exist")
    monkeypatch.setenv("SPARROW_WEB__COLOUR", "red")
    sparrow("releases", "--home", tmp_path).check_failed(2, "Unknown setting 'web.colour'")


def test_a_port_in_use_is_1_and_names_the_cure(sparrow: Command, tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        for verb in ("serve", "up"):
            sparrow(verb, "--port", port, "--home", tmp_path).check_failed(
                1, f"Port {port}", "choose another with --port"
            )


def test_missing_data_is_1(sparrow: Command, tmp_path: Path) -> None:
    sparrow("build", "--dataset", "./nowhere", "--home", tmp_path).check_failed(1, "nowhere")
    sparrow("data", "check", "./nowhere").check_failed(1, "nowhere", "builtin")


def test_a_home_below_a_file_is_told_without_a_traceback(sparrow: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sparrow("build", "--home", tmp_path / "file" / "home").check_failed(1, "Not a directory", "check")


@pytest.mark.parametrize(
    "verb", [["publish", "nothing"], ["rollback"], ["evaluate"], ["spot-check", "Alien"]], ids=" ".join
)
def test_an_empty_home_is_1_with_a_cure(sparrow: Command, tmp_path: Path, verb: list[str]) -> None:
    sparrow(*verb, "--home", tmp_path).check_failed(1, str(tmp_path))


def test_data_check_of_a_broken_folder_names_line_and_cure_and_still_exits_0(sparrow: Command, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Toy Story (1995),Comedy\n")
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,5.0,100\n1,1,eleven,100\n")
    ended = sparrow("data", "check", tmp_path, "--json")
    assert ended.code == 0
    [fault] = [fault for file in ended.json["files"] if file["file"] == "ratings.csv" for fault in file["faults"]]
    assert fault["lines"] == [3]
    assert fault["cure"]
    assert "ratings.csv: 2 rows read, 1 kept" in sparrow("data", "check", tmp_path).out


def test_data_check_of_an_unusable_folder_is_1(sparrow: Command, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("")
    ended = sparrow("data", "check", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_data_list_says_whose_data_it_is(sparrow: Command) -> None:
    [builtin] = sparrow("data", "list", "--json").json["datasets"]
    assert builtin["name"] == "builtin"
    assert builtin["licence"]
    assert "GroupLens" in builtin["owner"]


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, sparrow.cli.main; print(sorted({'tensorflow','keras','duckdb','pandas','pyarrow'} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert found.stdout.strip() == "[]"
