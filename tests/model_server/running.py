"""The real model server in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

COMMAND = [sys.executable, "-c", "from sparrow.cli.model_server import model_server; model_server()"]
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(base_path: Path, name: str, log: Path) -> Iterator[str]:
    """Start `sparrow model-server`, wait until it answers, give its address, end it with SIGTERM."""
    port = free_port()
    flags = [
        f"--rest_api_port={port}",
        "--model_name",
        name,
        f"--model_base_path={base_path}",
        "--enable_batching=false",
    ]
    with log.open("w") as output, subprocess.Popen([*COMMAND, *flags], stdout=output, stderr=output) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_open(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)
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
