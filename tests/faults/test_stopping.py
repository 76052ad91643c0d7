"""SIGTERM under way, and several workers that count as one."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.conftest import Released
from tests.faults.load import until
from tests.faults.test_ranker import BY_NETWORK, lying
from tests.model_server.running import free_port
from tests.test_journey import recommended, serving

pytestmark = pytest.mark.slow

BUSY = 'sparrow_http_request_seconds_count{method="GET",route="/api/v1/users/{userId}/recommendations",status="200"}'


def server_on(site: httpx.Client) -> int:
    """Process id of the server that listens there."""
    told = f"--port\0{site.base_url.port}\0".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if told in command.read_bytes():
                return int(command.parent.name)
    raise AssertionError(f"nobody was started with {told!r}")


def test_requests_under_way_are_answered_before_it_stops(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARROW_PIPELINES__RANKING_MS", "0")
    port, home = free_port(), released.fresh(tmp_path / "home")
    with lying(port) as server, serving(home, "--ranker-url", f"http://127.0.0.1:{port}") as site:
        server.fault = "hang"
        with ThreadPoolExecutor(1) as visitor:
            waiting = visitor.submit(recommended, site, 1, **BY_NETWORK)
            assert server.told.wait(20), "the list is being made"
            os.kill(server_on(site), signal.SIGTERM)
            until(lambda: _refuses(site.base_url), 5)
            server.fault = ""
            server.healed.set()
            answer = waiting.result(20)
        assert (len(answer["items"]), answer["degraded"]) == (8, [])


def _refuses(address: httpx.URL) -> bool:
    """Whether nobody listens any more."""
    try:
        httpx.get(address.join("/healthz"), timeout=1, trust_env=False)
    except httpx.TransportError:
        return True
    return False


def test_metrics_sum_what_all_workers_answered(released: Released, tmp_path: Path) -> None:
    with serving(released.fresh(tmp_path / "home"), "--workers", "2") as site:
        address, lists = str(site.base_url), 40

        def ask(number: int) -> int:
            path = f"{address}/api/v1/users/{number % 60 + 1}/recommendations?size=5"
            return httpx.get(path, timeout=20, trust_env=False).status_code

        with ThreadPoolExecutor(8) as visitors:
            assert set(visitors.map(ask, range(lists))) == {200}
        until(lambda: _counted(address) == lists)
        time.sleep(0.1)
        assert {_counted(address) for _ in range(10)} == {lists}, "whichever worker is asked"


def _counted(address: str) -> int:
    text = httpx.get(f"{address}/metrics", timeout=20, trust_env=False).text
    return round(sum(float(one) for one in re.findall(rf"^{re.escape(BUSY)} (\S+)$", text, re.MULTILINE)))
