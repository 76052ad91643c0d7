"""One list route under several web frameworks, on one core each, load from the other: `python -m benchmarks frameworks`.

Frameworks that are not installed are left out; ours need FastAPI and Starlette alone. Requests per second: `wrk`, 16 connections.
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from benchmarks.load.clients import requests_per_second
from benchmarks.load.servers import framework
from benchmarks.table import Row, Table

PEER: Final = "Starlette"
FORMS: Final = {
    "FastAPI, our route class": ("fastapi", "direct"),
    "FastAPI": ("fastapi",),
    "Litestar": ("litestar",),
    "aiohttp, its own server": ("aiohttp",),
}
"""Module of `load.frameworks` and what it is told."""

PATHS: Final = [
    f"/api/v1/movies/{movie}/similar{query}" for movie in range(1, 101) for query in ("", "?size=24&region=DE")
]


def run(options: Sequence[str] = ()) -> Table:
    """Measure; a minute."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks frameworks")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args(list(options))
    rows = [
        _beside(what, *form, seconds=given.seconds, runs=given.runs)
        for what, form in FORMS.items()
        if find_spec(form[0])
    ]
    return Table("frameworks", {"connections": "16", "seconds": str(given.seconds)}, rows)


def _beside(what: str, *form: str, seconds: float, runs: int) -> Row:
    """In turn with Starlette, so that both meet the same moods of the machine."""
    ours, peers = [], []
    with framework(*form) as one, framework("starlette") as other:
        for server in (one, other):
            requests_per_second(server.address, PATHS, 1)
        for _ in range(runs):
            ours.append(requests_per_second(one.address, PATHS, seconds))
            peers.append(requests_per_second(other.address, PATHS, seconds))
        return Row(what, "requests/s", ours, PEER, peers, one.memory_mb())
