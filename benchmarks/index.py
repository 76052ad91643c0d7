"""The vector index against bare NumPy that compares everything, and against another library's HNSW graph (Voyager).

`python -m benchmarks index`, or at another size `python -m benchmarks index --vectors 100000`.

Two worlds of unit vectors of 64 numbers: rank 32 with 20 % noise, as embeddings are, and Gaussian, the hardest there is, which no
embedding is. Queries are other vectors of the same world; what is asked is the 100 nearest, one query at a time on one thread.
Recall is the share of the truly nearest 100. Each way runs in a process of its own; its memory is that process's at the most, the
vectors included. Ours has the effort that its build chose; the peer is built on all cores, gets its vectors ready, and comes with
the smallest search effort that reaches the same floor (else the largest tried).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, Table
from sparrow.config import VectorSearch
from sparrow.stores.embedding_table import unit

VECTORS: Final = 1_000_000
QUERIES: Final = 500
WARM: Final = 20
RUNS: Final = 3
DIM: Final = 64
RANK: Final = 32
NOISE: Final = 0.2
"""Standard deviation of the noise over that of the signal."""
K: Final = 100

PEER: Final = "voyager==2.2.3"
CONNECTIONS: Final = 24
THEIR_BUILD: Final = 100
THEIR_EFFORTS: Final = (100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200)
"""Voyager's M, ef_construction, and the query_ef that are tried in turn."""

Answer = Callable[[NDArray[np.float32]], NDArray[np.integer[Any]]]


def run(options: Sequence[str] = ()) -> Table:
    """Measure; takes about half an hour at a million vectors, most of it the peer's builds."""
    count = _parsed(options).vectors
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install_peer(folder / "peer")
        told = {world: _compare(folder, world, count) for world in WORLDS}
    settings = {
        "vectors": f"{count} x {DIM}", "queries": str(QUERIES), "k": str(K), "threads": "1 (peer builds on all)",
        "peer": f"{PEER}, M={CONNECTIONS}, ef_construction={THEIR_BUILD}",
    }  # fmt: skip
    ours = {f"ours, {world}": ways["ours"]["how"] for world, ways in told.items()}
    return Table("index", settings | ours, [row for world, ways in told.items() for row in _rows(world, ways)])


def _compare(folder: Path, world: str, count: int) -> dict[str, dict[str, Any]]:
    """What each way tells of one world; the exact one goes first and leaves the truth."""
    # Not made here: a process's peak of memory begins with that of the process that started it.
    _call(folder, "--world", world, "--vectors", str(count))
    return {way: _measure(way, folder) for way in WAYS}


def _rows(world: str, ways: dict[str, dict[str, Any]]) -> Iterable[Row]:
    exact, ours, theirs = ways["exact"], ways["ours"], ways["voyager"]
    peer = theirs["how"]
    yield Row(f"{world}: one query", "ms", ours["ms"], exact["how"], exact["ms"], ours["memory_mb"])
    yield Row(f"{world}: one query", "ms", ours["ms"], peer, theirs["ms"], ours["memory_mb"])
    yield Row(f"{world}: recall@{K}", "share", [ours["recall"]], peer, [theirs["recall"]])
    yield Row(f"{world}: build", "s", [ours["build"]], peer, [theirs["build"]])
    yield Row(f"{world}: memory", "MB", [ours["memory_mb"]], peer, [theirs["memory_mb"]])


def _low_rank(chance: np.random.Generator, count: int) -> NDArray[np.float32]:
    factors = chance.standard_normal((count, RANK), dtype=np.float32)
    signal = factors @ chance.standard_normal((RANK, DIM), dtype=np.float32)
    return unit(signal / signal.std() + NOISE * chance.standard_normal((count, DIM), dtype=np.float32))


def _gaussian(chance: np.random.Generator, count: int) -> NDArray[np.float32]:
    return unit(chance.standard_normal((count, DIM), dtype=np.float32))


WORLDS: Final = {f"rank {RANK} + {NOISE:.0%} noise": _low_rank, "Gaussian": _gaussian}


def _exact(vectors: NDArray[np.float32], queries: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    """One product and one partition; leaves the true answers for the other ways."""

    def answer(query: NDArray[np.float32]) -> NDArray[np.integer[Any]]:
        scores = vectors @ query
        best = np.argpartition(scores, len(scores) - K)[-K:]
        return best[np.argsort(-scores[best])]

    np.save(folder / "truth.npy", np.array([answer(query) for query in queries]))
    return {"how": f"bare NumPy {np.__version__}", "build": 0.0} | _timed(answer, queries, folder)


def _ours(vectors: NDArray[np.float32], queries: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    from sparrow.stores.index_choice import build_index

    began = time.perf_counter()
    index = build_index(vectors)
    build = time.perf_counter() - began
    facts = index.facts
    how = f"{facts.probes} of {facts.lists} lists, {facts.candidates} candidates each" if facts.lists else facts.kind
    return {"how": how, "build": build} | _timed(lambda query: index.search(query[None], K).rows[0], queries, folder)


def _voyager(vectors: NDArray[np.float32], queries: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    import voyager

    graph = voyager.Index(
        voyager.Space.InnerProduct, DIM, M=CONNECTIONS, ef_construction=THEIR_BUILD, max_elements=len(vectors)
    )
    began = time.perf_counter()
    graph.add_items(vectors, num_threads=os.cpu_count() or 1)
    told = {"build": time.perf_counter() - began}
    for effort in THEIR_EFFORTS:
        answer = _asking(graph, effort)
        if _recall(answer, queries, folder) >= VectorSearch().recall_floor:
            break
    return told | {"how": f"Voyager, query_ef={effort}"} | _timed(answer, queries, folder)


def _asking(graph: Any, effort: int) -> Answer:
    return lambda query: graph.query(query, K, num_threads=1, query_ef=effort)[0]


WAYS: Final = {"exact": _exact, "ours": _ours, "voyager": _voyager}


def _timed(answer: Answer, queries: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    """The median milliseconds of a query in each run, the recall, and the most memory this process took."""
    medians = []
    for _ in range(RUNS):
        for query in queries[:WARM]:
            answer(query)
        medians.append(float(np.median([_seconds(answer, query) for query in queries])) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": medians, "recall": _recall(answer, queries, folder), "memory_mb": peak}


def _recall(answer: Answer, queries: NDArray[np.float32], folder: Path) -> float:
    truth = np.load(folder / "truth.npy")
    return float(
        np.mean([len(np.intersect1d(answer(query), best)) / K for query, best in zip(queries, truth, strict=True)])
    )


def _seconds(answer: Answer, query: NDArray[np.float32]) -> float:
    began = time.perf_counter()
    answer(query)
    return time.perf_counter() - began


def _make(world: str, count: int, folder: Path) -> None:
    points = WORLDS[world](np.random.default_rng(1), count + QUERIES)
    np.save(folder / "vectors.npy", points[:count])
    np.save(folder / "queries.npy", points[count:])


def _measure(way: str, folder: Path) -> dict[str, Any]:
    """One way in a process of its own."""
    told: dict[str, Any] = json.loads(_call(folder, "--way", way).splitlines()[-1])
    return told


def _call(folder: Path, *words: str) -> str:
    """Run this module in another process, on one thread but where it says otherwise."""
    command = [sys.executable, "-m", "benchmarks.index", "--folder", str(folder), *words]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    paths = os.pathsep.join(path for path in (os.environ.get("PYTHONPATH", ""), str(folder / "peer")) if path)
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | single | {"PYTHONPATH": paths})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _install_peer(folder: Path) -> None:
    """Only for the processes that are started here; it needs nothing but NumPy."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*install, "--target", str(folder), PEER], capture_output=True, text=True, timeout=600)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        sys.exit(f"The peer {PEER} could not be installed ({said}); this benchmark needs a package index it can reach.")


def _parsed(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks index")
    parser.add_argument("--vectors", type=int, default=VECTORS, help="vectors in the index")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--world", choices=WORLDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(options)


def main() -> None:
    """One step, for the process that was started for it."""
    given = _parsed(sys.argv[1:])
    if given.world:
        return _make(given.world, given.vectors, given.folder)
    vectors, queries = (np.load(given.folder / f"{name}.npy") for name in ("vectors", "queries"))
    return print(json.dumps(WAYS[given.way](vectors, queries, given.folder)))


if __name__ == "__main__":
    main()
