"""Stages: what makes one stale, what a kill leaves behind, what force means. With stages of a line each, so that it is fast."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.build import digests, plan
from sparrow.build.digests import fingerprints
from sparrow.build.plan import DONE, Context, Done, Plan, Stage, needed_for, run_stages, sweep
from sparrow.build.stages import STAGES
from sparrow.config import Settings
from sparrow.features.engines import EngineChoice
from tests.conftest import Silent
from tests.test_architecture import imports_of


def write(context: Context, out: Path) -> dict[str, int]:
    """Concatenate the inputs' texts."""
    text = "+".join((folder / "text").read_text() for folder in context.inputs.values())
    (out / "text").write_text(f"({text}{context.settings.samples.seed if not context.inputs else ''})")
    return {"length": len(text)}


CHAIN = (
    Stage("first", (), ("samples",), (), write),
    Stage("second", ("first",), ("neural_cf",), (), write),
    Stage("third", ("second",), (), (), write),
    Stage("aside", ("first",), ("recall",), (), write),
)


def planned(
    work: Path, settings: Settings | None = None, force: tuple[str, ...] = (), data: str = "d", stages=CHAIN
) -> Plan:
    return Plan(stages, work, data, "world", settings or Settings(), force=frozenset(force))


def run(*words, **more) -> Silent:
    reporter = Silent()
    run_stages(planned(*words, **more), reporter)
    return reporter


def done(work: Path, **more) -> dict[str, Done]:
    return run_stages(planned(work, **more), Silent())


def change(section: str, **values: object) -> Settings:
    return Settings.model_validate({section: values})


def test_a_second_run_reuses_everything(tmp_path: Path) -> None:
    assert run(tmp_path).ran == ["first", "second", "third", "aside"]
    again = run(tmp_path)
    assert (again.ran, again.reused) == ([], ["first", "second", "third", "aside"])


@pytest.mark.parametrize(
    ("settings", "stale"),
    [
        (change("samples", seed=9), ["first", "second", "third", "aside"]),
        (change("neural_cf", dim=4), ["second", "third"]),
        (change("recall", recent_likes=3), ["aside"]),
        (change("web", port=9000), []),
    ],
)
def test_a_changed_setting_runs_its_stage_and_those_after_it(
    tmp_path: Path, settings: Settings, stale: list[str]
) -> None:
    run(tmp_path)
    assert run(tmp_path, settings).ran == stale


def test_going_back_to_old_settings_finds_the_old_stages(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, change("neural_cf", dim=4))
    assert run(tmp_path).ran == []


def test_other_data_runs_everything(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, data="other").ran == [stage.name for stage in CHAIN]


def test_a_forced_stage_makes_those_after_it_stale(tmp_path: Path) -> None:
    """Training need not repeat to the last bit: neighbours of the old vectors must not stand beside the new ones."""
    run(tmp_path)
    assert run(tmp_path, force=("second",), stages=CHAIN[:2]).ran == ["second"]
    again = run(tmp_path)
    assert (again.ran, again.reused) == (["third"], ["first", "second", "aside"])
    assert run(tmp_path).ran == []


def test_a_killed_stage_leaves_nothing_that_is_taken_for_one(tmp_path: Path) -> None:
    def die(context: Context, out: Path) -> dict[str, int]:
        (out / "text").write_text("half")
        raise KeyboardInterrupt

    broken = (CHAIN[0], Stage("second", ("first",), ("neural_cf",), (), die), CHAIN[2])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, stages=broken)
    assert [path.name for path in tmp_path.glob("second-*")] == []
    resumed = run(tmp_path)
    assert (resumed.ran, resumed.reused) == (["second", "third", "aside"], ["first"])
    assert next(tmp_path.glob("third-*/text")).read_text() == "(((1)))"


def test_a_stage_without_its_mark_is_not_done(tmp_path: Path) -> None:
    run(tmp_path)
    next(tmp_path.glob(f"second-*/{DONE}")).unlink()
    assert run(tmp_path).ran == ["second", "third"]


def test_what_would_run_is_known_before_it_runs(tmp_path: Path) -> None:
    assert planned(tmp_path).stale() == ["first", "second", "third", "aside"]
    run(tmp_path)
    assert planned(tmp_path).stale() == []
    assert planned(tmp_path, change("neural_cf", dim=4)).stale() == ["second", "third"]
    assert planned(tmp_path, force=("aside",)).stale() == ["aside"]
    run(tmp_path, force=("first",), stages=CHAIN[:1])
    assert planned(tmp_path).stale() == ["second", "third", "aside"]


def test_a_stage_and_what_it_stands_on() -> None:
    assert [stage.name for stage in needed_for(CHAIN, "third")] == ["first", "second", "third"]
    assert [stage.name for stage in needed_for(CHAIN, "aside")] == ["first", "aside"]
    assert [stage.name for stage in needed_for(STAGES, "recall")] == ["data", "features", "embeddings", "recall"]


def test_a_stage_tells_how_it_went_and_is_believed_later(tmp_path: Path) -> None:
    told = done(tmp_path)["second"]
    report = told.report
    assert (report.stage, report.engine, report.forced, report.reused) == ("second", "duckdb", False, False)
    assert report.fingerprint == told.folder.name.removeprefix("second-")
    assert report.settings == {"neural_cf": Settings().neural_cf.model_dump(mode="json")}
    assert report.counts == {"length": 3}
    assert report.bytes == len("((1))")
    assert report.peak_memory > 10_000_000
    assert report.started.endswith("+00:00")
    again = done(tmp_path)["second"].report
    assert again == replace(report, reused=True)


def test_rows_are_counted_on_disk_unless_the_stage_knows_better(tmp_path: Path) -> None:
    def tables(context: Context, out: Path) -> dict[str, int]:
        (out / "judging").mkdir()
        pq.write_table(pa.table({"a": [1, 2, 3]}), out / "judging" / "rows.parquet")
        (out / "parts.parquet").mkdir()
        pq.write_table(pa.table({"a": [1, 2]}), out / "parts.parquet" / "part-0.parquet")
        np.savez(out / "vectors.npz", ids=np.arange(4), vectors=np.zeros((4, 2)))
        return {"rows_in": 100}

    def tells(context: Context, out: Path) -> dict[str, int]:
        return {"rows_out": 7, "people": 3}

    stages = (
        Stage("tables", (), (), (), tables),
        Stage("reads", ("tables",), (), (), tells),
        Stage("blind", (), (), (), lambda *_: {}),
    )
    reports = [one.report for one in done(tmp_path, stages=stages).values()]
    assert [(one.rows_in, one.rows_out) for one in reports] == [(100, 9), (9, 7), (None, None)]
    assert [one.counts for one in reports] == [{}, {"people": 3}, {}]


def test_a_report_of_another_version_is_no_report(tmp_path: Path) -> None:
    run(tmp_path)
    next(tmp_path.glob(f"second-*/{DONE}")).write_text('{"seconds": 1.0, "counts": {}, "run": "x", "used": {}}')
    next(tmp_path.glob(f"aside-*/{DONE}")).write_text('{"half": ')
    assert run(tmp_path).ran == ["second", "third", "aside"]


def test_only_forced_runs_are_remembered_as_such(tmp_path: Path) -> None:
    run(tmp_path)
    assert planned(tmp_path).forced_runs() == set()
    forced = done(tmp_path, force=("second",), stages=CHAIN[:2])["second"].report.run
    assert planned(tmp_path).forced_runs() == {forced}
    run(tmp_path)
    assert planned(tmp_path).forced_runs() == {forced}, "what stands on it was stale, not forced"


def test_the_engine_is_in_a_fingerprint_only_where_it_matters() -> None:
    stages = (*CHAIN[:1], replace(CHAIN[1], engine_matters=True), *CHAIN[2:])
    here, there = (fingerprints(stages, "d", Settings(), EngineChoice(name)) for name in ("duckdb", "spark"))
    assert [name for name in here if here[name] != there[name]] == ["second", "third"]
    elsewhere = fingerprints(stages, "d", Settings(), EngineChoice("spark", "spark://host:7077", "1GB"))
    assert elsewhere == there


def test_a_stage_gets_the_engine_of_the_build(tmp_path: Path) -> None:
    met: list[EngineChoice] = []

    def look(context: Context, out: Path) -> dict[str, int]:
        met.append(context.engine)
        return {}

    choice = EngineChoice("spark", "local[1]")
    made = run_stages(Plan((Stage("look", (), (), (), look),), tmp_path, "d", "w", Settings(), choice), Silent())
    assert met == [choice]
    assert made["look"].report.engine == "spark"


def test_sweep_keeps_what_it_is_told_and_nothing_else(tmp_path: Path) -> None:
    for name in ("first-a", "first-b", ".second-c.tmp"):
        (tmp_path / name).mkdir()
    sweep(tmp_path, [tmp_path / "first-b"])
    assert [path.name for path in tmp_path.iterdir()] == ["first-b"]
    sweep(tmp_path / "nowhere", [])


def stale_stages(settings: Settings) -> list[str]:
    before, after = fingerprints(STAGES, "d", Settings()), fingerprints(STAGES, "d", settings)
    return [name for name in before if before[name] != after[name]]


@pytest.mark.parametrize(
    ("settings", "stale"),
    [
        (
            change("split", valid=0.2),
            ["features", "samples", "embeddings", "recall", "ranking", "assemble", "evaluate"],
        ),
        (change("samples", negatives=2), ["samples", "ranking", "assemble", "evaluate"]),
        (change("item2vec", dim=8), ["embeddings", "recall", "assemble", "evaluate"]),
        (change("neural_cf", dim=8), ["ranking", "assemble", "evaluate"]),
        (change("collaborative", dim=8), ["recall", "assemble", "evaluate"]),
        (change("recall", recent_likes=3), ["assemble", "evaluate"]),
        (change("candidates", hidden=[1]), ["assemble", "evaluate"]),
        (change("web", port=7000), []),
        (change("releases", keep=5), []),
        (change("build", memory="2GB", check_disk=False), []),
    ],
)
def test_what_each_real_setting_makes_stale(settings: Settings, stale: list[str]) -> None:
    assert stale_stages(settings) == stale


def test_every_room_that_a_stage_names_exists() -> None:
    for stage in STAGES:
        for room in stage.rooms:
            path = digests.SOURCE / room
            assert path.is_dir() or path.with_suffix(".py").is_file(), f"{stage.name} names {room}"


FRAME = ("build/plan", "build/digests", "build/limits", "build/memory", "build/run_log", "stores/", "model_server/")
"""How stages are run and where things are kept: a change there changes nothing in what a stage makes."""


def test_a_stage_goes_stale_with_everything_it_runs() -> None:
    """Whatever its rooms import, in turn, is one of its rooms, or of a stage that it stands on."""
    covered: dict[str, set[Path]] = {}
    for stage in STAGES:
        own = set().union(*(source_files(room) for room in (*stage.rooms, "schema")))
        covered[stage.name] = own.union(*(covered[name] for name in stage.needs))
        inside = {path.relative_to(digests.SOURCE).as_posix() for path in imported_from(own) - covered[stage.name]}
        missing = [
            name for name in inside if not name.startswith((*FRAME, "config/", "errors")) and "__init__" not in name
        ]
        assert sorted(missing) == [], stage.name


def source_files(room: str) -> set[Path]:
    path = digests.SOURCE / room
    return set(path.rglob("*.py")) if path.is_dir() else {path.with_suffix(".py")}


def imported_from(files: set[Path]) -> set[Path]:
    """These files, and all of Sparrow that they import, directly or not; what only carries a stage is not followed."""
    found, waiting = set(files), list(files)
    while waiting:
        for name in imports_of(waiting.pop()):
            path = digests.SOURCE.parent.joinpath(*name.split(".")).with_suffix(".py")
            carries = path.as_posix().startswith(tuple(f"{digests.SOURCE.as_posix()}/{frame}" for frame in FRAME))
            if name.startswith("sparrow.") and path.is_file() and path not in found and not carries:
                found.add(path)
                waiting.append(path)
    return found


def test_stages_need_only_earlier_ones() -> None:
    names = [stage.name for stage in STAGES]
    for place, stage in enumerate(STAGES):
        assert set(stage.needs) <= set(names[:place])


def test_the_code_of_a_release_is_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copytree(digests.SOURCE, tmp_path / "sparrow", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setattr(digests, "SOURCE", copy)

    def digest() -> str:
        digests._source_digest.cache_clear()
        return digests.code_digest()

    before, marks = digest(), fingerprints(STAGES, "d", Settings())
    (copy / "__pycache__").mkdir()
    assert digest() == before, "compiled files are no code"
    (copy / "schema.py").write_text("LIKED_RATING = 1\n")
    assert digest() != before
    after = fingerprints(STAGES, "d", Settings())
    assert not [name for name in marks if marks[name] == after[name]], "every stage goes by the schema"
    monkeypatch.undo()
    digests._source_digest.cache_clear()


def test_a_stage_deleted_half_way_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "one-0123"
    folder.mkdir()
    for name in ("a", DONE, "z"):
        (folder / name).write_text("{}")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        plan.sweep(tmp_path, keep=[])
    assert sorted(path.name for path in folder.iterdir()) == ["a", "z"]
