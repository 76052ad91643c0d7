"""Servers under test, each on the first core: Sparrow's, and the bare framework that it stands on."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVED_ON: Final = 0
LOADED_FROM: Final = 1
LIMIT_S: Final = 120

SPARROW: Final = str(Path(sys.executable).with_name("sparrow"))

BARE: Final = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = b"x" * int(sys.argv[2])
async def answer(request):
    return Response(body, media_type="application/json")
page = Starlette(routes=[Route("/{rest:path}", answer)])
uvicorn.run(page, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
"""Routing and an answer of as many ready bytes: the floor of any answer of this framework."""


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        address: http://…, without a slash at its end.
        started_s: seconds from its start until it was ready.
        pid: of its only process.
    """

    address: str
    started_s: float
    pid: int

    def memory_mb(self) -> float:
        """What it holds in memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def maps(self, library: str) -> bool:
        """Whether a library of this name is loaded."""
        return library in Path(f"/proc/{self.pid}/maps").read_text()


@contextmanager
def sparrow(home: Path, *flags: str) -> Iterator[Server]:
    """The recommendation server, one worker."""
    port = free_port()
    with _running([SPARROW, "serve", "--home", str(home), "--port", str(port), *flags], port, "/readyz") as server:
        yield server


@contextmanager
def bare(size: int) -> Iterator[Server]:
    """The framework alone; it answers `size` bytes to everything."""
    port = free_port()
    with _running([sys.executable, "-c", BARE, str(port), str(size)], port, "/") as server:
        yield server


@contextmanager
def framework(name: str, *told: str) -> Iterator[Server]:
    """One of `load.frameworks`."""
    port = free_port()
    command = [sys.executable, "-m", f"benchmarks.load.frameworks.with_{name}", str(port), *told]
    with _running(command, port, "/api/v1/movies/1/similar") as server:
        yield server


@contextmanager
def model_server(home: Path) -> Iterator[tuple[str, str]]:
    """The model server over a home's models, on whatever core is free; gives its HTTP and gRPC addresses."""
    rest, rpc = free_port(), free_port()
    command = [
        SPARROW, "model-server", f"--rest_api_port={rest}", f"--port={rpc}",
        f"--model_config_file={home / 'models' / 'models.config'}",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(f"http://127.0.0.1:{rest}/v1/models/recmodel", process)
        yield f"http://127.0.0.1:{rest}", f"grpc://127.0.0.1:{rpc}"
    finally:
        _stop(process)


@contextmanager
def _running(command: Sequence[str], port: int, path: str) -> Iterator[Server]:
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVED_ON}),
    )
    try:
        _until(f"http://127.0.0.1:{port}{path}", process)
        yield Server(f"http://127.0.0.1:{port}", time.perf_counter() - began, process.pid)
    finally:
        _stop(process)


def _until(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it answers 200."""
    began = time.perf_counter()
    while time.perf_counter() - began < LIMIT_S:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None:
                break
        time.sleep(0.01)
    raise RuntimeError(f"{' '.join(map(str, process.args))} did not answer {address}; it ended with {process.poll()}.")  # type: ignore[arg-type]  # fmt: skip


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
