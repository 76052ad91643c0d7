"""Random walks against PecanPy, the fastest Node2vec in Python: same graph, p, q, threads and output.

PecanPy needs NumPy below 2, so it gets an environment of its own in a temporary folder (`python -m venv`, `pip install`). It
comes in its best form: compiled before the clock starts (its loops are compiled anew for each graph, which is not counted),
writing its matrix of node numbers rather than lists of strings; each fitting mode runs and the fastest counts. `walk` is walking
with tables ready; `graph to walks` adds making them: alias tables and the matrix of bits here, all second-order probabilities in
its PreComp mode.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.table import Row, Table
from sparrow.config import DeepWalk
from sparrow.embeddings.graph import ItemGraph, build_graph
from sparrow.embeddings.sequences import Likes
from sparrow.embeddings.walks import Walker

RUNS: Final = 5
WALKS: Final = 10
LENGTH: Final = 80
THREADS: Final = os.cpu_count() or 1
PEER: Final = "pecanpy==2.0.9"

BIASES: Final = ((1.0, 1.0), (0.25, 2.0), (1.0, 0.5))
"""(p, q); the first is DeepWalk."""

THEIR_MODES: Final = {
    (True, False): ("FirstOrderUnweighted", "SparseOTF"),
    (True, True): ("PreCompFirstOrder", "SparseOTF"),
    (False, False): ("PreComp", "SparseOTF"),
    (False, True): ("PreComp", "SparseOTF"),
}
"""(first order, weighted) → PecanPy's modes for it; its DenseOTF, for dense graphs, reads a whole row of a matrix each step."""

THEIRS: Final = """
import json, sys, time
import numba, numpy as np
from numba_progress import ProgressBar
from pecanpy import pecanpy

asked = json.loads(sys.argv[1])
numba.set_num_threads(asked["threads"])
saved = np.load(asked["graph"])
nodes = len(saved["starts"]) - 1

def prepared(starts, neighbours, weights):
    nodes = len(starts) - 1
    graph = getattr(pecanpy, asked["mode"])(p=asked["p"], q=asked["q"], workers=asked["threads"], random_state=1)
    graph.indptr, graph.indices, graph.data = starts, neighbours, weights
    graph.set_node_ids([str(node) for node in range(nodes)])
    began = time.perf_counter()
    graph.preprocess_transition_probs()
    return graph, time.perf_counter() - began

# Compiled anew for each graph: a graph of two nodes tells how long that takes.
two = np.array([0, 1, 2], dtype=np.uint32), np.array([1, 0], dtype=np.uint32), np.ones(2, dtype=np.float32)
prepared(*two)
compiling = min(prepared(*two)[1] for _ in range(2))
graph, took = prepared(saved["starts"], saved["neighbours"], saved["weights"])
tables = max(took - compiling, 0.0)
starts = np.tile(np.arange(nodes, dtype=np.uint32), asked["walks"])
np.random.default_rng(1).shuffle(starts)
has_neighbours, move = graph.get_has_nbrs(), graph.get_move_forward()

def walk(some):
    began = time.perf_counter()
    with ProgressBar(total=len(some), disable=True) as bar:
        graph._random_walks(len(some), asked["length"] - 1, 1, some, has_neighbours, move, bar)
    return time.perf_counter() - began

walk(starts[:100])
share = max(1, len(starts) // asked["fraction"])
print(json.dumps({"tables": tables, "walk": [walk(starts[:share]) * len(starts) / share for _ in range(asked["runs"])]}))
"""

SLOW: Final = 20
"""PecanPy's on-the-fly modes walk a 20th of the walks, times 20: a run of all would take minutes."""


def run() -> Table:
    """Measure; takes about ten minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = _their_environment(folder)
        rows = [row for weighted in (False, True) for row in _compare(folder, python, weighted)]
    graph = _world(weighted=False)
    shape = f"{len(graph.ids)} nodes, {len(graph.neighbours) // 2} edges, {WALKS} walks of {LENGTH} from each"
    return Table("walks", {"graph": shape, "threads": str(THREADS), "peer": PEER}, rows)


def _their_environment(folder: Path) -> Path:
    """An interpreter that has PecanPy."""
    python = folder / "pecanpy" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "pecanpy")], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER, "numpy<2"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=600)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        sys.exit(f"The peer {PEER} could not be installed ({said}); this benchmark needs a package index it can reach.")
    return python


def _world(weighted: bool, movies: int = 8000, people: int = 600, likes: int = 100) -> ItemGraph:
    """An item graph of the size that the built-in data gives, with MovieLens' long tail of popularity."""
    chance = np.random.default_rng(1)
    share = 1 / np.arange(10, movies + 10)
    taste = chance.choice(movies, size=people * likes, p=share / share.sum())
    starts = np.arange(0, people * likes + 1, likes)
    batch = Likes(np.arange(people), starts, taste, np.arange(len(taste)))
    return build_graph([batch], DeepWalk(min_count=1, reach=1, weighted=weighted))


def _compare(folder: Path, python: Path, weighted: bool) -> Iterator[Row]:
    graph = _world(weighted)
    path = folder / f"graph-{weighted}.npz"
    weights = np.ones(len(graph.neighbours), dtype=np.float32) if graph.weights is None else graph.weights
    np.savez(
        path, starts=graph.starts.astype(np.uint32), neighbours=graph.neighbours.astype(np.uint32), weights=weights
    )
    for p, q in BIASES:
        what = f"{'weighted' if weighted else 'unweighted'}, p = {p:g}, q = {q:g}"
        tables, ours = _ours(graph, p, q)
        modes = THEIR_MODES[p == q == 1, weighted]
        theirs = {mode: _theirs(python, path, mode, p, q) for mode in modes}
        walk = min(modes, key=lambda mode: median(theirs[mode]["walk"]))
        whole = min(modes, key=lambda mode: median(theirs[mode]["walk"]) + theirs[mode]["tables"])
        yield Row(f"walk, {what}", "s", ours, walk, theirs[walk]["walk"])
        in_all = [took + theirs[whole]["tables"] for took in theirs[whole]["walk"]]
        yield Row(f"graph to walks, {what}", "s", [took + tables for took in ours], whole, in_all)


def _ours(graph: ItemGraph, p: float, q: float) -> tuple[float, list[float]]:
    """Seconds for the tables, and for the walks of each run."""
    starts = np.tile(np.arange(len(graph.ids), dtype=np.int32), WALKS)
    numbers = np.repeat(np.arange(WALKS), len(graph.ids))
    Walker(graph, p, q).walk(starts[:100], numbers[:100], LENGTH)  # compiles
    began = time.perf_counter()
    walker = Walker(graph, p, q)
    tables = time.perf_counter() - began
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        walker.walk(starts, numbers, LENGTH, THREADS)
        took.append(time.perf_counter() - began)
    return tables, took


def _theirs(python: Path, graph: Path, mode: str, p: float, q: float) -> dict[str, Any]:
    fraction = SLOW if mode.endswith("OTF") else 1
    asked = {
        "graph": str(graph), "mode": mode, "p": p, "q": q, "threads": THREADS, "walks": WALKS, "length": LENGTH,
        "runs": RUNS if fraction == 1 else 2, "fraction": fraction,
    }  # fmt: skip
    done = subprocess.run([str(python), "-c", THEIRS, json.dumps(asked)], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
