"""The live pointer: publish, roll back, prune.

The pointer {"release", "models": {"recmodel": n}} lives in a target: `{home}/current`, replaced by one rename, or Redis (one
SET). Whoever reads it sees the old or the new release, never a mixture. `{home}/publish.log` remembers every flip with its
target, so that rollback knows what was live there before. Models of all targets share the home's model repository.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import orjson

from sparrow.errors import ReleaseError
from sparrow.stores import model_repository, publish_log
from sparrow.stores.feature_store import KeyValueStore
from sparrow.stores.lmdb_store import LmdbStore
from sparrow.stores.locks import exclusive
from sparrow.stores.publish_log import write_whole
from sparrow.stores.releases import check_release, release_names, releases_folder, remove_release

REQUEST_S: Final = 0.25
"""Deadline of a shared store for what a request asks, unless settings say otherwise."""

WaitUntilAvailable = Callable[[str, int], None]
"""(model name, version) → returns once the model server answers AVAILABLE, raises otherwise."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is live: one release, and the version each of its models was placed under."""

    release: str
    models: dict[str, int]


class Target(Protocol):
    """Where a release is published and read from. `name` is "" for the home itself, else an address without a password."""

    name: str

    def publishing(self, home: Path) -> AbstractContextManager[None]:
        """Be the only publisher to this target, or raise Busy."""

    def read_pointer(self) -> Pointer | None:
        """What is live here."""

    def features(self, folder: Path, patient: bool) -> KeyValueStore:
        """The records of the release in `folder`: `patient` for loading it, else for requests."""

    def fill(self, folder: Path) -> None:
        """Have all records of the folder's release here before it goes live."""

    def flip(self, pointer: Pointer) -> None:
        """Make it live."""

    def prune(self, needed: Collection[str], keep: int) -> None:
        """Remove the records of releases beyond `keep`, never of those that are needed."""

    def close(self) -> None:
        """Let go of connections."""


class HomeTarget:
    """The home itself: a release's records lie in its folder, as LMDB, and are removed with it."""

    name = ""

    def __init__(self, home: Path) -> None:
        self._home = home

    def publishing(self, home: Path) -> AbstractContextManager[None]:  # noqa: ARG002 - the home's lock is held already
        return nullcontext()

    def read_pointer(self) -> Pointer | None:
        return read_pointer(self._home)

    def features(self, folder: Path, patient: bool) -> KeyValueStore:  # noqa: ARG002 - a file is never waited for
        return LmdbStore(folder / "features.lmdb")

    def fill(self, folder: Path) -> None: ...

    def flip(self, pointer: Pointer) -> None:
        write_whole(self._home / "current", orjson.dumps(asdict(pointer)))

    def prune(self, needed: Collection[str], keep: int) -> None: ...

    def close(self) -> None: ...


def open_target(home: Path, url: str, timeout_s: float = REQUEST_S) -> Target:
    """The target behind `--store`: Redis by its URL, "" for the home itself. Nothing is sent yet.

    Raises:
        InvalidInput: the URL cannot be read.
    """
    if not url:
        return HomeTarget(home)
    from sparrow.stores.redis_releases import RedisTarget

    return RedisTarget(url, timeout_s)


def read_pointer(home: Path) -> Pointer | None:
    """The live pointer, None before the first publish.

    Raises:
        ReleaseError: the file is there and cannot be read.
    """
    path = home / "current"
    try:
        return Pointer(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ReleaseError(
            f"{path} cannot be read ({error}); publish a release again: `sparrow publish RELEASE`."
        ) from None


def publish(
    home: Path, release: str, keep: int, wait: WaitUntilAvailable | None = None, target: Target | None = None
) -> Pointer:
    """Make a release live.

    Args:
        home: the state folder.
        release: id of a sealed release; its checksums are verified first.
        keep: how many releases stay on disk, and in the target.
        wait: asked for each placed model before the pointer flips; None when ranking happens in process.
        target: where it goes live; None is the home itself.
    """
    there = target or HomeTarget(home)
    with exclusive(home, "publish"), there.publishing(home):
        return _flip(home, release, "publish", keep, wait, there)


def rollback(home: Path, keep: int, wait: WaitUntilAvailable | None = None, target: Target | None = None) -> Pointer:
    """Go back to the release that was live in the target before the current one.

    Raises:
        ReleaseError: nothing was live before.
    """
    there = target or HomeTarget(home)
    with exclusive(home, "publish"), there.publishing(home):
        current = there.read_pointer()
        if current:
            publish_log.confirm(home, there.name, current.release, current.models)
        stack = publish_log.live_stack(home, there.name, current.release if current else None)
        earlier = [release for release in stack if current is None or release != current.release]
        if not earlier:
            raise ReleaseError(
                f"There is nothing to roll back to in {there.name or home}: no other release was live before and is "
                "still there."
            )
        return _flip(home, earlier[-1], "rollback", keep, wait, there)


def _flip(
    home: Path,
    release: str,
    action: Literal["publish", "rollback"],
    keep: int,
    wait: WaitUntilAvailable | None,
    target: Target,
) -> Pointer:
    manifest, before = check_release(home, release), _pointer_before(target)
    target.fill(releases_folder(home) / release)
    placed = _place_models(home, release, manifest.models, target, before)
    for name, version in placed.items():
        if wait:
            wait(name, version)
    pointer = Pointer(release, placed)
    if before:
        # A flip whose answer was lost, or whose publisher was killed before it could say so, did happen.
        publish_log.confirm(home, target.name, before.release, before.models)
    publish_log.append(home, action, target.name, release, placed)
    target.flip(pointer)
    publish_log.confirm(home, target.name, release, placed)
    _prune(home, keep, target, pointer, before)
    return pointer


def _place_models(
    home: Path, release: str, models: list[str], target: Target, before: Pointer | None
) -> dict[str, int]:
    """Put a release's models under new versions; model name → version."""
    folder, used, elsewhere = (
        home / "models",
        publish_log.used_versions(home),
        publish_log.live_elsewhere(home, target.name),
    )
    placed = {}
    for name in models:
        live = before.models.get(name, 0) if before else used.get(name, 0)
        seen = model_repository.discard_above(folder, name, max(live, *elsewhere.get(name, {0})))
        source = releases_folder(home) / release / name
        placed[name] = model_repository.place(folder, name, source, max(seen, used.get(name, 0)))
    model_repository.write_config(folder, sorted(placed))
    return placed


def _prune(home: Path, keep: int, target: Target, live: Pointer, before: Pointer | None) -> None:
    elsewhere = publish_log.live_elsewhere(home, target.name)
    for name, version in live.models.items():
        old = {before.models.get(name, 0)} if before else set()
        model_repository.prune(home / "models", name, {version, *old, *elsewhere.get(name, ())})
    stack = publish_log.live_stack(home, target.name, live.release)
    needed = {live.release, *stack[-2:]}
    target.prune(needed, keep)
    _prune_releases(home, keep, needed | publish_log.needed_elsewhere(home, target.name))


def _pointer_before(target: Target) -> Pointer | None:
    """What is live now; None as well for a pointer that cannot be read, since publishing is what mends it."""
    try:
        return target.read_pointer()
    except ReleaseError:
        return None


def _prune_releases(home: Path, keep: int, needed: Collection[str]) -> None:
    """Remove the oldest releases beyond `keep`, never a live one nor one that a rollback returns to."""
    spare = [release for release in release_names(home) if release not in needed]
    for release in spare[: max(0, len(spare) + len(needed) - keep)]:
        remove_release(home, release)
