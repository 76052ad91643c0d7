"""What a build tells of itself: one `StageReport` per stage, and `run.json`, which every release carries.

    engine       which batch engine ran, and where
    machine      cores, memory, Python, versions of the main libraries
    stages       the reports, in order

A row is a row of a Parquet file or a vector of an embedding; both fits count. A stage that knows better, or whose rows lie in
other forms, tells `rows_in` and `rows_out` among its counts.
"""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import orjson

from sparrow.build.memory import total_memory
from sparrow.features.engines import EngineChoice

RUN_LOG: Final = "run.json"

LIBRARIES: Final = (
    "duckdb", "gensim", "implicit", "keras", "lmdb", "numba", "numpy", "onnxruntime", "pandas", "pillow", "pyarrow", "pyspark",
    "scipy", "tensorflow", "tensorflow-cpu", "tf2onnx",
)  # fmt: skip
"""Whose versions a run log names, where they are installed."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """How one stage went.

    Attributes:
        stage: its name.
        fingerprint: of data, settings, code and the stages before it.
        run: names this run; one that is repeated has another.
        used: stage name → run, of the stages whose folders it read.
        forced: it was told to run though nothing had changed.
        engine: the batch engine of the build.
        started: ISO 8601, UTC.
        seconds: from begin to end.
        rows_in: rows in the folders it reads; None where nobody counts them.
        rows_out: rows in its own folder; None where it holds none.
        peak_memory: bytes that the process and its children held at most.
        bytes: what it left on disk.
        counts: what else is worth telling.
        settings: section → values, of the sections it reads.
        reused: an earlier build did it, and all of the above tells of then.
    """

    stage: str
    fingerprint: str
    run: str
    used: dict[str, str]
    forced: bool
    engine: str
    started: str
    seconds: float
    rows_in: int | None
    rows_out: int | None
    peak_memory: int
    bytes: int
    counts: dict[str, Any]
    settings: dict[str, Any]
    reused: bool = False

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_SERIALIZE_NUMPY))

    @classmethod
    def load(cls, path: Path) -> "StageReport | None":
        """What `save` wrote, as reused; None if there is no file, or another version of Sparrow wrote it."""
        try:
            return replace(cls(**orjson.loads(path.read_bytes())), reused=True)
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
            return None


def rows_of(folder: Path) -> int | None:
    """Rows that stand in a stage's files, read from their heads; None where there is no file that has rows."""
    # A build that reuses everything need not pay for loading these.
    import numpy as np
    import pyarrow.parquet as pq

    tables = [pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet") if path.is_file()]
    vectors = []
    for path in folder.rglob("*.npz"):
        with np.load(path) as arrays:
            vectors += [len(arrays["ids"])] if "ids" in arrays else []
    return sum([*tables, *vectors]) if tables or vectors else None


def bytes_of(folder: Path) -> int:
    """What a folder's files hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write_run_log(release: Path, engine: EngineChoice, reports: Iterable[StageReport]) -> None:
    """Write `run.json` into the folder of a release that is being made."""
    # A Connect master may carry a token behind its address.
    shown = asdict(engine) | {"master": engine.master.split("/;")[0]}
    told = {"engine": shown, "machine": describe_machine(), "stages": [asdict(report) for report in reports]}
    (release / RUN_LOG).write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))


def runs_of(release: Path) -> frozenset[str]:
    """The runs a release was made from; none if it carries no log."""
    path = release / RUN_LOG
    return (
        frozenset(stage["run"] for stage in orjson.loads(path.read_bytes())["stages"])
        if path.is_file()
        else frozenset()
    )


def describe_machine() -> dict[str, Any]:
    """What a build ran on; memory in bytes."""
    return {
        "cores": os.cpu_count(),
        "memory": total_memory(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": dict(sorted(_versions())),
    }


def _versions() -> Iterable[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
