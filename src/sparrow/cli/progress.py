"""How a build shows: a bar for the stage at work, a line for each that is done."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class BuildProgress:
    """A `Reporter` on a terminal; prints plain lines where there is none."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description:<11}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None

    def __enter__(self) -> "BuildProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def started(self, stage: str) -> None:
        self._task = self._bars.add_task(stage, total=None)

    def progress(self, done: int, total: int) -> None:
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total)

    def finished(self, stage: str, seconds: float, counts: Mapping[str, Any], reused: bool) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        spent = "reused" if reused else f"{seconds:.1f} s"
        self._console.print(f"  {stage:<11} {spent:>8}  {_told(counts)}", soft_wrap=True)


def _told(counts: Mapping[str, Any]) -> str:
    """Counts in one line; of the two fits the release is what stays."""
    shown = counts.get("release", counts)
    return ", ".join(f"{name} {value}" for name, value in shown.items() if not isinstance(value, Mapping))
