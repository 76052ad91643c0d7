"""The version folders under a model's base path."""

import re
from pathlib import Path
from typing import Final

LARGEST_VERSION: Final = 2**63 - 1

_NUMBER = re.compile(r"[0-9]{1,30}")

Fingerprint = frozenset[tuple[str, int, int]]
"""(path, size in bytes, modification time in nanoseconds) of every file of a version."""


def find_versions(base_path: Path) -> dict[int, Path]:
    """The folders named by an integer, newest first; anything else there is ignored.

    Leading zeros do not count: `002` is version 2. When two names spell one number, the shorter wins.

    Raises:
        OSError: if the base path cannot be read.
    """
    names = sorted(path.name for path in base_path.iterdir() if _NUMBER.fullmatch(path.name) and path.is_dir())
    found = {int(name): base_path / name for name in sorted(names, key=len, reverse=True)}
    return {number: found[number] for number in sorted(found, reverse=True) if number <= LARGEST_VERSION}


def fingerprint(path: Path) -> Fingerprint:
    """What would change if a version folder were still being copied, or were mended after a failure."""
    facts = set()
    for file in path.rglob("*"):
        try:
            status = file.stat()
        except OSError:
            continue  # It vanished between listing and looking: the next look differs anyway.
        facts.add((str(file.relative_to(path)), status.st_size, status.st_mtime_ns))
    return frozenset(facts)
