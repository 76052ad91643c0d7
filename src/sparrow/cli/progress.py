"""How a build shows: a bar for the stage at work, a line for each that is done."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from sparrow.build.run_log import StageReport

_HEAD = ("stage", "time", "rows in", "rows out", "memory", "disk", "")


class BuildProgress:
    """A `Reporter` on a terminal; prints plain lines where there is none."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description:<11}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._is_headed = False

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

    def finished(self, stage: str, seconds: float, report: "StageReport", reused: bool) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        if not self._is_headed:
            self._print(_HEAD)
            self._is_headed = True
        spent = "reused" if reused else f"{seconds:.1f} s"
        rows = (f"{count:,}" if count is not None else "" for count in (report.rows_in, report.rows_out))
        self._print((stage, spent, *rows, decimal(report.peak_memory), decimal(report.bytes), _told(report.counts)))

    def _print(self, cells: tuple[str, ...]) -> None:
        stage, spent, rows_in, rows_out, memory, disk, told = cells
        line = f"  {stage:<11} {spent:>8} {rows_in:>13} {rows_out:>13} {memory:>9} {disk:>9}  {told}"
        self._console.print(line.rstrip(), soft_wrap=True)


def _told(counts: Mapping[str, Any]) -> str:
    """Counts in one line; of the two fits the release is what stays."""
    shown = counts.get("release", counts)
    return ", ".join(f"{name} {value}" for name, value in shown.items() if not isinstance(value, Mapping))
