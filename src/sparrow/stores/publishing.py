"""The live pointer: publish, roll back, prune.

`{home}/current` = {"release", "models": {"recmodel": n}} is replaced by one rename; whoever reads it sees the old or the new
release, never a mixture. `{home}/publish.log` remembers every flip, so that rollback knows what was live before.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import orjson

from sparrow.errors import ReleaseError
from sparrow.stores import model_repository
from sparrow.stores.locks import exclusive
from sparrow.stores.releases import check_release, release_names, releases_folder, remove_release

LOG: Final = "publish.log"

WaitUntilAvailable = Callable[[str, int], None]
"""(model name, version) → returns once the model server answers AVAILABLE, raises otherwise."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is live: one release, and the version each of its models was placed under."""

    release: str
    models: dict[str, int]


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


def publish(home: Path, release: str, keep: int, wait: WaitUntilAvailable | None = None) -> Pointer:
    """Make a release live.

    Args:
        home: the state folder.
        release: id of a sealed release; its checksums are verified first.
        keep: how many releases stay on disk.
        wait: asked for each placed model before the pointer flips; None when ranking happens in process.
    """
    with exclusive(home, "publish"):
        return _flip(home, release, "publish", keep, wait)


def rollback(home: Path, keep: int, wait: WaitUntilAvailable | None = None) -> Pointer:
    """Go back to the release that was live before the current one.

    Raises:
        ReleaseError: nothing was live before.
    """
    with exclusive(home, "publish"):
        current = read_pointer(home)
        earlier = [release for release in _live_stack(home, current) if current is None or release != current.release]
        if not earlier:
            raise ReleaseError(
                f"There is nothing to roll back to in {home}: no other release was live before and is still there."
            )
        return _flip(home, earlier[-1], "rollback", keep, wait)


def _flip(
    home: Path, release: str, action: Literal["publish", "rollback"], keep: int, wait: WaitUntilAvailable | None
) -> Pointer:
    manifest, before = check_release(home, release), _pointer_before(home)
    models, used = home / "models", _used_versions(home)
    placed = {}
    for name in manifest.models:
        live = before.models.get(name, 0) if before else used.get(name, 0)
        seen = model_repository.discard_above(models, name, live)
        source = releases_folder(home) / release / name
        placed[name] = model_repository.place(models, name, source, max(seen, used.get(name, 0)))
    model_repository.write_config(models, sorted(placed))
    for name, version in placed.items():
        if wait:
            wait(name, version)
    pointer = Pointer(release, placed)
    _append_log(home, action, pointer)
    _write_whole(home / "current", orjson.dumps(asdict(pointer)))
    for name, version in placed.items():
        model_repository.prune(models, name, {version, before.models.get(name, 0) if before else 0})
    _prune_releases(home, keep, pointer)
    return pointer


def _pointer_before(home: Path) -> Pointer | None:
    """What is live now; None as well for a pointer that cannot be read, since publishing is what mends it."""
    try:
        return read_pointer(home)
    except ReleaseError:
        return None


def _write_whole(path: Path, content: bytes) -> None:
    hidden = path.with_name(f".{path.name}.tmp")
    with hidden.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)


def _append_log(home: Path, action: str, pointer: Pointer) -> None:
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "action": action, **asdict(pointer)}
    path = home / LOG
    # Replaced, not appended to: half a line, left by a power cut, would stop every later publish and rollback.
    _write_whole(path, (path.read_bytes() if path.is_file() else b"") + orjson.dumps(entry) + b"\n")


def _read_log(home: Path) -> list[dict[str, object]]:
    path = home / LOG
    try:
        return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    except orjson.JSONDecodeError as error:
        raise ReleaseError(
            f"{path} cannot be read ({error}); remove the broken line, or the file: then only rollback forgets."
        ) from None


def _live_stack(home: Path, live: Pointer | None) -> list[str]:
    """Releases a rollback can walk back through, the live one last; those deleted since are left out."""
    stack: list[str] = []
    for entry in _read_log(home):
        release = str(entry["release"])
        if entry["action"] == "rollback":
            stack = _up_to(stack, release)
        elif not stack or stack[-1] != release:
            stack.append(release)
    # A publisher killed between log and pointer leaves an entry for a release that never was live.
    stack = _up_to(stack, live.release) if live else stack
    return [release for release in stack if (releases_folder(home) / release).is_dir()]


def _up_to(stack: list[str], release: str) -> list[str]:
    """The stack without what lies above the last `release`; as it is if that is not in it."""
    above = stack[::-1].index(release) if release in stack else 0
    return stack[: len(stack) - above]


def _used_versions(home: Path) -> dict[str, int]:
    """model name → the largest version ever placed."""
    used: dict[str, int] = {}
    for entry in _read_log(home):
        placed = entry["models"]
        if isinstance(placed, dict):
            used |= {name: max(version, used.get(name, 0)) for name, version in placed.items()}
    return used


def _prune_releases(home: Path, keep: int, live: Pointer) -> None:
    """Remove the oldest releases beyond `keep`, never the live one nor the one a rollback returns to."""
    needed = {live.release, *_live_stack(home, live)[-2:]}
    spare = [release for release in release_names(home) if release not in needed]
    for release in spare[: max(0, len(spare) + len(needed) - keep)]:
        remove_release(home, release)
