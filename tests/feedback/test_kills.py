"""`kill -9` while events pour in: whatever was answered with 202 is there after the restart, once."""

import random
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from sparrow.stores.event_history import EventHistory
from tests.conftest import Released
from tests.model_server.running import free_port
from tests.test_journey import wait_until_ready

pytestmark = pytest.mark.slow

CLIENTS = 3


class Pouring:
    """Clients that send events until the server is gone; they know what was answered, and what never was."""

    def __init__(self, url: str, again: list[dict[str, Any]]) -> None:
        self.answered: list[str] = []
        self.open: list[dict[str, Any]] = []
        self._url, self._again = url, again
        self._threads = [threading.Thread(target=self._pour, args=(user,)) for user in range(1, CLIENTS + 1)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def _pour(self, user: int) -> None:
        with httpx.Client(base_url=self._url, timeout=20, trust_env=False) as client:
            # What the last server never answered is sent again, as a page would; it must not count twice.
            batch = [event for event in self._again if event["userId"] == user]
            while True:
                batch = batch or [
                    {"eventId": str(uuid.uuid4()), "type": "click", "userId": user, "movieId": 1 + place}
                    for place in range(5)
                ]
                try:
                    answer = client.post("/api/v1/events", json=batch)
                except httpx.TransportError:
                    self.open += batch
                    return
                assert answer.status_code == 202, answer.text
                self.answered += [event["eventId"] for event in batch]
                batch = []


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.soak)])
def test_every_acknowledged_event_is_there_once_after_each_kill(released: Released, tmp_path: Path, kills: int) -> None:
    home, chance = released.fresh(tmp_path / "home"), random.Random()
    answered: list[str] = []
    again: list[dict[str, Any]] = []
    for number in range(kills):
        port, log = free_port(), tmp_path / f"serve-{number}.log"
        command = [sys.executable, "-m", "sparrow.cli.main", "serve", "--home", str(home), "--port", str(port)]
        with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
                wait_until_ready(client, process, log)
            pouring = Pouring(f"http://127.0.0.1:{port}", again)
            while not pouring.answered:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.5))
            process.kill()
        pouring.wait()
        answered, again = answered + pouring.answered, pouring.open
        kept = [event["eventId"] for event in EventHistory(home).events()]
        assert len(kept) == len(set(kept))
        assert set(answered) <= set(kept), "an acknowledged event was lost"
        assert set(kept) <= set(answered) | {event["eventId"] for event in again}, "nobody sent this"
    assert EventHistory(home).faults() == []
