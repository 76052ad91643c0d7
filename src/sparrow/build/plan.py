"""Stages and what makes one stale. A finished stage is a folder named by its fingerprint; a killed build finds it again.

A finished stage also names the runs it was made from: training need not repeat to the last bit, so a stage that was forced to run
again makes those after it stale. A stage writes into a hidden folder that is renamed when done, so half a stage is never taken
for one.
"""

import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from sparrow.build import limits
from sparrow.build.digests import fingerprints
from sparrow.build.feedback import Feedback
from sparrow.build.memory import PeakMemory
from sparrow.build.run_log import StageReport, bytes_of, rows_of
from sparrow.config import Settings
from sparrow.features.engines import EngineChoice

DONE = "stage.json"
SCRATCH = ".scratch"

DUCKDB: Final = EngineChoice()
NO_FEEDBACK: Final = Feedback()


class Reporter(Protocol):
    """Told what a build does; the command line draws it."""

    def started(self, stage: str) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def finished(self, stage: str, seconds: float, report: StageReport, reused: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a stage gets.

    Attributes:
        inputs: where its inputs lie, by stage name.
        scratch: a folder for what need not last; it goes when the stage ends, however it does.
        settings: of the build.
        source: the data's name or path.
        report: to be told (done, total).
        engine: the batch engine.
        feedback: what people did that changes the data.
    """

    inputs: Mapping[str, Path]
    scratch: Path
    settings: Settings
    source: str
    report: Callable[[int, int], None]
    engine: EngineChoice = DUCKDB
    feedback: Feedback = NO_FEEDBACK


Run = Callable[[Context, Path], Mapping[str, Any]]
"""Fill the folder; returns counts worth telling (`rows_in` and `rows_out` among them replace what is counted on disk)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a build.

    Attributes:
        name: as `--only` takes it.
        needs: names of the stages whose folders it reads.
        sections: settings sections it reads.
        rooms: source folders and files whose change makes it stale.
        run: the work.
        engine_matters: what it makes depends on the batch engine, not only how fast.
    """

    name: str
    needs: tuple[str, ...]
    sections: tuple[str, ...]
    rooms: tuple[str, ...]
    run: Run
    engine_matters: bool = False


class Done(NamedTuple):
    """A finished stage: its folder and how it went."""

    folder: Path
    report: StageReport


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built from what, and where.

    Attributes:
        stages: in order.
        work: folder that holds the stages' folders.
        data: the content hash of the data and the feedback together.
        source: the data's name or path.
        settings: of the build.
        engine: the batch engine.
        force: names of stages to run even if they are fresh.
        feedback: what people did that changes the data.
    """

    stages: Sequence[Stage]
    work: Path
    data: str
    source: str
    settings: Settings
    engine: EngineChoice = DUCKDB
    force: frozenset[str] = frozenset()
    feedback: Feedback = NO_FEEDBACK

    def folders(self) -> dict[str, Path]:
        """Stage name → the folder that it has when it is done."""
        marks = fingerprints(self.stages, self.data, self.settings, self.engine)
        return {name: self.work / f"{name}-{mark}" for name, mark in marks.items()}

    def stale(self) -> list[str]:
        """Names of the stages that would run."""
        folders, runs, stale = self.folders(), dict[str, str](), list[str]()
        for stage in self.stages:
            report = self.fresh(stage, folders[stage.name], runs)
            if report is None:
                stale.append(stage.name)
            else:
                runs[stage.name] = report.run
        return stale

    def fresh(self, stage: Stage, folder: Path, runs: Mapping[str, str]) -> StageReport | None:
        """What a whole stage told of itself; None unless it was made from exactly these runs of the stages before it."""
        report = None if stage.name in self.force else StageReport.load(folder / DONE)
        return report if report and report.used == {name: runs.get(name) for name in stage.needs} else None

    def forced_runs(self) -> set[str]:
        """Runs that somebody forced and that are still at hand."""
        reports = (StageReport.load(folder / DONE) for folder in self.folders().values())
        return {report.run for report in reports if report and report.forced}


def needed_for(stages: Sequence[Stage], last: str) -> tuple[Stage, ...]:
    """The stage called `last` and all that it stands on, in order."""
    wanted = {last}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted |= set(stage.needs)
    return tuple(stage for stage in stages if stage.name in wanted)


def _settings_read(stage: Stage, settings: Settings) -> dict[str, Any]:
    every = settings.model_dump(mode="json")
    return {section: every[section] for section in stage.sections}


def run_stages(plan: Plan, reporter: Reporter) -> dict[str, Done]:
    """Run what is stale, reuse what is not; stage name → how it went.

    Raises:
        BuildError: a stage cannot finish, or the disk will not hold what is still to be written (told before that starts).
    """
    folders, stale = plan.folders(), plan.stale()
    done: dict[str, Done] = {}
    known: int | None = None
    for stage in plan.stages:
        folder, runs = folders[stage.name], {name: one.report.run for name, one in done.items()}
        reporter.started(stage.name)
        report = plan.fresh(stage, folder, runs)
        if report is None:
            known = _check_room(plan, stale[stale.index(stage.name) :], folders, known)
            report = _run(plan, stage, {name: done[name] for name in stage.needs}, folder, reporter, known)
        reporter.finished(stage.name, report.seconds, report, report.reused)
        done[stage.name] = Done(folder, report)
    return done


def _check_room(plan: Plan, stages: Sequence[str], folders: Mapping[str, Path], known: int | None) -> int | None:
    """Refuse what the disk will not hold: by an estimate of the ratings at the start, by their number after the data stage."""
    ratings = limits.count_ratings(plan.source, folders["data"]) if "data" in folders else None
    if ratings is not None and ratings != known:
        limits.check_disk(plan.work, stages, ratings, plan.settings)
    if ratings is not None and known is None:
        limits.warn_of_memory(stages, ratings)
    return ratings


def _run(
    plan: Plan, stage: Stage, inputs: Mapping[str, Done], folder: Path, reporter: Reporter, ratings: int | None
) -> StageReport:
    """Run one stage in a hidden folder beside `folder`, which it becomes when done."""
    hidden = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)
    places = {name: one.folder for name, one in inputs.items()}
    context = Context(
        places, plan.work / SCRATCH, plan.settings, plan.source, reporter.progress, plan.engine, plan.feedback
    )
    started, began = datetime.now(UTC), time.perf_counter()
    needed = limits.disk_needed([stage.name], ratings, plan.settings) if ratings is not None else None
    with limits.half_work_removed(stage.name, hidden, needed), _gone_after(context.scratch):
        hidden.mkdir(parents=True)
        with PeakMemory() as memory:
            counts = dict(stage.run(context, hidden))
        report = StageReport(
            stage=stage.name,
            fingerprint=folder.name.rpartition("-")[2],
            run=uuid.uuid4().hex,
            used={name: one.report.run for name, one in inputs.items()},
            forced=stage.name in plan.force,
            engine=plan.engine.name,
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - began, 2),
            rows_in=counts.pop("rows_in", _sum(one.report.rows_out for one in inputs.values())),
            rows_out=counts.pop("rows_out", rows_of(hidden)),
            peak_memory=memory.peak,
            bytes=bytes_of(hidden),
            counts=counts,
            settings=_settings_read(stage, plan.settings),
        )
        report.save(hidden / DONE)
        remove_stage(folder)
        hidden.rename(folder)
    return report


@contextmanager
def _gone_after(scratch: Path) -> Iterator[None]:
    """One folder for all stages: a JVM goes on writing where its first session began."""
    try:
        yield
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sum(rows: Iterable[int | None]) -> int | None:
    """Of those that are known; None if none is."""
    known = [count for count in rows if count is not None]
    return sum(known) if known else None


def sweep(work: Path, keep: Iterable[Path]) -> None:
    """Remove the folders of earlier builds and of killed stages."""
    kept = {path.name for path in keep}
    for folder in work.iterdir() if work.is_dir() else ():
        if folder.name not in kept:
            remove_stage(folder)


def remove_stage(folder: Path) -> None:
    """Delete a stage's folder, its `DONE` first: killed half-way, what is left is not taken for whole."""
    (folder / DONE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
