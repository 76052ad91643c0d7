"""Load from the second core: `wrk` for as many requests as it can, and an open loop at a steady rate for latencies."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from benchmarks.load.servers import LOADED_FROM

CONNECTIONS: Final = 16
OPEN_CONNECTIONS: Final = 64

WRK: Final = """
local paths = { %s }
local place = 0
request = function()
  place = place %% #paths + 1
  return wrk.format("GET", paths[place])
end
"""


def requests_per_second(address: str, paths: Sequence[str], seconds: float) -> float:
    """What a server answers to `CONNECTIONS` connections that ask again as soon as they are answered.

    Raises:
        RuntimeError: some answer was no 200.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK % ", ".join(f'"{path}"' for path in paths))
        script.flush()
        command = [
            "taskset", "-c", str(LOADED_FROM), _wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", script.name, address,
        ]  # fmt: skip
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"{address} did not answer everything with 200:\n{told}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0])


def latencies_ms(address: str, paths: Sequence[str], rate: float, seconds: float) -> np.ndarray:
    """(rate × seconds,) milliseconds from when each request was due until its answer was read; a slow answer delays no other's
    beginning, and what had to wait for a connection has waited.

    Raises:
        RuntimeError: some answer was no 200.
    """
    host = urlsplit(address)
    assert host.hostname and host.port
    command = [sys.executable, "-m", "benchmarks.load.clients", host.hostname, str(host.port), str(rate), str(seconds)]
    told = subprocess.run(
        ["taskset", "-c", str(LOADED_FROM), *command],
        input="\n".join(paths), check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=os.environ.copy(),
    ).stdout  # fmt: skip
    return np.array(told.split(), dtype=np.float64)


async def _open_loop(host: str, port: int, paths: Sequence[str], rate: float, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(OPEN_CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection(host, port))
    took: list[float] = []
    begin = loop.time() + 0.1

    async def ask(number: int) -> None:
        due = begin + number / rate
        await asyncio.sleep(due - loop.time())
        reader, writer = await idle.get()
        writer.write(f"GET {paths[number % len(paths)]} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(re.findall(rb"content-length: (\d+)", head.lower())[0])
        await reader.readexactly(length)
        took.append(1000 * (loop.time() - due))
        idle.put_nowait((reader, writer))

    async with asyncio.TaskGroup() as asked:
        for number in range(int(rate * seconds)):
            asked.create_task(ask(number))
    return took


def _wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        sys.exit("wrk makes the load of this benchmark; install it (Debian: apt install wrk).")
    return found


if __name__ == "__main__":
    _, to_host, to_port, per_second, for_seconds = sys.argv
    print(
        *asyncio.run(_open_loop(to_host, int(to_port), sys.stdin.read().split(), float(per_second), float(for_seconds)))
    )
