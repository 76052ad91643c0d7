"""`{home}/publish.log`: every flip of every live pointer this home has made, one JSON object a line.

The home's own pointer has no "target"; a shared store's carries its address. Rollback reads here what was live before, and
publishing which version numbers are taken. An entry says "flipped": false until its flip is known to have happened; one
without that field was written by an older Sparrow and counts as flipped.
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
    entry: dict[str, Any] = {"at": at, "action": action, "release": release, "models": models, "flipped": False}
    entry |= {"target": target} if target else {}
    path = home / LOG
    # Replaced, not appended to: half a line, left by a power cut, would stop every later publish and rollback.
    write_whole(path, (path.read_bytes() if path.is_file() else b"") + orjson.dumps(entry) + b"\n")


def confirm(home: Path, target: str, release: str, models: Mapping[str, int]) -> None:
    """Remember that the target's pointer was seen to name this, as a flip promised; nothing to do if that is known."""
    entries = _read(home)
    seen = [one for one in _of(entries, target) if (one["release"], one["models"]) == (release, models)]
    if seen and not _is_flipped(seen[-1]):
        seen[-1]["flipped"] = True
        write_whole(home / LOG, b"".join(orjson.dumps(one) + b"\n" for one in entries))


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
    for entry in _flips(_of(_read(home), target))[0]:
        release = str(entry["release"])
        if entry["action"] == "rollback":
            stack = _up_to(stack, release)
        elif not stack or stack[-1] != release:
            stack.append(release)
    # An older Sparrow, killed between log and pointer, left an entry for a release that never was live.
    stack = _up_to(stack, live) if live else stack
    return [release for release in stack if (releases_folder(home) / release).is_dir()]


def live_elsewhere(home: Path, target: str) -> dict[str, set[int]]:
    """model name → versions that other targets may point to: of the last two flips there, and of those that may have failed."""
    found: dict[str, set[int]] = {}
    for other in targets(home) - {target}:
        flipped, open_ones = _flips(_of(_read(home), other))
        for entry in flipped[-2:] + open_ones:
            for name, version in entry["models"].items():
                found.setdefault(name, set()).add(version)
    return found


def needed_elsewhere(home: Path, target: str) -> set[str]:
    """Releases that other targets may point to, or a rollback there returns to."""
    needed: set[str] = set()
    for other in targets(home) - {target}:
        needed |= set(live_stack(home, other, None)[-2:])
        needed |= {str(entry["release"]) for entry in _flips(_of(_read(home), other))[1]}
    return needed


def _of(entries: list[dict[str, Any]], target: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry.get("target", "") == target]


def _is_flipped(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("flipped", True))


def _flips(entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of one target's entries: the flips that happened; and those tried since, each of which may have happened or failed."""
    last = max((place for place, entry in enumerate(entries) if _is_flipped(entry)), default=-1)
    return [entry for entry in entries[: last + 1] if _is_flipped(entry)], entries[last + 1 :]


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
