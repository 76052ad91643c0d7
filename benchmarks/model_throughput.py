"""How fast each ranking model trains, streamed and encoded from disk, beside the same batches ready in memory.

`python -m benchmarks model_throughput [--dataset D] [--models a,b] [--batches N] [--home FOLDER]`

Both ways run the same compiled step in this process, in turns; the first epoch compiles, the second is timed. `training` has the
naive loader and memory at scale, for NeuralCF.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.liking.material import Prepared
from benchmarks.table import Row, Table
from sparrow.build.train import section_of
from sparrow.config import MODEL_NAMES, Settings
from sparrow.models import ARCHITECTURES
from sparrow.training.batches import Batch, batched
from sparrow.training.fit import Schedule, Source, fit

BATCHES: Final = 30
"""Of an epoch, at most."""

TURNS: Final = 2


def run(arguments: Sequence[str] = ()) -> Table:
    """Measure each model in turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks model_throughput")
    parser.add_argument("--dataset", default="builtin", help="name or folder")
    parser.add_argument("--models", default=",".join(MODEL_NAMES), help="names, with commas")
    parser.add_argument("--batches", type=int, default=BATCHES, help="of an epoch, at most")
    parser.add_argument("--home", type=Path, help="where features and samples are made")
    given = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Prepared(given.home or Path(scratch), given.dataset, Settings())
        rows = [_measure(prepared, name, given.batches) for name in given.models.split(",")]
    return Table("model_throughput", {"dataset": given.dataset, "batches": str(given.batches)}, rows)


def _measure(prepared: Prepared, name: str, batches: int) -> Row:
    architecture, section = ARCHITECTURES[name], section_of(prepared.settings, name)
    source = prepared.material.source(architecture, section)
    some = _first(source, section.batch, batches)
    ready = list(batched(some(0), section.batch))
    ways: dict[str, Source] = {"streamed": some, "from memory": lambda _number: iter(ready)}
    told: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, feed in ways.items():
            schedule = Schedule.of(section, name, epochs=2)
            _, curve = fit(lambda: architecture.build(source.spec, section), feed, schedule)
            told[way].append(curve.rows_per_second[-1])
    return Row(name, "rows/s", told["streamed"], "from memory", told["from memory"])


def _first(source: Any, batch: int, batches: int) -> Source:
    """Epochs that end after so many batches."""

    def shorter(number: int) -> Iterator[Batch]:
        return islice(batched(source(number), batch), batches)

    return shorter
