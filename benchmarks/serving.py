"""The recommendation server on one core, load from the other, beside the bare framework answering as many ready bytes.

    python -m benchmarks serving [--homes HOME …] [--seconds 5] [--runs 3]

Each home has a live release. Without any, one of the built-in ratings (9,066 movies) and one of a synthetic world of 60 thousand
movies and a million ratings are built in var/benchmarks/serving, NeuralCF and DIN trained for one epoch: their speed is measured,
not their taste. Every row asks for 24 movies of 200 movies or people in turn. The server remembers lists of similar movies that
are asked for again; with an exclusion, every list is made anew, as people's lists always are.

Requests per second: `wrk`, 16 connections. Latency: 99 % of the answers of an open loop at a steady rate are at least as quick.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks.load.clients import latencies_ms, requests_per_second
from benchmarks.load.servers import SPARROW, Server, bare, model_server, sparrow
from benchmarks.table import Row, Table

HOME: Final = Path("var/benchmarks/serving")
PEER: Final = "bare Starlette + uvicorn"
ASKED: Final = 200
WORLD: Final = {"ratings": 1_000_000, "people": 10_000, "movies": 60_000}
FAST: Final = {
    "RANKING__SEQUENCE_FROM": "0",
    "RANKING__MODELS": '["neural_cf", "din"]',
    "NEURAL_CF__EPOCHS": "1",
    "NEURAL_CF__MAX_ROWS": "300000",
    "DIN__EPOCHS": "1",
    "DIN__MAX_ROWS": "100000",
    "ITEM2VEC__EPOCHS": "1",
}
RATES: Final = {"neural_cf": 500.0, "din": 75.0}
"""Requests per second at which latency is told, by model."""


def run(options: Sequence[str] = ()) -> Table:
    """Measure; some ten minutes where the homes are there."""
    given = _parser().parse_args(list(options))
    homes = given.homes or [_built("builtin"), _built("synthetic")]
    rows = [row for home in homes for row in _measure(home, given.seconds, given.runs)]
    settings = {"connections": "16", "seconds": str(given.seconds), "homes": " ".join(map(str, homes))}
    return Table("serving", settings, rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks serving")
    parser.add_argument("--homes", type=Path, nargs="+", help="state folders with a live release")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--runs", type=int, default=3)
    return parser


def _built(dataset: str) -> Path:
    """A home with a live release of this data."""
    home = HOME / dataset
    if (home / "current").exists():
        return home
    source = dataset
    if dataset == "synthetic":
        source = str(HOME / "world")
        sizes = [word for name, size in WORLD.items() for word in (f"--{name}", str(size))]
        subprocess.run([SPARROW, "synth", *sizes, "--out", source], check=True)
    sparrow_here = ["env", *(f"SPARROW_{name}={value}" for name, value in FAST.items()), SPARROW]
    build = [*sparrow_here, "build", "--dataset", source, "--home", str(home), "--json"]
    release = json.loads(subprocess.run(build, check=True, capture_output=True, text=True).stdout)["release"]
    subprocess.run([*sparrow_here, "publish", release, "--home", str(home)], check=True)
    return home


def _measure(home: Path, seconds: float, runs: int) -> Iterator[Row]:
    with sparrow(home) as ours:
        movies, people, count = _ids(ours)
        like = [f"/api/v1/movies/{movie}/similar" for movie in movies]
        by_model = {
            name: [f"/api/v1/users/{person}/recommendations?model={name}" for person in people] for name in RATES
        }
        yield Row(f"start to ready, {count:,} movies", "s", [ours.started_s], PEER, [_bare_start()], ours.memory_mb())
        anew = [f"{path}?exclude={movies[place - 1]}" for place, path in enumerate(like)]
        asked = {
            "similar movies, remembered": like,
            "similar movies, an exclusion each": anew,
            "for you, default": [path.split("?")[0] for path in by_model["neural_cf"]],
        }
        asked |= {f"for you, {name}": paths for name, paths in by_model.items()}
        for what, paths in asked.items():
            yield _speed(f"{what}, {count:,} movies", ours, paths, seconds, runs)
        for name, rate in RATES.items():
            yield _tail(f"for you, {name}, {rate:g}/s, {count:,} movies", ours, by_model[name], rate, seconds, runs)
        yield from _stages(ours, by_model["neural_cf"])
    with model_server(home) as addresses:
        for url in addresses:
            with sparrow(home, "--ranker-url", url) as remote:
                scheme = url.split(":")[0]
                yield _speed(
                    f"for you, neural_cf over {scheme}, {count:,} movies", remote, by_model["neural_cf"], seconds, runs
                )
                if remote.maps("libtensorflow"):
                    sys.exit("The recommendation server has TensorFlow in memory.")


def _speed(what: str, ours: Server, paths: Sequence[str], seconds: float, runs: int) -> Row:
    """Ours and the floor in turn, so that both meet the same moods of the machine."""
    mine, floor = [], []
    with bare(_bytes(ours, paths[0])) as peer:
        for server in (ours, peer):
            requests_per_second(server.address, paths, 1)
        for _ in range(runs):
            mine.append(requests_per_second(ours.address, paths, seconds))
            floor.append(requests_per_second(peer.address, paths, seconds))
    return Row(what, "requests/s", mine, PEER, floor, ours.memory_mb())


def _tail(what: str, ours: Server, paths: Sequence[str], rate: float, seconds: float, runs: int) -> Row:
    with bare(_bytes(ours, paths[0])) as peer:
        mine, floor = (
            [float(np.percentile(latencies_ms(one.address, paths, rate, seconds), 99)) for _ in range(runs)]
            for one in (ours, peer)
        )
    return Row(what, "ms p99", mine, PEER, floor)


def _stages(ours: Server, paths: Sequence[str]) -> Iterator[Row]:
    """Where the time of a list goes, by the server's own clock."""
    told = [json.loads(_get(ours, f"{path}&explain=true"))["timings"] for path in paths]
    whole = [sum(timings.values()) for timings in told]
    for stage in told[0]:
        yield Row(f"stage {stage}", "ms", [median(timings[stage] for timings in told)], "all stages", [median(whole)])


def _ids(ours: Server) -> tuple[list[int], list[int], int]:
    """Some movies (every popularity), some people, and how many movies there are."""
    listed = json.loads(_get(ours, f"/api/v1/movies?size={ASKED}"))
    total = listed["total"]
    movies = [
        json.loads(_get(ours, f"/api/v1/movies?size=1&offset={place}"))["items"][0]["movieId"]
        for place in np.linspace(0, total - 1, ASKED).astype(int).tolist()
    ]
    found = [person for person in range(1, 20 * ASKED) if _is_there(ours, f"/api/v1/users/{person}")][:ASKED]
    return movies, found, total


def _is_there(ours: Server, path: str) -> bool:
    try:
        _get(ours, path)
    except OSError:
        return False
    return True


def _get(ours: Server, path: str) -> bytes:
    with urllib.request.urlopen(f"{ours.address}{path}", timeout=30) as answer:
        body: bytes = answer.read()
        return body


def _bytes(ours: Server, path: str) -> int:
    return len(_get(ours, path))


def _bare_start() -> float:
    with bare(1) as peer:
        return peer.started_s
