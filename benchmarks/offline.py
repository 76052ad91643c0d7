"""The offline side against its peers, on synthetic worlds: `python -m benchmarks.offline [--ratings N …] [--only PART …]`.

- `engines`   the stages `features` and `samples` by DuckDB and by Spark `local[2]`, and how time per row grows with the rows
- `naive`     the same rows as CSV text between jobs of plain Python on one core, the original SparrowRecSys' way
- `item2vec`  Sparrow's trainer, gensim called bare, and Spark MLlib's Word2Vec, on the same sequences
- `synth`     making the worlds, against Arrow's CSV writer given the finished rows

Everything runs as a process of its own. Its memory is what it and all its children hold together (`naive_way.processes`). The
import of CSV is done before, and not timed. What fails is told in its row; the other rows stand.
"""

import argparse
import json
import math
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.naive_way.processes import Ended, run_watched
from benchmarks.table import Row, Table
from sparrow.config import Item2vec

SIZES: Final = (200_000, 1_000_000)
"""What `make bench` takes; --ratings asks for more."""
NAIVE_RATINGS: Final = 200_000
ITEM2VEC_RATINGS: Final = 1_000_000
ITEM2VEC_EPOCHS: Final = 3
"""Epochs cost the same each; three tell their price."""

SPARROW: Final = str(Path(sys.executable).with_name("sparrow"))
FAILED: Final = math.nan

ARROW_FLOOR: Final = """
import json, sys, time, pyarrow.csv
table = pyarrow.csv.read_csv(sys.argv[1])
began = time.perf_counter()
pyarrow.csv.write_csv(table, sys.argv[2])
print(json.dumps({"seconds": time.perf_counter() - began}))
"""


class Bench:
    """The worlds made so far, and the rows of the table."""

    def __init__(self, place: Path, sizes: Sequence[int], runs: int, limit_s: float) -> None:
        self.place, self.sizes, self.runs, self.limit_s = place, sorted(sizes), runs, limit_s
        self.rows: list[Row] = []
        self.made: dict[int, Ended] = {}
        self.imported: dict[int, Ended] = {}

    def world(self, ratings: int) -> Path:
        """The folder of a world of that size, made once."""
        folder = self.place / f"world-{ratings}"
        if ratings not in self.made:
            command = [SPARROW, "synth", "--ratings", str(ratings), "--out", str(folder), "--json"]
            self.made[ratings] = self._run(command)
        return folder

    def home(self, ratings: int) -> Path:
        """A home where the world of that size is imported, made once."""
        home = self.place / f"home-{ratings}"
        if ratings not in self.imported:
            world = self.world(ratings)
            self.imported[ratings] = self._run(
                [SPARROW, "build", "--dataset", str(world), "--only", "data", "--home", str(home)]
            )
        return home

    def build(self, ratings: int, engine: Sequence[str]) -> Ended:
        """Time `features` and `samples` over an imported world; what they leave is removed before."""
        home = self.home(ratings)
        if failure := self.imported[ratings].failure:
            return Ended(FAILED, 0.0, "", failure)
        for stage in ("features", "samples"):
            for old in (home / "work").glob(f"{stage}-*"):
                shutil.rmtree(old)
        dataset = ["--dataset", str(self.world(ratings)), "--home", str(home)]
        return self._run([SPARROW, "build", *dataset, "--engine", *engine, "--only", "samples"])

    def module(self, name: str, *arguments: str | Path) -> Ended:
        """Run a naive peer, which prints its own seconds."""
        return self._run([sys.executable, "-m", f"benchmarks.naive_way.{name}", *map(str, arguments)], own_clock=True)

    def script(self, code: str, *arguments: str | Path) -> Ended:
        """The same for a few lines of Python."""
        return self._run([sys.executable, "-c", code, *map(str, arguments)], own_clock=True)

    def _run(self, command: Sequence[str], own_clock: bool = False) -> Ended:
        told = " ".join(word for word in (Path(command[0]).name, *command[1:]) if "\n" not in word)
        print("…", told[:150], file=sys.stderr)
        return run_watched(command, self.limit_s, own_clock)

    def add(
        self, what: str, unit: str, ours: Sequence[Ended], peer: str, peers: Sequence[Ended], per: float = 1.0
    ) -> None:
        """A row of seconds (or of `per` divided into them), with failures told in words."""
        words = [f"; failed: {one.failure}" for one in (*ours, *peers) if one.failure][:1]
        memory = max((one.peak_mb for one in peers), default=0.0)
        named = f"{peer}, {memory:.0f} MB" if memory else peer
        figures = ([one.seconds / per for one in some] for some in (ours, peers))
        self.rows.append(
            Row(what, unit, next(figures), named + "".join(words), next(figures), max(one.peak_mb for one in ours))
        )


def measure_engines(bench: Bench) -> None:
    """DuckDB beside Spark at each size, then the growth of time per row."""
    spark = f"Spark {version('pyspark')} local[2]"
    duckdb: dict[int, list[Ended]] = {}
    for size in bench.sizes:
        duckdb[size] = [bench.build(size, ["duckdb"]) for _ in range(bench.runs)]
        peers = [bench.build(size, ["spark", "--spark-master", "local[2]"])]
        bench.add(f"features + samples, {size:,} ratings, DuckDB", "s", duckdb[size], spark, peers)
    small, large = bench.sizes[0], bench.sizes[-1]
    if small < large:
        ours, peers = ([one.seconds * 1e6 / size for one in duckdb[size]] for size in (large, small))
        bench.rows.append(Row(f"time per row at {large:,} ratings, DuckDB", "us", ours, f"at {small:,}", peers))


def measure_naive(bench: Bench) -> None:
    """DuckDB beside CSV text and plain Python, at a size that the latter finishes."""
    size, out = min(NAIVE_RATINGS, bench.sizes[-1]), bench.place / "naive"
    ours = [bench.build(size, ["duckdb"]) for _ in range(bench.runs)]
    peers = [bench.module("samples", bench.world(size), out)]
    shutil.rmtree(out, ignore_errors=True)
    bench.add(f"features + samples, {size:,} ratings, DuckDB", "s", ours, "CSV text, plain Python", peers)


def measure_item2vec(bench: Bench) -> None:
    """The trainers over what the release fit knows."""
    size = min(ITEM2VEC_RATINGS, bench.sizes[-1])
    built = bench.build(size, ["duckdb"])
    known = next((bench.home(size) / "work").glob("features-*/release/known.parquet"), Path("none"))
    settings = json.dumps(Item2vec().model_dump() | {"epochs": ITEM2VEC_EPOCHS, "workers": 2})
    trained = {
        who: built if built.failure else bench.module("word2vec", who, known, settings)
        for who in ("ours", "gensim", "spark")
    }
    what = f"Item2vec, {size:,} ratings, {ITEM2VEC_EPOCHS} epochs"
    bench.add(what, "s", [trained["ours"]], f"bare gensim {version('gensim')}", [trained["gensim"]])
    bench.add(what, "s", [trained["ours"]], f"Spark MLlib {version('pyspark')} local[2]", [trained["spark"]])


def measure_synth(bench: Bench) -> None:
    """Making a world beside writing its finished ratings with a general CSV writer."""
    for size in bench.sizes:
        world = bench.world(size)
        floor = bench.script(ARROW_FLOOR, world / "ratings.csv", bench.place / "floor.csv")
        (bench.place / "floor.csv").unlink(missing_ok=True)
        bench.add(
            f"synth, {size:,} ratings", "us/rating", [bench.made[size]], "Arrow writes them", [floor], per=size / 1e6
        )


PARTS: Final[dict[str, Callable[[Bench], None]]] = {
    "synth": measure_synth,
    "naive": measure_naive,
    "item2vec": measure_item2vec,
    "engines": measure_engines,
}


def run(words: Sequence[str] = ()) -> Table:
    """Measure; 25 million ratings take about 10 GB of disk and, by Spark, more than an hour."""
    asked = _parse(words)
    # Stopped from outside, it ends its own processes first: Spark would live on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    with tempfile.TemporaryDirectory(prefix="sparrow-offline-", dir=asked.place) as folder:
        bench = Bench(Path(folder), asked.ratings, asked.runs, asked.limit)
        for part in asked.only or PARTS:
            PARTS[part](bench)
    libraries = {name: version(name) for name in ("duckdb", "pyspark", "gensim", "pyarrow", "numpy")}
    return Table("offline", libraries | {"item2vec": str(Item2vec()), "runs": str(asked.runs)}, bench.rows)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.offline", description="The offline side against its peers."
    )
    parser.add_argument("--ratings", type=int, nargs="+", default=SIZES, metavar="N", help="sizes of the worlds")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="which parts; else all")
    parser.add_argument("--runs", type=int, default=3, help="runs of each DuckDB job, of which the median counts")
    parser.add_argument("--limit", type=float, default=7200, help="seconds after which a process is stopped")
    parser.add_argument("--place", type=Path, help="where worlds and homes lie meanwhile; else the temporary folder")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(sys.argv[1:]).show()
