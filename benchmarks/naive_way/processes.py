"""A process run to its end, with its time, the memory of its whole family, and its failure in words."""

import json
import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 0.05
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Ended:
    """How a process ended; `seconds` is nan and `failure` says why when it did not do its work."""

    seconds: float
    peak_mb: float
    out: str
    failure: str = ""


def run_watched(command: Sequence[str], limit_s: float, own_clock: bool = False) -> Ended:
    """Run a command to its end.

    Args:
        command: the program and its words.
        limit_s: it is stopped, children and all, after so many seconds.
        own_clock: its last line of output is JSON with its own `seconds`.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True)
        family = _Family(process.pid)
        try:
            code = process.wait(limit_s)
            failure = ""
        except subprocess.TimeoutExpired:
            code, failure = -1, f"not done after {limit_s:.0f} s"
        finally:
            seconds, peak = time.perf_counter() - began, family.close()
            _stop(process)
        told, complaint = (_read(file) for file in (out, err))
    if code and not failure:
        failure = next((line for line in reversed(complaint.splitlines()) if line.strip()), f"it ended with {code}")[
            :200
        ]
    if failure:
        return Ended(math.nan, peak, told, failure)
    return Ended(json.loads(told.splitlines()[-1])["seconds"] if own_clock else seconds, peak, told)


def _read(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read())  # type: ignore[attr-defined]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End what the process has left behind in its own session; nothing, when all went well."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


class _Family:
    """Adds up the resident memory of a process and its descendants, twenty times a second (Linux; elsewhere 0).

    Pages that several of them share count for each; the JVM and Python workers of Spark share little.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._done = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> float:
        """Stop looking; gives the peak in MB."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(LOOK_EVERY_S):
            self._peak = max(self._peak, sum(map(_resident, _descendants(self._pid))) / 1e6)


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return
    for child in children.split():
        yield from _descendants(int(child))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0
