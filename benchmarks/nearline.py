"""How soon what somebody does is in what they get: an event acknowledged, and the very next request.

    python -m benchmarks nearline --home ./var --people 200
    SPARROW_FEEDBACK__EVENTS=redis://127.0.0.1:6379 python -m benchmarks nearline --home ./var

New people come one after the other: each asks for a list, rates its first movie five stars, and asks again. The second list must
lack that movie and be another one (else this ends with an error, however quick it was). The peer is the first list, asked for in
the same minute by somebody of whom nothing is known.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.table import Row, Table

LIMIT_S = 120
FIRST_PERSON = 900_000_000
"""Nobody of any data set."""


def run(words: Sequence[str] = ()) -> Table:
    """Measure; about a minute."""
    asked = _asked(words)
    events, lists, seen, plain = [], [], [], []
    began = FIRST_PERSON + int(time.time()) % 10_000_000
    with _serving(asked.home) as site:
        for user in range(began, began + asked.people):
            first, before = _timed(partial(_list, site, user))
            event = {"type": "rating", "userId": user, "movieId": before[0], "value": 5.0}
            kept, _ = _timed(partial(_told, site, event))
            second, after = _timed(partial(_list, site, user))
            if before[0] in after or after == before[1:]:
                raise SystemExit(f"The list after the event of person {user} did not see it.")
            plain.append(first)
            events.append(kept)
            lists.append(second)
            seen.append(kept + second)
    store = "redis" if os.environ.get("SPARROW_FEEDBACK__EVENTS") else "sqlite"
    rows = [
        row
        for what, figures in (
            ("event sent -> acknowledged", events), ("acknowledged -> list that saw it", lists), ("both", seen),
        )
        for row in (
            Row(f"{what}, median", "ms", [float(np.median(figures))], "list of a stranger", [float(np.median(plain))]),
            Row(f"{what}, 99th percentile", "ms", [_worst(figures)], "list of a stranger", [_worst(plain)]),
        )
    ]  # fmt: skip
    return Table("nearline", {"people": str(asked.people), "events": store}, rows)


def _worst(figures: list[float]) -> float:
    return float(np.quantile(figures, 0.99))


def _timed(ask: Callable[[], Any]) -> tuple[float, Any]:
    """(milliseconds, answer)."""
    began = time.perf_counter()
    found = ask()
    return 1000 * (time.perf_counter() - began), found


def _list(site: httpx.Client, user: int) -> list[int]:
    answer = site.get(f"/api/v1/users/{user}/recommendations").raise_for_status()
    return [item["movieId"] for item in answer.json()["items"]]


def _told(site: httpx.Client, event: dict[str, Any]) -> None:
    assert site.post("/api/v1/events", json=event).raise_for_status().json()["accepted"] == 1


@contextmanager
def _serving(home: Path) -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sparrow.cli.main", "serve", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as site:
            _wait(site, process)
            yield site
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _wait(site: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if site.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit("The server is not ready; try `sparrow serve` on that home.")


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks nearline")
    parser.add_argument("--home", type=Path, default=Path("var"))
    parser.add_argument("--people", type=int, default=200)
    return parser.parse_args(list(words))
