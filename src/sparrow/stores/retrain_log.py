"""`{home}/retrain.log`: every decision of `sparrow retrain`, one JSON object a line, for people and for the dashboard.

By these lines one thing is decided: a release that was rolled back is not tried again. A line that a power cut left half
written is passed over, and the next one begins on a line of its own.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import orjson

LOG: Final = "retrain.log"

Action = Literal["published", "kept", "unchanged", "failed", "rolled back", "stayed"]
"""`kept`: the live release, the new one fell short; `unchanged`: there was nothing new; `stayed`: a watch ended well."""

READ: Final = 1 << 20
"""Bytes at the log's end that are read: some thousand decisions."""


def now() -> str:
    """The moment as the log tells it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, why, and by which figures.

    Attributes:
        action: what was done.
        release: the new one; "" where none was made.
        before: the release that was live until then; "" where there was none.
        live: the one that answers from now on; "" where there is none.
        why: one sentence.
        figures: what was compared, as numbers.
        at: ISO 8601, UTC.
    """

    action: Action
    release: str
    before: str
    live: str
    why: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    at: str = field(default_factory=now)


def append(home: Path, decision: Decision) -> None:
    """Add one decision; it is on the disk when this returns."""
    line = orjson.dumps(asdict(decision), option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"
    with (home / LOG).open("ab+") as file:
        if size := file.seek(0, os.SEEK_END):
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def decisions(home: Path) -> list[Decision]:
    """The decisions of this home, oldest first; [] where there are none."""
    path = home / LOG
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - READ))
        lines = file.read().splitlines()
    return [one for line in lines if (one := _read(line)) is not None]


def was_rolled_back(home: Path, release: str) -> bool:
    """Whether the last word on a release is that it went back."""
    told = [
        one.action for one in decisions(home) if one.release == release and one.action in ("published", "rolled back")
    ]
    return told[-1:] == ["rolled back"]


def _read(line: bytes) -> Decision | None:
    try:
        return Decision(**orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError):
        return None
