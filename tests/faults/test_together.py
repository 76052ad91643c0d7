"""`sparrow serve --store redis://… --ranker-url grpc://…` end to end; then both killed, and both frozen, under one load."""

import signal
from contextlib import suppress
from pathlib import Path

import pytest

from sparrow.build.publish import publish
from tests.conftest import Released
from tests.faults.load import RECOVERY_S, Load, counted, degraded, until
from tests.faults.test_ranker import BY_NETWORK, PATHS, ModelServer
from tests.faults.test_store import LISTS
from tests.model_server.running import free_port
from tests.stores.redis_servers import running_redis
from tests.test_journey import ids, recommended, serving
from tests.test_redis_journey import with_store

pytestmark = [pytest.mark.slow, pytest.mark.needs("redis-server")]


def test_redis_and_the_model_server_over_grpc_die_and_come_back(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARROW_ONLINE__RANKER_TIMEOUT_MS", "500")
    home, grpc_port = released.fresh(tmp_path / "home"), free_port()
    models = ModelServer(home, free_port(), grpc_port)
    with running_redis(tmp_path / "redis", "--appendonly", "yes") as redis:
        publish(home, released.release, with_store(released, redis.url))
        models.start()
        try:
            with serving(home, "--store", redis.url, "--ranker-url", f"grpc://127.0.0.1:{grpc_port}") as site:
                until(lambda: degraded(site, **BY_NETWORK) == [])
                healthy = ids(recommended(site, 1, **BY_NETWORK))
                with Load(site.base_url, (*LISTS, *PATHS)).running():
                    for stop, back in ((signal.SIGKILL, None), (signal.SIGSTOP, signal.SIGCONT)):
                        models.signal(stop)
                        until(lambda: degraded(site, **BY_NETWORK) == ["ranker"])
                        redis.signal(stop)
                        until(lambda: "store" in degraded(site, **BY_NETWORK))
                        if back is None:
                            redis.start()
                            models.start()
                        else:
                            redis.signal(back)
                            models.signal(back)
                        until(lambda: degraded(site, **BY_NETWORK) == [], RECOVERY_S)
                assert ids(recommended(site, 1, **BY_NETWORK)) == healthy
                assert counted(site, "ranker") > 0 and counted(site, "store") > 0
        finally:
            with suppress(ProcessLookupError):
                models.signal(signal.SIGKILL)
