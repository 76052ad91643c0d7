"""A build from end to end: run the stages, seal the release, make it live."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from sparrow.build.lookup import code_version, release_fingerprint
from sparrow.build.plan import DONE, Reporter, run_stages, sweep
from sparrow.build.stages import STAGES
from sparrow.config import Settings
from sparrow.datasets import fingerprint
from sparrow.errors import InvalidInput
from sparrow.online.remote_ranker import wait_until_available
from sparrow.stores import publishing
from sparrow.stores.locks import exclusive
from sparrow.stores.publishing import Pointer, WaitUntilAvailable
from sparrow.stores.releases import Manifest, list_releases, new_release_id, seal

AVAILABLE_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave: the release's manifest, and whether it was there already."""

    manifest: Manifest
    reused: bool


def build(
    home: Path, source: str, settings: Settings, reporter: Reporter, only: str | None = None, force: bool = False
) -> Built | None:
    """Make a release of a dataset, or find the one that has this data, these settings and this code.

    Args:
        home: the state folder; one build at a time.
        source: dataset name or path.
        settings: of the build.
        reporter: told of every stage.
        only: stop after this stage (None then); earlier ones run if they are stale.
        force: run `only`, or every stage, even if fresh.

    Raises:
        Busy: another build is at work in this home.
    """
    _check_stage(only)
    with exclusive(home, "build"):
        data = fingerprint(source)
        mark = release_fingerprint(data, settings)
        code = code_version()
        found = next(
            (one for one in reversed(list_releases(home)) if (one.fingerprint, one.code_version) == (mark, code)), None
        )
        if found and not (only or force):
            return Built(found, reused=True)
        stages = STAGES[: [stage.name for stage in STAGES].index(only) + 1] if only else STAGES
        forced = frozenset([only] if only else (stage.name for stage in STAGES)) if force else frozenset()
        folders = run_stages(stages, home / "work", data, source, settings, reporter, forced)
        if only:
            return None
        manifest = _seal(home, folders, source, data, mark, code, settings)
        sweep(home / "work", {name: path for name, path in folders.items() if name != "assemble"})
        return Built(manifest, reused=False)


def _check_stage(only: str | None) -> None:
    names = [stage.name for stage in STAGES]
    if only is not None and only not in names:
        raise InvalidInput(f"There is no stage {only!r}; the stages are: {', '.join(names)}.")


def _seal(
    home: Path, folders: dict[str, Path], source: str, data: str, mark: str, code: str, settings: Settings
) -> Manifest:
    content = home / "work" / ".release"
    shutil.rmtree(content, ignore_errors=True)
    told = {name: orjson.loads((path / DONE).read_bytes()) for name, path in folders.items()}
    # From here on the stage is not whole; a build killed before the seal must assemble again.
    (folders["assemble"] / DONE).unlink()
    (folders["assemble"] / "release").rename(content)
    now = datetime.now(UTC)
    manifest = Manifest(
        release=new_release_id(mark, now),
        created=now.isoformat(timespec="seconds"),
        dataset={"name": source, "sha256": data},
        code_version=code,
        fingerprint=mark,
        settings=settings.model_dump(mode="json"),
        counts=told["assemble"]["counts"]["release"],
        events_through=0,
        models=["recmodel"],
        embeddings=["item2vec"],
        metrics=orjson.loads((folders["evaluate"] / "metrics.json").read_bytes()),
    )
    seal(content, home, manifest)
    shutil.rmtree(folders["assemble"], ignore_errors=True)
    return manifest


def publish(home: Path, release: str, settings: Settings) -> Pointer:
    """Make a release live, once the model server (if one is configured) serves its model."""
    return publishing.publish(home, release, settings.releases.keep, _waiting(settings))


def rollback(home: Path, settings: Settings) -> Pointer:
    """Make the release live that was live before."""
    return publishing.rollback(home, settings.releases.keep, _waiting(settings))


def _waiting(settings: Settings) -> WaitUntilAvailable | None:
    url = settings.online.ranker_url
    return partial(wait_until_available, url, timeout_s=AVAILABLE_WITHIN_S) if url else None
