"""New, broken and mended versions under load, against the real server."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.model_server.running import running_server

pytestmark = pytest.mark.slow

BODY = {"inputs": {"userId": [0] * 50, "movieId": [0] * 50}}
PATIENCE_SECONDS = 30


class Load:
    """Clients that ask without a pause; every answer must be good, and of one version only."""

    def __init__(self, url: str, clients: int = 3) -> None:
        self.versions: set[int] = set()
        self.faults: list[str] = []
        self.answers = 0
        self._url = url
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=20) as client:
            while not self._stopped.is_set():
                response = client.post("/v1/models/m:predict", json=BODY)
                scores = {row[0] for row in response.json().get("outputs", [])}
                if response.status_code != 200 or len(scores) != 1:
                    self.faults.append(response.text[:200])
                self.versions |= {int(score // 1000) for score in scores}
                self.answers += 1


def place(source: Path, base: Path, version: int) -> None:
    """As publishing does it: copy aside, then one rename."""
    shutil.copytree(source, base / "incoming")
    (base / "incoming").rename(base / str(version))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_swaps_under_load_lose_no_request(exported: Path, tmp_path: Path) -> None:
    base = tmp_path / "models"
    base.mkdir()
    place(exported / "1", base, 1)
    with (
        running_server(base, "m", tmp_path / "log") as url,
        httpx.Client(base_url=url, timeout=20) as client,
        Load(url) as load,
    ):

        def statuses() -> dict[str, dict[str, str]]:
            entries = client.get("/v1/models/m").json()["model_version_status"]
            return {entry["version"]: {"state": entry["state"], **entry["status"]} for entry in entries}

        assert statuses()["1"]["state"] == "AVAILABLE"
        place(exported / "2", base, 2)
        wait_for(lambda: 2 in load.versions)
        wait_for(lambda: statuses()["1"]["state"] == "END")

        # Half-written: the graph is there, its folder of variables is not yet.
        (base / "3").mkdir()
        (base / "3" / "saved_model.pb").write_bytes((exported / "v1_style" / "saved_model.pb").read_bytes()[:500])
        wait_for(lambda: statuses().get("3", {}).get("state") == "END")
        assert statuses()["3"]["error_code"] != "OK"
        assert statuses()["3"]["error_message"]
        assert statuses()["2"]["state"] == "AVAILABLE"
        before = load.answers
        wait_for(lambda: load.answers > before + 20)
        assert client.post("/v1/models/m/versions/3:predict", json=BODY).status_code == 404

        shutil.copytree(exported / "1", base / "3", dirs_exist_ok=True)
        wait_for(lambda: statuses()["3"]["state"] == "AVAILABLE")
        wait_for(lambda: statuses()["2"]["state"] == "END")
    assert load.faults == []
    assert load.versions == {1, 2}
