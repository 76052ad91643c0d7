"""How fast NeuralCF trains: streamed from disk, the same batches ready in memory, and the naive loader (CSV text, batches of 12).

`python -m benchmarks training`, or with another size `python -m benchmarks.training --rows 25000000`.

Every way trains the same network with the same compiled step in a process of its own, one after the other. The naive way is
the original SparrowRecSys's: `make_csv_dataset` over text, 12 rows a step; ids are dense already, so it looks nothing up. The
sample sets are made up: people and movies of lognormal activity, 4 negatives a positive on disk.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.table import Row, Table

ROWS: Final = 300_000
"""Positives, unless told otherwise."""

RUNS: Final = 3
TRAINED: Final = 220
"""Batches of an epoch that are trained, all of it at the default size; the second epoch is timed, the first one compiles."""

NAIVE_BATCH: Final = 12
NAIVE_STEPS: Final = 1_000
CSV_ROWS: Final = 50_000
PART_ROWS: Final = 1_000_000
NEGATIVES: Final = 4
MB: Final = 2**20


def run(rows: int = ROWS) -> Table:
    """Measure; takes some minutes, and about 60 bytes of disk a positive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_samples(folder, rows)
        # In turns, so that a slow minute of the machine meets every way.
        turns = [{way: _measure(way, folder) for way in WAYS} for _ in range(RUNS)]
    told = {way: [turn[way] for turn in turns] for way in WAYS}
    speeds = {way: [one["rows_per_second"] for one in runs] for way, runs in told.items()}
    streamed = told["streamed"]
    memory = max(one["memory_mb"] for one in streamed)
    reading = [rows / one["seconds_to_read"] for one in streamed]
    sizes = {key: str(value) for key, value in _sizes(rows).items()} | {"positives": str(rows)}
    return Table(
        "training",
        sizes | {"batch": str(streamed[0]["batch"]), "tensorflow": streamed[0]["tensorflow"]},
        [
            Row("NeuralCF streamed", "rows/s", speeds["streamed"], "from memory", speeds["from_memory"], memory),
            Row("NeuralCF streamed", "rows/s", speeds["streamed"], "CSV, batch 12", speeds["naive"], memory),
            Row(
                "positives read and sorted",
                "rows/s",
                reading,
                "rows trained from memory",
                speeds["from_memory"],
                memory,
            ),
        ],
    )


def _sizes(rows: int) -> dict[str, int]:
    """MovieLens-shaped: 160,000 people and 60,000 movies at 25 million rows, fewer of both below."""
    return {"people": max(100, min(160_000, rows // 150)), "movies": max(200, min(60_000, rows // 150))}


def _write_samples(folder: Path, rows: int) -> None:
    """Both sample sets in parts, a part at a time, and some of the choice set as text."""
    rng, sizes = np.random.default_rng(1), _sizes(rows)
    chances = [np.cumsum(rng.lognormal(0, sigma, size)) for sigma, size in zip((1.2, 2.0), sizes.values(), strict=True)]
    for name in ("choice", "liking"):
        (folder / f"{name}.parquet").mkdir()
    for part, start in enumerate(range(0, rows, PART_ROWS)):
        count = min(PART_ROWS, rows - start)
        users, movies = (np.searchsorted(sums, rng.random(count) * sums[-1]) + 1 for sums in chances)
        others = rng.integers(1, sizes["movies"] + 1, count * NEGATIVES)
        times = rng.integers(0, 2**30, count)
        liking = _table(users, movies, times, rng.integers(0, 2, count))
        repeated = (
            np.repeat(users, NEGATIVES),
            others,
            np.repeat(times, NEGATIVES),
            np.zeros(count * NEGATIVES, np.int64),
        )
        choice = pa.concat_tables([_table(users, movies, times, np.ones(count, np.int64)), _table(*repeated)])
        choice = choice.take(pa.array(rng.permutation(len(choice))))
        for name, table in (("choice", choice), ("liking", liking)):
            pq.write_table(table, folder / f"{name}.parquet" / f"part-{part:03}.parquet")
        if not part:
            pacsv.write_csv(choice.slice(0, CSV_ROWS), folder / "choice.csv")


def _table(*columns: Any) -> pa.Table:
    from sparrow.training.id_samples import COLUMNS, LABEL

    table = pa.table(dict(zip(COLUMNS, columns, strict=True)))
    return table.set_column(table.column_names.index(LABEL), LABEL, table[LABEL].cast(pa.int8()))


def _measure(way: str, folder: Path) -> dict[str, Any]:
    """One way in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.training", "--way", way, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _streamed(folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    source = _source(folder)
    seconds = time.perf_counter() - began
    return _fitted(source, lambda number: _first_rows(source, number)) | {"seconds_to_read": seconds}


def _from_memory(folder: Path) -> dict[str, Any]:
    from sparrow.training.batches import batched

    source = _source(folder)
    ready = list(batched(_first_rows(source, 0), _settings().batch))
    return _fitted(source, lambda _: iter(ready))


def _naive(folder: Path) -> dict[str, Any]:
    import tensorflow as tf

    from sparrow.models.network import CHOICE, LIKING
    from sparrow.training.batches import Batch

    source = _source(folder)

    def text(_: int) -> Iterator[Batch]:
        rows = tf.data.experimental.make_csv_dataset(
            str(folder / "choice.csv"), batch_size=NAIVE_BATCH, label_name="label", num_epochs=None, ignore_errors=True
        )
        for raw, label in islice(rows, NAIVE_STEPS):
            inputs = {
                name: (raw[name].numpy() % vocabulary.rows).astype(np.int32)
                for name, vocabulary in source.spec.vocabularies.items()
            }
            labels = label.numpy().astype(np.float32)[:, None]
            weights = np.ones(NAIVE_BATCH, np.float32)
            yield Batch(inputs, dict.fromkeys((CHOICE, LIKING), labels), dict.fromkeys((CHOICE, LIKING), weights))

    return _fitted(source, text, NAIVE_BATCH)


WAYS: Final = {"streamed": _streamed, "from_memory": _from_memory, "naive": _naive}


def _settings() -> Any:
    from sparrow.config import NeuralCF

    return NeuralCF()


def _source(folder: Path) -> Any:
    from sparrow.config import Samples
    from sparrow.training.id_samples import COLUMNS, IdSamples
    from sparrow.training.sample_files import SampleFiles

    choice, liking = (SampleFiles(folder / f"{name}.parquet", COLUMNS) for name in ("choice", "liking"))
    return IdSamples(choice, liking, Samples(negatives=NEGATIVES))


def _first_rows(source: Any, number: int) -> Iterator[Any]:
    """Blocks of an epoch until `TRAINED` batches are full."""
    left = TRAINED * _settings().batch
    for block in source(number):
        yield block.take(slice(0, left))
        left -= block.rows
        if left <= 0:
            return


def _fitted(source: Any, batches: Any, batch: int | None = None) -> dict[str, Any]:
    """Two epochs of `fit`; the second one's speed and the peak of memory."""
    import tensorflow as tf

    from sparrow.models import ARCHITECTURES
    from sparrow.training.fit import Schedule, fit

    settings = _settings()
    size = batch or settings.batch
    schedule = Schedule(2, size, settings.learning_rate, settings.weight_decay, 2, 1)
    _, curve = fit(lambda: ARCHITECTURES["neural_cf"].build(source.spec, settings), batches, schedule)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB
    return {
        "rows_per_second": curve.rows_per_second[-1], "memory_mb": peak, "batch": size, "tensorflow": tf.__version__,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Measure at a size of one's choice; `--way` and `--folder` are for the processes this starts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--rows", type=int, default=ROWS, help="positives")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.way:
        print(json.dumps(WAYS[given.way](given.folder)))
    else:
        run(given.rows).show()


if __name__ == "__main__":
    main()
