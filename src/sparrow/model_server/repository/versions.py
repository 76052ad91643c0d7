"""The version folders under a model's base path, and which of them a policy wants."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST_VERSION: Final = 2**63 - 1

_NUMBER = re.compile(r"[0-9]{1,30}")

Fingerprint = frozenset[tuple[str, int, int]]
"""(path, size in bytes, modification time in nanoseconds) of every file of a version."""


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """Which versions are served: the `latest` ones, all (`latest` is None), or the `specific` ones."""

    latest: int | None = 1
    specific: frozenset[int] | None = None

    def wanted(self, found: dict[int, Path]) -> dict[int, Path]:
        """The versions to try, newest first."""
        if self.specific is None:
            return found
        return {version: path for version, path in found.items() if version in self.specific}

    def is_enough(self, serving: int) -> bool:
        """Whether so many good versions are all that is wanted.

        The latest good ones: a broken newest version does not leave a restarted server without any.
        """
        return self.specific is None and self.latest is not None and serving >= self.latest


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
