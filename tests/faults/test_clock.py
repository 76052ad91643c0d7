"""The time of day steps to and fro, and a disk is full: lists go on, and what needs the one or the other comes back with it."""

import os
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Released
from tests.faults.load import RECOVERY_S, Load, degraded, until
from tests.test_journey import ids, recommended, serving

pytestmark = pytest.mark.slow

TOKEN = "for the faults"
HOUR = 3600
STEPPED = """
import os, pathlib, time
_real, _file = time.time, pathlib.Path(os.environ["CLOCK_FILE"])
time.time = lambda: _real() + float(_file.read_text() or 0)
"""
"""Loaded by the server's Python before anything else: its time of day is what a file adds to the real one."""


class Clock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)

    def step(self, seconds: float) -> None:
        """Set it so many seconds before or after the real time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.rename(self._file)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    (tmp_path / "stepped").mkdir()
    (tmp_path / "stepped" / "sitecustomize.py").write_text(STEPPED)
    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "stepped"), os.environ.get("PYTHONPATH", "")]))
    return Clock(tmp_path / "clock")


@pytest.fixture
def site(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("SPARROW_WEB__ADMIN_TOKEN", TOKEN)
    with serving(released.fresh(tmp_path / "home")) as site:
        yield site


def put_rules(site: httpx.Client, rules: dict[str, Any]) -> None:
    answer = site.put(
        "/admin/v1/rules", json={"rules": rules, "version": 0}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 200, answer.text


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def test_the_clock_steps(clock: Clock, site: httpx.Client) -> None:
    listed = ids(recommended(site, 1))
    window = {"movies": [listed[0]], "from": moment(-HOUR), "until": moment(HOUR)}
    put_rules(site, {"candidates": {"windows": [window]}})
    with Load(site.base_url).running():
        assert ids(recommended(site, 1)) == listed
        for step in (2 * HOUR, -2 * HOUR, 20 * 365 * 24 * HOUR, -20 * 365 * 24 * HOUR):
            clock.step(step)
            until(lambda: listed[0] not in ids(recommended(site, 1)), RECOVERY_S)
            event = {"type": "click", "userId": 1, "movieId": 8}
            assert site.post("/api/v1/events", json=event).status_code == 202
            until(lambda: degraded(site) == [])
            clock.step(0)
            until(lambda: ids(recommended(site, 1)) == listed, RECOVERY_S)


def limit_files(site: httpx.Client, size: int) -> None:
    """No file of the server may be written beyond so many bytes: to whoever writes, a full disk."""
    [pid] = [int(pid.name) for pid in Path("/proc").iterdir() if pid.name.isdigit() and is_server(pid, site)]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def is_server(process: Path, site: httpx.Client) -> bool:
    try:
        command = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in command and str(site.base_url.port).encode() in command


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux: another process's limits are set")
def test_the_disk_is_full(site: httpx.Client) -> None:
    first = ids(recommended(site, 21))[0]
    event = {"type": "rating", "userId": 21, "movieId": first, "value": 5.0}
    with Load(site.base_url).running():
        limit_files(site, 1)
        refused = site.post("/api/v1/events", json=event)
        assert refused.status_code == 503
        assert "cannot be written" in refused.json()["detail"]
        assert first in ids(recommended(site, 21)), "what was refused did not happen"
        limit_files(site, resource.RLIM_INFINITY)
        until(lambda: site.post("/api/v1/events", json=event).status_code == 202, RECOVERY_S)
        assert first not in ids(recommended(site, 21))
