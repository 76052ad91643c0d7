"""The real model server in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

COMMAND = [sys.executable, "-c", "from sparrow.cli.model_server import model_server; model_server()"]
START_SECONDS = 60


@dataclass(frozen=True)
class Addresses:
    """Where a running server answers: "http://127.0.0.1:8501" and "127.0.0.1:8500"; and its process."""

    rest: str
    grpc: str
    pid: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(base_path: Path, name: str, log: Path) -> Iterator[str]:
    """Serve one model, wait until it answers, give the REST address, end it with SIGTERM."""
    flags = ["--model_name", name, f"--model_base_path={base_path}", "--enable_batching=false"]
    with running_with(flags, log) as addresses:
        yield addresses.rest


@contextmanager
def running_with(flags: Sequence[str], log: Path) -> Iterator[Addresses]:
    """Start `sparrow model-server` with ports of its own, wait until it answers, end it with SIGTERM."""
    rest, rpc = free_port(), free_port()
    ports = [f"--rest_api_port={rest}", "--port", str(rpc)]
    with log.open("w") as output, subprocess.Popen([*COMMAND, *ports, *flags], stdout=output, stderr=output) as process:
        addresses = Addresses(f"http://127.0.0.1:{rest}", f"127.0.0.1:{rpc}", process.pid)
        try:
            _wait_until_open(addresses.rest, process, log)
            yield addresses
        finally:
            process.terminate()
            process.wait(timeout=40)
    assert process.returncode == 0, f"SIGTERM must end it with 0, not {process.returncode}: {log.read_text()[-2000:]}"


def _wait_until_open(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the model server did not start: {log.read_text()[-2000:]}")
