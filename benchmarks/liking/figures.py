"""A table of figures over seeds: mean and standard deviation, printed and written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import mean, stdev
from typing import Any, Final

from rich.console import Console
from rich.table import Table as Drawn

from benchmarks.table import RESULTS, machine

Figures = Mapping[str, float]
"""`group/metric` → figure; each group is a table."""

WIDTH: Final = 120


@dataclass
class Grid:
    """Figures of several contenders.

    Attributes:
        name: of the file under `benchmarks/results`.
        settings: what they were taken with.
        runs: contender → one mapping of figures a seed.
        notes: contender → what was chosen, and other words.
    """

    name: str
    settings: Mapping[str, str]
    runs: dict[str, list[Figures]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, contender: str, figures: Figures, note: str = "") -> None:
        """One more seed of a contender; shown at once, since the whole takes long."""
        self.runs.setdefault(contender, []).append(figures)
        if note:
            self.notes[contender] = note
        told = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        Console(stderr=True, highlight=False).print(f"{contender}: {told} {note}", soft_wrap=True)

    def show(self) -> None:
        """Print the table, and write every figure as JSON."""
        names = list(dict.fromkeys(name for runs in self.runs.values() for run in runs for name in run))
        for group in dict.fromkeys(name.split("/")[0] for name in names):
            self._draw(group, [name for name in names if name.split("/")[0] == group])
        RESULTS.mkdir(exist_ok=True)
        told: dict[str, Any] = {"name": self.name, "settings": self.settings, "runs": self.runs, "notes": self.notes}
        told |= {"taken": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")

    def _draw(self, group: str, columns: Sequence[str]) -> None:
        title = f"{self.name}: {group}"
        drawn = Drawn("", *(name.split("/")[-1] for name in columns), title=title)
        for contender, runs in self.runs.items():
            cells = [_spread([run[name] for run in runs if name in run]) for name in columns]
            if any(cells):
                drawn.add_row(contender, *cells)
        Console(width=max(Console().width, WIDTH)).print(drawn)


def _spread(figures: Sequence[float]) -> str:
    if not figures:
        return ""
    return f"{mean(figures):.3f}" + (f" ±{stdev(figures):.3f}" if len(figures) > 1 else "")
