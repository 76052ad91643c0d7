"""What a check found: counts per file and faults with line numbers, frozen and ready for JSON.

`Tally` collects while a file is read; `FileReport` is its frozen result and refuses to be built when a row was lost:
rows read = kept + dropped, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sparrow.datasets.faults import EMPTY_FILE, FaultKind
from sparrow.errors import DataError

LINES_SHOWN = 5
EXAMPLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """All faults of one kind in one file.

    Attributes:
        count: how often it was met.
        lines: the first few lines, 1-based, as an editor shows them.
        example: the value met first.
    """

    kind: FaultKind
    count: int
    lines: tuple[int, ...]
    example: str

    def to_json(self) -> dict[str, Any]:
        """A flat object for `report.json` and `--json`."""
        kind = self.kind
        found = {"count": self.count, "lines": list(self.lines), "example": self.example}
        return {"kind": kind.name, "what": kind.what, "fate": kind.fate, **found, "cure": kind.cure}


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of the rows of one file; `repaired` rows are among the `kept` ones."""

    file: str
    rows: int
    kept: int
    repaired: int
    dropped: int
    faults: tuple[Fault, ...]
    required: bool

    def __post_init__(self) -> None:
        if self.rows != self.kept + self.dropped:
            raise ValueError(
                f"{self.file}: {self.rows} rows read, but {self.kept} kept and {self.dropped} dropped; rows were lost."
            )

    def to_json(self) -> dict[str, Any]:
        """Counts and faults as JSON values."""
        counts = {"rows": self.rows, "kept": self.kept, "repaired": self.repaired, "dropped": self.dropped}
        return {"file": self.file, **counts, "faults": [fault.to_json() for fault in self.faults]}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a whole dataset is worth: one `FileReport` per file that was there."""

    source: str
    files: tuple[FileReport, ...]

    @property
    def refusal(self) -> str:
        """Why the dataset cannot be used, with the cure; "" when it can: every required file kept a row."""
        return next((_refusal(self.source, file) for file in self.files if file.required and not file.kept), "")

    @property
    def is_clean(self) -> bool:
        """True when nothing at all was found."""
        return not any(file.faults for file in self.files)

    def check_usable(self) -> None:
        """Pass in silence, or raise.

        Raises:
            DataError: a required file kept no row.
        """
        if self.refusal:
            raise DataError(self.refusal)

    def to_json(self) -> dict[str, Any]:
        """The shape of `report.json` and of `sparrow data check --json`."""
        files = [file.to_json() for file in self.files]
        return {"source": self.source, "usable": not self.refusal, "refusal": self.refusal, "files": files}

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_bytes(orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2))


@dataclass(slots=True)
class Tally:
    """Counts what is met while one file is read. Line numbers are 1-based."""

    file: str
    required: bool = True
    rows: int = 0
    dropped: int = 0
    repaired: int = 0
    _found: dict[FaultKind, list[Any]] = field(default_factory=dict)

    def note(self, kind: FaultKind, lines: Sequence[int], example: object, count: int | None = None) -> None:
        """Remember a fault met on `lines` (in order; the first few are enough when `count` tells how many)."""
        met = len(lines) if count is None else count
        if not met:
            return
        seen = self._found.setdefault(kind, [0, (), str(example)[:EXAMPLE_LENGTH]])
        seen[0] += met
        room = LINES_SHOWN - len(seen[1])
        seen[1] += tuple(int(line) for line in lines[:room])
        if kind.fate == "dropped":
            self.dropped += met

    def report(self, kept: int) -> FileReport:
        """Freeze the counts; `kept` is what really stands in the written file."""
        if not self.rows:
            self.note(EMPTY_FILE, (1,), "")
        faults = sorted((Fault(kind, *seen) for kind, seen in self._found.items()), key=lambda fault: fault.lines)
        return FileReport(self.file, self.rows, kept, self.repaired, self.dropped, tuple(faults), self.required)


def _refusal(source: str, file: FileReport) -> str:
    if not file.rows:
        return f"{file.file} of {source} holds no rows; fill it, or name another dataset (`sparrow data list`)."
    first = next(fault for fault in file.faults if fault.kind.fate == "dropped")
    return (
        f"{file.file} of {source} holds no usable row: {file.rows} read, all dropped, on line {first.lines[0]} for "
        f"{first.kind.what} ({first.example!r}); {first.kind.cure}."
    )
