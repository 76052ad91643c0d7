"""The model server killed, frozen, or answering nonsense: the next best ranking answers, and says so."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.conftest import Released
from tests.faults.load import RECOVERY_S, Load, counted, degraded, until
from tests.model_server.running import COMMAND, START_SECONDS, free_port
from tests.test_journey import ids, recommended, serving

pytestmark = pytest.mark.slow

BY_NETWORK: Final = {"model": "neural_cf"}
PATHS: Final = ("/api/v1/users/1/recommendations?model=neural_cf&size=5", "/getrecforyou?id=2&model=nerualcf&size=5")


class Liar(ThreadingHTTPServer):
    """A model server that answers well, or as `fault` says; sets `told` whenever it is asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        self.fault, self.healed, self.told = "", threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", port), _Answer)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Liar

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        movies = asked["inputs"]["movieId"]
        scores: Any = [1 / (1 + movie) for movie in movies]
        fault = self.server.fault
        self.server.told.set()
        if fault == "hang":
            self.server.healed.wait()
        if fault == "gone":
            self.close_connection = True
            return
        if fault == "wrong shape":
            scores = [[one, one] for one in scores]
        if fault == "too few":
            scores = scores[:-1]
        if fault == "NaN":
            scores[len(scores) // 2] = float("nan")
        text = "<html>no JSON</html>" if fault == "nonsense" else json.dumps({"outputs": scores})
        body = text.encode()
        self.send_response(500 if fault == "500" else 404 if fault == "404" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "truncated" else body)
        self.close_connection = fault == "truncated"

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def lying(port: int) -> Iterator[Liar]:
    server = Liar(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.fault = "gone"  # kept connections live on in their threads
        server.healed.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def ranking_at(released: Released, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("SPARROW_ONLINE__RANKER_TIMEOUT_MS", "500")
    with serving(released.fresh(folder / "home"), "--ranker-url", f"http://127.0.0.1:{port}") as site:
        yield site


def test_every_lie_is_seen_through(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with lying(port) as server, ranking_at(released, tmp_path, port, monkeypatch) as site:
        healthy = ids(recommended(site, 1, **BY_NETWORK))
        with Load(site.base_url, PATHS).running():
            for fault in ("NaN", "wrong shape", "too few", "truncated", "nonsense", "500", "404", "hang"):
                before = counted(site, "ranker")
                server.fault, server.healed = fault, threading.Event()
                assert degraded(site, **BY_NETWORK) == ["ranker"], fault
                assert counted(site, "ranker") > before, fault
                server.fault = ""
                server.healed.set()
                until(lambda: degraded(site, **BY_NETWORK) == [], RECOVERY_S)
        assert ids(recommended(site, 1, **BY_NETWORK)) == healthy


def test_nobody_listens_and_then_somebody_does(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with ranking_at(released, tmp_path, port, monkeypatch) as site, Load(site.base_url, PATHS).running():
        assert degraded(site, **BY_NETWORK) == ["ranker"]
        with lying(port):
            until(lambda: degraded(site, **BY_NETWORK) == [], RECOVERY_S)
        until(lambda: degraded(site, **BY_NETWORK) == ["ranker"])


def test_a_socket_that_accepts_and_never_answers(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(64)
        port = deaf.getsockname()[1]
        with ranking_at(released, tmp_path, port, monkeypatch) as site, Load(site.base_url, PATHS).running():
            for _ in range(8):
                assert degraded(site, **BY_NETWORK) == ["ranker"]


class ModelServer:
    """`sparrow model-server` over a home's models, on one port through all its lives."""

    def __init__(self, home: Path, port: int, grpc_port: int = 0) -> None:
        self._flags = [f"--rest_api_port={port}", f"--port={grpc_port}", "--model_name=recmodel"]
        self._flags.append(f"--model_base_path={home / 'models' / 'recmodel'}")
        self._log, self._port = home.parent / "model-server.log", port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([*COMMAND, *self._flags], stdout=log, stderr=log)
        until(self._answers, START_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text()[-2000:]
        with suppress(httpx.TransportError):
            state = httpx.get(f"http://127.0.0.1:{self._port}/v1/models/recmodel", trust_env=False)
            return "AVAILABLE" in state.text
        time.sleep(0.1)
        return False


def test_the_real_one_frozen_and_killed(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    models = ModelServer(released.fresh(tmp_path / "models-of" / "home"), port)
    models.start()
    try:
        with ranking_at(released, tmp_path, port, monkeypatch) as site:
            until(lambda: degraded(site, **BY_NETWORK) == [])
            healthy = ids(recommended(site, 1, **BY_NETWORK))
            with Load(site.base_url, PATHS).running():
                models.signal(signal.SIGSTOP)
                until(lambda: degraded(site, **BY_NETWORK) == ["ranker"])
                models.signal(signal.SIGCONT)
                until(lambda: degraded(site, **BY_NETWORK) == [], RECOVERY_S)
                models.signal(signal.SIGKILL)
                until(lambda: degraded(site, **BY_NETWORK) == ["ranker"])
                models.start()
                until(lambda: degraded(site, **BY_NETWORK) == [], RECOVERY_S)
            assert ids(recommended(site, 1, **BY_NETWORK)) == healthy
            assert counted(site, "ranker") > 0
    finally:
        with suppress(ProcessLookupError):
            models.signal(signal.SIGKILL)
