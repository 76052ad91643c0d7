"""What people say of pairs of movies, read from a file with every doubt counted and named.

The file is CSV with a header: movieId_1, movieId_2, label; other columns are left alone. A label is a number, larger is more
alike: 0/1 or graded. A pair is unordered.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.evaluation.rows import Ids

COLUMNS: Final = ("movieId_1", "movieId_2", "label")
NAMED: Final = 10
"""Examples given of each fault."""


@dataclass(frozen=True)
class Faults:
    """What was wrong with a truth file; `rows` counts its rows.

    Attributes:
        rows: in the file.
        unknown: movies that the release does not hold, as written.
        repeated: pairs that come more than once; the mean of their labels counts.
        contradictory: those of them whose labels differ.
        self_pairs: movies paired with themselves; left out.
    """

    rows: int
    unknown: tuple[str, ...]
    repeated: tuple[str, ...]
    contradictory: tuple[str, ...]
    self_pairs: tuple[str, ...]

    def report(self) -> dict[str, Any]:
        """Counts, and the first `NAMED` of each."""
        kinds = ("unknown", "repeated", "contradictory", "self_pairs")
        told = {kind: getattr(self, kind) for kind in kinds}
        return {"rows": self.rows} | {
            kind: {"count": len(names), "first": list(names[:NAMED])} for kind, names in told.items()
        }


@dataclass(frozen=True)
class Truth:
    """Judged pairs of known movies, each once.

    Attributes:
        one, other: (n,) dense rows of the release's movies.
        labels: (n,) larger is more alike.
        pairs: distinct pairs in the file, known or not.
        faults: what was wrong.
    """

    one: Ids
    other: Ids
    labels: NDArray[np.float64]
    pairs: int
    faults: Faults

    @property
    def alike(self) -> NDArray[np.bool_]:
        """(n,) whether the label lies above the middle of the smallest and the largest one."""
        middle = (self.labels.min() + self.labels.max()) / 2 if len(self.labels) else 0.0
        return np.asarray(self.labels > middle)


def read_truth(path: Path, rows: Mapping[str, int]) -> Truth:
    """Read judged pairs.

    Args:
        path: the CSV file.
        rows: id as the outside world writes it → dense row.

    Raises:
        DataError: the file cannot be read, lacks a column, or a label is no number; the line is named.
    """
    judged: dict[tuple[str, str], list[float]] = {}
    count, own = 0, []
    for one, other, label in _records(path):
        count += 1
        if one == other:
            own.append(one)
        else:
            judged.setdefault((min(one, other), max(one, other)), []).append(label)
    known = {pair: labels for pair, labels in judged.items() if pair[0] in rows and pair[1] in rows}
    several = {pair: labels for pair, labels in judged.items() if len(labels) > 1}
    faults = Faults(
        rows=count,
        unknown=tuple(dict.fromkeys(movie for pair in judged for movie in pair if movie not in rows)),
        repeated=tuple("-".join(pair) for pair in several),
        contradictory=tuple("-".join(pair) for pair, labels in several.items() if len(set(labels)) > 1),
        self_pairs=tuple(own),
    )
    return Truth(
        one=np.array([rows[pair[0]] for pair in known], dtype=np.int64),
        other=np.array([rows[pair[1]] for pair in known], dtype=np.int64),
        labels=np.array([float(np.mean(labels)) for labels in known.values()]),
        pairs=len(judged),
        faults=faults,
    )


def _records(path: Path) -> list[tuple[str, str, float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path} has no column {missing[0]!r}; its header must have {','.join(COLUMNS)}.")
            return [_record(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from None


def _record(path: Path, line: int, row: Mapping[str, str | None]) -> tuple[str, str, float]:
    one, other, label = ((row[name] or "").strip() for name in COLUMNS)
    try:
        value = float(label)
    except ValueError:
        value = np.nan
    if not one or not other or not np.isfinite(value):
        raise DataError(
            f"{path}, line {line}: {one!r}, {other!r}, {label!r} is no judgement; write two movie ids and a number."
        )
    return one, other, value
