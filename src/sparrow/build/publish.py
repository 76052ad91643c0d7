"""A build from end to end: run the stages, seal the release, make it live."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from sparrow.build.assemble import models_in
from sparrow.build.cards import write_cards
from sparrow.build.feedback import read_feedback
from sparrow.build.fill_store import fill_store
from sparrow.build.limits import engine_memory, half_work_removed
from sparrow.build.lookup import FEEDBACK, code_version, content_mark, release_fingerprint
from sparrow.build.plan import DONE, DUCKDB, SCRATCH, Done, Plan, Reporter, Stage, needed_for, run_stages, sweep
from sparrow.build.posters import check_posters
from sparrow.build.run_log import StageReport, runs_of, write_run_log
from sparrow.build.stages import STAGES
from sparrow.config import Settings
from sparrow.datasets import fingerprint
from sparrow.datasets.sources import locate_dataset
from sparrow.errors import InvalidInput
from sparrow.features.engines import EngineChoice
from sparrow.online.remote_ranker import wait_until_available
from sparrow.stores import publishing
from sparrow.stores.event_archive import bring_home
from sparrow.stores.locks import exclusive
from sparrow.stores.publishing import Pointer, WaitUntilAvailable
from sparrow.stores.releases import Manifest, list_releases, new_release_id, read_manifest, releases_folder, seal

AVAILABLE_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave: the release's manifest, whether it was there already, and else how each stage went."""

    manifest: Manifest
    reused: bool
    stages: tuple[StageReport, ...] = ()


def build(
    home: Path,
    source: str,
    settings: Settings,
    reporter: Reporter,
    force: bool = False,
    engine: EngineChoice = DUCKDB,
    with_events: bool = False,
    until: int | None = None,
) -> Built:
    """Make a release of a dataset, or find the one that has this data, these settings and this code.

    A stage that was forced to run again since (`build_stage`) is in no release yet, so another one is made.

    Args:
        home: the state folder; one build at a time.
        source: dataset name or path.
        settings: of the build.
        reporter: told of every stage.
        force: run every stage even if it is fresh.
        engine: the batch engine; how much memory it gets is for the settings to say.
        with_events: fold in what people did on the site (`build.feedback`); who asked to be forgotten stays out either way.
        until: the last event that is folded in; None: all there are.

    Raises:
        Busy: another build is at work in this home.
        InvalidInput: the folder of posters is missing, or has none of this dataset.
        BuildError: a stage cannot finish, or the disk will not hold the build.
    """
    with exclusive(home, "build"):
        forced = frozenset(stage.name for stage in STAGES) if force else frozenset[str]()
        plan = _plan(STAGES, home, source, settings, engine, forced, with_events, until)
        mark, code = release_fingerprint(plan.data, settings, _engine_mark(engine)), code_version()
        found = None if force else _find(home, mark, code, plan)
        if found:
            return Built(found, reused=True)
        _check_posters(plan)
        done = run_stages(plan, reporter)
        manifest = _seal(home, source, plan, done, mark, code)
        if engine.name == "spark" and settings.online.store.startswith("redis"):
            folder = releases_folder(home) / manifest.release
            features = done["features"].folder / "release"
            fill_store(plan.engine, features, folder, home / "work" / SCRATCH, settings.online.store)
        sweep(home / "work", [one.folder for name, one in done.items() if name != "assemble"])
        return Built(manifest, reused=False, stages=tuple(one.report for one in done.values()))


def build_stage(
    home: Path,
    source: str,
    settings: Settings,
    reporter: Reporter,
    only: str,
    force: bool = False,
    engine: EngineChoice = DUCKDB,
    with_events: bool = False,
) -> tuple[StageReport, ...]:
    """Run one stage, and of those that it stands on the stale ones; makes no release.

    Args:
        only: the stage's name; `force` runs it, and it alone, even if it is fresh. The others are as for `build`.

    Returns:
        How each went, in order, the stage itself last.
    """
    _check_stage(only)
    with exclusive(home, "build"):
        forced = frozenset([only]) if force else frozenset[str]()
        plan = _plan(needed_for(STAGES, only), home, source, settings, engine, forced, with_events)
        _check_posters(plan)
        return tuple(one.report for one in run_stages(plan, reporter).values())


def _plan(
    stages: Sequence[Stage],
    home: Path,
    source: str,
    settings: Settings,
    engine: EngineChoice,
    forced: frozenset[str],
    with_events: bool,
    until: int | None = None,
) -> Plan:
    bring_home(home, settings.feedback.events)
    located, feedback = str(locate_dataset(source, home)), read_feedback(home, with_events, until)
    limited = replace(engine, memory=engine_memory(settings.build.memory))
    data = content_mark(fingerprint(located), feedback.digest)
    return Plan(stages, home / "work", data, located, settings, limited, forced, feedback)


def _check_posters(plan: Plan) -> None:
    """Before the first stage, for the sake of a later one."""
    if plan.settings.embeddings.posters and "embeddings" in plan.stale():
        check_posters(plan.source, plan.settings)


def _engine_mark(engine: EngineChoice) -> str:
    """What of the engine makes a release another one."""
    return engine.name if any(stage.engine_matters for stage in STAGES) else ""


def _find(home: Path, mark: str, code: str, plan: Plan) -> Manifest | None:
    """The newest release of this mark and code that no forced run of a stage has outdated."""
    forced = plan.forced_runs()
    fitting = (one for one in reversed(list_releases(home)) if (one.fingerprint, one.code_version) == (mark, code))
    return next((one for one in fitting if forced <= runs_of(releases_folder(home) / one.release)), None)


def _check_stage(only: str) -> None:
    names = [stage.name for stage in STAGES]
    if only not in names:
        raise InvalidInput(f"There is no stage {only!r}; the stages are: {', '.join(names)}.")


def _seal(home: Path, source: str, plan: Plan, done: Mapping[str, Done], mark: str, code: str) -> Manifest:
    content, assembled = home / "work" / ".release", done["assemble"]
    shutil.rmtree(content, ignore_errors=True)
    now, digest = datetime.now(UTC), plan.feedback.digest
    manifest = Manifest(
        release=new_release_id(mark, now),
        created=now.isoformat(timespec="seconds"),
        dataset={"name": source, "sha256": plan.data} | ({FEEDBACK: digest} if digest else {}),
        code_version=code,
        fingerprint=mark,
        settings=plan.settings.model_dump(mode="json"),
        counts=assembled.report.counts["release"],
        events_through=plan.feedback.through,
        models=models_in(assembled.folder / "release"),
        embeddings=sorted(done["embeddings"].report.counts["release"]),
        metrics=orjson.loads((done["evaluate"].folder / "metrics.json").read_bytes()),
    )
    with half_work_removed("assemble", content, None):
        # From here on the stage is not whole; a build killed before the seal must assemble again.
        (assembled.folder / DONE).unlink()
        (assembled.folder / "release").rename(content)
        write_run_log(content, plan.engine, [one.report for one in done.values()])
        write_cards(content, manifest)
        seal(content, home, manifest)
    shutil.rmtree(assembled.folder, ignore_errors=True)
    return read_manifest(home, manifest.release)


def publish(home: Path, release: str, settings: Settings) -> Pointer:
    """Make a release live in the configured store, once the model server (if one is configured) serves its model."""
    with closing(publishing.open_target(home, settings.online.store)) as target:
        return publishing.publish(home, release, settings.releases.keep, _waiting(settings), target)


def rollback(home: Path, settings: Settings) -> Pointer:
    """Make the release live that was live in the configured store before."""
    with closing(publishing.open_target(home, settings.online.store)) as target:
        return publishing.rollback(home, settings.releases.keep, _waiting(settings), target)


def _waiting(settings: Settings) -> WaitUntilAvailable | None:
    url = settings.online.ranker_url
    return partial(wait_until_available, url, timeout_s=AVAILABLE_WITHIN_S) if url else None
