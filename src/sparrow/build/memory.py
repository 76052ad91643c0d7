"""Memory as the system tells it: what is free, and the most that a stage took. Bytes everywhere.

A control group (a container, a service with a limit) may leave less than the machine has; its limit is asked in both versions,
and up the tree, since a parent's limit binds too.
"""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

SAMPLED_EVERY_S: Final = 0.1
"""Seconds between two looks at the process tree."""

_ROOT: Final = Path("/")

_GROUPS: Final = (
    ("sys/fs/cgroup", "", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Version 2 and version 1: mount, controller in /proc/self/cgroup, limit, use, and the cache in it that is given back."""


def total_memory() -> int:
    """What the machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_memory(root: Path = _ROOT) -> int:
    """What this process may still take: the machine's available memory, or less where a control group allows less.

    Where the system tells neither (no /proc), all that the machine has.
    """
    told = (*_machine_room(root), *_group_rooms(root))
    return max(0, min(told, default=total_memory()))


def _machine_room(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _group_rooms(root: Path) -> Iterator[int]:
    """What is left in every control group that this process is in and that has a limit."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for mount, controller, limit, use, cache in _GROUPS:
            if controller == controllers:
                own = root / mount / path.lstrip("/")
                for folder in (own, *own.parents[: len(own.relative_to(root / mount).parts)]):
                    yield from _room(folder, limit, use, cache)


def _room(folder: Path, limit: str, use: str, cache: str) -> Iterator[int]:
    [allowed, *_] = [*_lines(folder / limit), ""]
    [taken, *_] = [*_lines(folder / use), ""]
    if allowed.isdigit() and taken.isdigit():
        given_back = [int(line.split()[1]) for line in _lines(folder / "memory.stat") if line.startswith(f"{cache} ")]
        yield int(allowed) - int(taken) + sum(given_back)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


class PeakMemory:
    """The most memory this process and its children held together while the body ran: `peak`, resident bytes.

    The kernel's own high-water mark never falls, so it cannot tell one stage from the one before; a thread looks ten times a
    second instead. Pages that processes share count once for each.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._over = Event()
        self._watcher = Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watcher.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLED_EVERY_S):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, _tree_bytes(os.getpid()) or _highest_ever())


def _tree_bytes(process: int) -> int:
    """Resident bytes of a process and all below it; 0 for one that has ended, or where there is no /proc."""
    own = _lines(Path(f"/proc/{process}/statm"))
    if not own:
        return 0
    children = [child for tasks in _children(process) for child in tasks]
    return int(own[0].split()[1]) * os.sysconf("SC_PAGE_SIZE") + sum(map(_tree_bytes, children))


def _children(process: int) -> Iterator[list[int]]:
    """The children of each of its threads."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        yield [int(child) for line in _lines(task) for child in line.split()]


def _highest_ever() -> int:
    """The high-water mark since the start: an upper bound, for systems without /proc. macOS tells bytes, others KiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_maxrss for one in who) * unit
