"""Real Redis servers of a test's own: one, one watched by a Sentinel, a Cluster of three. Nothing of them stays."""

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.model_server.running import free_port

START_SECONDS = 30
SLOTS = 16384


@dataclass
class Server:
    """A redis-server on a port of its own, in a folder of its own."""

    folder: Path
    flags: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, or start again on the same port with what the folder holds; returns once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "no", *self.flags,
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, protocol=2) as client:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return True
            except redis.ConnectionError:
                return False

    def ask(self, *words: Any) -> Any:
        """The answer to one command."""
        with redis.Redis(port=self.port, protocol=2) as client:
            return client.execute_command(*words)

    def keys(self, pattern: str = "*") -> list[str]:
        return sorted(key.decode() for key in self.ask("KEYS", pattern))

    def signal(self, number: signal.Signals) -> None:
        """Kill it (SIGKILL), freeze it (SIGSTOP), let it go on (SIGCONT)."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_redis(folder: Path, *flags: str) -> Iterator[Server]:
    """One server."""
    server = Server(folder, flags)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def durable_redis(folder: Path, *flags: str) -> AbstractContextManager[Server]:
    """One server that loses nothing it has acknowledged, as events ask for."""
    return running_redis(folder, "--appendonly", "yes", "--appendfsync", "always", *flags)


@contextmanager
def running_sentinel(folder: Path) -> Iterator[str]:
    """A server that a Sentinel knows as "shop"; gives the address."""
    with running_redis(folder / "master") as master, ExitStack() as stack:
        port, path = free_port(), folder / "sentinel.conf"
        path.write_text(f"port {port}\ndir {folder}\nsentinel monitor shop 127.0.0.1 {master.port} 1\n")
        with (folder / "sentinel.log").open("wb") as log:
            sentinel = subprocess.Popen(["redis-server", str(path), "--sentinel"], stdout=log, stderr=log)
        stack.callback(sentinel.wait)
        stack.callback(sentinel.kill)
        _until(port, lambda client: client.ping())
        yield f"redis+sentinel://127.0.0.1:{port}/shop"


@contextmanager
def running_cluster(folder: Path, nodes: int = 3) -> Iterator[str]:
    """Nodes that share the slots; gives the address of one of them."""
    with ExitStack() as stack:
        servers = []
        for number in range(nodes):
            flags = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            servers.append(stack.enter_context(running_redis(folder / str(number), *flags)))
        for number, server in enumerate(servers):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            first, last = number * SLOTS // nodes, (number + 1) * SLOTS // nodes - 1
            server.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            server.ask("CLUSTER", "MEET", "127.0.0.1", servers[0].port, servers[0].flags[-1])
        for server in servers:
            _until(server.port, lambda client: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
        yield f"redis+cluster://127.0.0.1:{servers[0].port}"


def _until(port: int, is_true: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with redis.Redis(port=port, protocol=2) as client:
            try:
                if is_true(client):
                    return
            except redis.RedisError:
                pass
        time.sleep(0.05)
    raise AssertionError(f"the Redis on port {port} did not get ready")
