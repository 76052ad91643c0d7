"""`sparrow build` as a shell sees it: stages told, flags that fit together, refusals before any work."""

from pathlib import Path

import pytest

from sparrow.build import limits
from sparrow.features.engines import EngineChoice
from tests.cli.commands import Command
from tests.conftest import Released
from tests.embeddings.drawn import drawn, save

RECALL = ["data", "features", "embeddings", "recall"]


def test_only_tells_every_stage_it_stands_on_as_json(sparrow: Command, home: Path, released: Released) -> None:
    ended = sparrow("build", "--dataset", released.dataset, "--home", home, "--only", "recall", "--json")
    assert (ended.code, ended.json["stage"]) == (0, "recall")
    assert [stage["stage"] for stage in ended.json["stages"]] == RECALL
    for stage in ended.json["stages"]:
        assert stage["reused"] is True
        assert {"rows_in", "rows_out", "seconds", "peak_memory", "bytes", "fingerprint", "started"} <= stage.keys()


def test_a_forced_stage_then_a_build_is_another_release(sparrow: Command, home: Path, released: Released) -> None:
    words = ("build", "--dataset", released.dataset, "--home", home, "--json")
    found = sparrow(*words).json
    assert found == {"release": released.release, "reused": True, "stages": []}
    forced = sparrow(*words, "--only", "recall", "--force").json
    assert [stage["stage"] for stage in forced["stages"] if not stage["reused"]] == ["recall"]
    made = sparrow(*words).json
    assert (made["reused"], made["release"] != released.release) == (False, True)
    assert [stage["stage"] for stage in made["stages"] if not stage["reused"]] == ["assemble", "evaluate"]


def test_a_stage_shows_as_a_line_with_rows_memory_and_disk(sparrow: Command, home: Path, released: Released) -> None:
    ended = sparrow("build", "--dataset", released.dataset, "--home", home, "--only", "recall")
    assert (ended.code, ended.out) == (0, "")
    [head, *lines] = ended.err.splitlines()[:5]
    assert head.split() == ["stage", "time", "rows", "in", "rows", "out", "memory", "disk"]
    assert [line.split()[:2] for line in lines] == [[name, "reused"] for name in RECALL]
    assert all(line.count("B  ") >= 1 for line in lines), "sizes have units"
    assert "The stage recall is done" in ended.err


@pytest.mark.parametrize(
    ("flags", "choice"),
    [
        ((), EngineChoice()),
        (("--engine", "spark"), EngineChoice("spark", "local[*]")),
        (("--engine", "spark", "--spark-master", "spark://host:7077"), EngineChoice("spark", "spark://host:7077")),
    ],
)
def test_the_engine_of_the_flags_reaches_the_build(
    sparrow: Command,
    home: Path,
    released: Released,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    choice: EngineChoice,
) -> None:
    met: list[EngineChoice] = []

    def remember(*words: object) -> tuple[()]:
        met.append(words[-2])  # type: ignore[arg-type]
        return ()

    monkeypatch.setattr("sparrow.build.publish.build_stage", remember)
    assert sparrow("build", "--home", home, "--only", "data", *flags).code == 0
    assert met == [choice]


def test_a_master_needs_spark(sparrow: Command, tmp_path: Path) -> None:
    ended = sparrow("build", "--spark-master", "yarn", "--home", tmp_path)
    ended.check_failed(2, "--spark-master yarn", "the engine is duckdb", "add --engine spark")


def test_a_disk_that_is_too_small_is_1_and_nothing_is_begun(
    sparrow: Command, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "free_disk", lambda _: 1000)
    ended = sparrow("build", "--dataset", released.dataset, "--home", tmp_path / "home")
    assert ended.code == 1
    [*_, told] = ended.err.strip().splitlines()
    for words in ("Error: Building from", str(tmp_path / "home" / "work"), "1,000 bytes", "--home"):
        assert words in told
    assert not (tmp_path / "home" / "work").exists()


@pytest.mark.parametrize("amount", ["8", "lots", "0GB", "-1GB", "8 GB"])
def test_an_amount_of_memory_that_is_none_is_2(
    sparrow: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    monkeypatch.setenv("SPARROW_BUILD__MEMORY", amount)
    sparrow("build", "--home", tmp_path).check_failed(2, "build.memory", repr(amount))


def test_posters_of_the_flag_count_over_the_setting(
    sparrow: Command, home: Path, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "posters"
    folder.mkdir()
    for movie in (1, 2):
        save(drawn("navy", "gold", size=(30, 45)), folder / f"{movie}.jpg")
    monkeypatch.setenv("SPARROW_EMBEDDINGS__POSTERS", str(tmp_path / "nowhere"))
    words = ("build", "--dataset", released.dataset, "--home", home, "--only", "embeddings", "--json")
    sparrow(*words).check_failed(2, str(tmp_path / "nowhere"), "does not exist", "1.jpg")
    told = sparrow(*words, "--posters", folder).json["stages"][-1]
    assert told["counts"]["posters"]["read"] == 2
    assert told["settings"]["embeddings"]["posters"] == str(folder)
    assert sparrow(*words, "--posters", "").json["stages"][-1]["reused"] is True


def test_up_refuses_posters_of_nobody_before_it_builds(sparrow: Command, released: Released, tmp_path: Path) -> None:
    folder = tmp_path / "posters"
    folder.mkdir()
    words = ("up", "--dataset", released.dataset, "--home", tmp_path / "home", "--port", "0")
    sparrow(*words, "--posters", folder).check_failed(2, str(folder), "0 pictures", "1.jpg")
    assert not (tmp_path / "home" / "work").exists()
