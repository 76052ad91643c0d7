"""What every benchmark gives: one table, printed for people and written as JSON."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table as Drawn

RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One measured thing: every run's figure, ours and the peer's; `unit` says which way is better by its name."""

    what: str
    unit: str
    ours: list[float]
    peer: str
    peers: list[float]
    memory_mb: float | None = None

    @property
    def ratio(self) -> float:
        """Median of ours over median of the peer's."""
        return median(self.ours) / median(self.peers)


@dataclass(frozen=True)
class Table:
    """A benchmark's rows with the versions and settings they were taken with."""

    name: str
    settings: dict[str, str]
    rows: list[Row]

    def show(self) -> None:
        """Print medians with the range of runs, and write `benchmarks/results/{name}.json`."""
        drawn = Drawn("what", "ours", "peer", "ratio", "memory", title=f"{self.name}  {self.settings}")
        for row in self.rows:
            memory = f"{row.memory_mb:.0f} MB" if row.memory_mb else "-"
            theirs = f"{_range(row.peers)} {row.unit} ({row.peer})"
            drawn.add_row(row.what, f"{_range(row.ours)} {row.unit}", theirs, f"{row.ratio:.2f}", memory)
        Console().print(drawn)
        RESULTS.mkdir(exist_ok=True)
        told = asdict(self) | {"taken": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    return {"python": platform.python_version(), "cores": str(os.cpu_count()), "system": platform.platform(terse=True)}


def _range(figures: list[float]) -> str:
    low, high = min(figures), max(figures)
    middle = f"{median(figures):.3g}"
    return middle if low == high else f"{middle} [{low:.3g}-{high:.3g}]"
