"""How long a newcomer waits: `sparrow up` in an empty home until the page answers, and again in the same home.

The floors are what cannot be less: importing the trainer's libraries for the first start, and a bare Starlette page on
uvicorn, started the same way, for the second.
"""

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.table import Row, Table

LIMIT_S: Final = 600
SECOND_STARTS: Final = 5

BARE: Final = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
page = Starlette(routes=[Route("/movie.html", lambda request: PlainTextResponse("hello"))])
uvicorn.run(page, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


def run() -> Table:
    """Measure; takes about two minutes."""
    with tempfile.TemporaryDirectory() as folder:
        sparrow = [str(Path(sys.executable).with_name("sparrow")), "up", "--home", folder]
        first = _seconds_to_page([*sparrow, "--port"])
        second = [_seconds_to_page([*sparrow, "--port"]) for _ in range(SECOND_STARTS)]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    imports = [_seconds([sys.executable, "-c", "import tensorflow, gensim, duckdb"])]
    bare = [_seconds_to_page([sys.executable, "-c", BARE]) for _ in range(SECOND_STARTS)]
    rows = [
        Row(
            "first start, environment ready -> page", "s", [first], "import tensorflow, gensim, duckdb", imports, memory
        ),
        Row("second start -> page", "s", second, "bare Starlette + uvicorn", bare),
    ]
    return Table("first_minute", {"dataset": "builtin", "profile": "quick"}, rows)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
    return time.perf_counter() - began


def _seconds_to_page(command: Sequence[str]) -> float:
    """From starting `command PORT` until its movie page answers; then stops it."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)], stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}/movie.html?movieId=589"):
            if process.poll() is not None or time.perf_counter() - began > LIMIT_S:
                raise RuntimeError(f"{' '.join(command)} did not serve its page; it ended with {process.poll()}.")
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
