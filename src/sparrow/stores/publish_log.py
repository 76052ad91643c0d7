"""`{home}/publish.log`: every flip of every live pointer this home has made, one JSON object a line.

The home's own pointer has no "target"; a shared store's carries its address. Rollback reads here what was live before, and
publishing which version numbers are taken.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from sparrow.errors import ReleaseError
from sparrow.stores.releases import releases_folder

LOG: Final = "publish.log"


def write_whole(path: Path, content: bytes) -> None:
    hidden = path.with_name(f".{path.name}.tmp")
    with hidden.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)


def append(home: Path, action: str, target: str, release: str, models: Mapping[str, int]) -> None:
    """Remember a flip, before it happens: a number that was given must never be given again."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"at": at, "action": action, "release": release, "models": models}
    entry |= {"target": target} if target else {}
    path = home / LOG
    # Replaced, not appended to: half a line, left by a power cut, would stop every later publish and rollback.
    write_whole(path, (path.read_bytes() if path.is_file() else b"") + orjson.dumps(entry) + b"\n")


def _read(home: Path) -> list[dict[str, Any]]:
    path = home / LOG
    try:
        return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    except orjson.JSONDecodeError as error:
        raise ReleaseError(
            f"{path} cannot be read ({error}); remove the broken line, or the file: then only rollback forgets."
        ) from None


def targets(home: Path) -> set[str]:
    """Names of all targets this home was ever published to."""
    return {entry.get("target", "") for entry in _read(home)}


def live_stack(home: Path, target: str, live: str | None) -> list[str]:
    """Releases a rollback can walk back through, the live one last; those deleted since are left out."""
    stack: list[str] = []
    for entry in _read(home):
        release = str(entry["release"])
        if entry.get("target", "") != target:
            continue
        if entry["action"] == "rollback":
            stack = _up_to(stack, release)
        elif not stack or stack[-1] != release:
            stack.append(release)
    # A publisher killed between log and pointer leaves an entry for a release that never was live.
    stack = _up_to(stack, live) if live else stack
    return [release for release in stack if (releases_folder(home) / release).is_dir()]


def live_elsewhere(home: Path, target: str) -> dict[str, set[int]]:
    """model name → versions that other targets may point to: those of the last two flips there, of which one may have failed."""
    last: dict[str, list[dict[str, int]]] = {}
    for entry in _read(home):
        if entry.get("target", "") != target:
            last.setdefault(entry.get("target", ""), []).append(entry["models"])
    found: dict[str, set[int]] = {}
    for flips in last.values():
        for models in flips[-2:]:
            for name, version in models.items():
                found.setdefault(name, set()).add(version)
    return found


def _up_to(stack: list[str], release: str) -> list[str]:
    """The stack without what lies above the last `release`; as it is if that is not in it."""
    above = stack[::-1].index(release) if release in stack else 0
    return stack[: len(stack) - above]


def used_versions(home: Path) -> dict[str, int]:
    """model name → the largest version ever placed."""
    used: dict[str, int] = {}
    for entry in _read(home):
        placed = entry["models"]
        if isinstance(placed, dict):
            used |= {name: max(version, used.get(name, 0)) for name, version in placed.items()}
    return used
