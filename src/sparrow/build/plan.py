"""Stages and what makes one stale. A finished stage is a folder named by its fingerprint; a killed build finds it again.

A stage's fingerprint covers the data's content, the settings it reads, the source of the rooms it runs, and the fingerprints
of the stages before it. It also names the runs it was made from: training need not repeat to the last bit, so a stage that was
forced to run again makes those after it stale. A stage writes into a hidden folder that is renamed when done, so half a stage
is never taken for one.
"""

import hashlib
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import orjson

import sparrow
from sparrow.config import Settings
from sparrow.errors import BuildError

SOURCE = Path(sparrow.__file__).parent
DONE = "stage.json"
SHARED = "schema"
"""What counts as liked, which ratings there are: every stage goes by it."""


class Reporter(Protocol):
    """Told what a build does; the command line draws it."""

    def started(self, stage: str) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def finished(self, stage: str, seconds: float, counts: Mapping[str, Any], reused: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a stage gets: where its inputs lie by stage name, the settings, the data's name, and whom to tell."""

    inputs: Mapping[str, Path]
    settings: Settings
    source: str
    report: Callable[[int, int], None]


Run = Callable[[Context, Path], Mapping[str, Any]]
"""Fill the folder; returns counts worth telling."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a build.

    Attributes:
        name: as `--only` takes it.
        needs: names of the stages whose folders it reads.
        sections: settings sections it reads.
        rooms: source folders and files whose change makes it stale.
        run: the work.
    """

    name: str
    needs: tuple[str, ...]
    sections: tuple[str, ...]
    rooms: tuple[str, ...]
    run: Run


def fingerprints(stages: Sequence[Stage], data: str, settings: Settings) -> dict[str, str]:
    """Stage name → fingerprint, for the data with content hash `data`."""
    found: dict[str, str] = {}
    for stage in stages:
        parts = [
            stage.name,
            data,
            [settings.model_dump(mode="json")[section] for section in stage.sections],
            [_source_digest(room) for room in (SHARED, *stage.rooms)],
            [found[name] for name in stage.needs],
        ]
        found[stage.name] = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
    return found


@cache
def _source_digest(room: str) -> str:
    path = SOURCE / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(SOURCE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def code_digest() -> str:
    """A short hash of all of Sparrow's source: which code built a release."""
    return _source_digest(".")[:8]


def run_stages(
    stages: Sequence[Stage],
    work: Path,
    data: str,
    source: str,
    settings: Settings,
    reporter: Reporter,
    force: frozenset[str],
) -> dict[str, Path]:
    """Run what is stale, reuse what is not.

    Args:
        stages: in order.
        work: folder that holds the stages' folders.
        data: the data's content hash.
        source: the data's name or path.
        settings: of the build.
        reporter: told of every stage.
        force: names of stages to run even if they are fresh.

    Returns:
        Stage name → its folder.
    """
    marks = fingerprints(stages, data, settings)
    folders: dict[str, Path] = {}
    runs: dict[str, str] = {}
    for stage in stages:
        folder = work / f"{stage.name}-{marks[stage.name]}"
        context = Context({name: folders[name] for name in stage.needs}, settings, source, reporter.progress)
        used = {name: runs[name] for name in stage.needs}
        reporter.started(stage.name)
        told = None if stage.name in force else _finished(folder, used)
        reused = told is not None
        told = told or _run(stage, context, folder, used)
        reporter.finished(stage.name, told["seconds"], told["counts"], reused)
        folders[stage.name], runs[stage.name] = folder, told["run"]
    return folders


def _finished(folder: Path, used: Mapping[str, str]) -> dict[str, Any] | None:
    """What a whole stage told of itself; None unless it was made from exactly these runs of the stages before it."""
    if not (folder / DONE).is_file():
        return None
    told: dict[str, Any] = orjson.loads((folder / DONE).read_bytes())
    return told if told["used"] == used else None


def _run(stage: Stage, context: Context, folder: Path, used: Mapping[str, str]) -> dict[str, Any]:
    hidden = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    began = time.perf_counter()
    try:
        counts = stage.run(context, hidden)
    except OSError as error:
        raise BuildError(
            f"The stage {stage.name!r} could not write into {folder.parent} ({error}); free space and build again."
        ) from error
    seconds = round(time.perf_counter() - began, 2)
    told = {"seconds": seconds, "counts": dict(counts), "run": uuid.uuid4().hex, "used": dict(used)}
    (hidden / DONE).write_bytes(orjson.dumps(told))
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)
    return told


def sweep(work: Path, keep: Mapping[str, Path]) -> None:
    """Remove the folders of earlier builds and of killed stages."""
    kept = {path.name for path in keep.values()}
    for folder in work.iterdir() if work.is_dir() else ():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
