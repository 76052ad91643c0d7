"""Clients that ask without a pause, over REST and gRPC; every answer must be good, and of one version only."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import numpy as np

from tests.model_server.running import Addresses
from tests.model_server.stubs import open_client

ROWS = 50
BODY = {"inputs": {"userId": [0] * ROWS, "movieId": [0] * ROWS}}
PATIENCE_SECONDS = 30

Ask = Callable[[], list[float]]
"""The scores of one request, or an exception."""


class Load:
    """Threads that ask the contract model "m" until the block ends.

    Attributes:
        versions: those that gave answers.
        faults: what was no good answer, in words.
        answers: how many there were.
    """

    def __init__(self, addresses: Addresses, rest_clients: int = 2, grpc_clients: int = 2) -> None:
        self.versions: set[int] = set()
        self.faults: list[str] = []
        self.answers = 0
        self._stopped = threading.Event()
        makers = [asking_rest] * rest_clients + [asking_grpc] * grpc_clients
        self._threads = [threading.Thread(target=self._ask, args=(maker, addresses)) for maker in makers]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, maker: Any, addresses: Addresses) -> None:
        with maker(addresses) as ask:
            while not self._stopped.is_set():
                try:
                    scores = set(ask())
                except (httpx.HTTPError, grpc.RpcError, ValueError) as error:
                    self.faults.append(f"{type(error).__name__}: {error}"[:300])
                    continue
                if len(scores) != 1:
                    self.faults.append(f"scores {sorted(scores)[:5]}")
                self.versions |= {int(score // 1000) for score in scores}
                self.answers += 1


@contextmanager
def asking_rest(addresses: Addresses) -> Iterator[Ask]:
    with httpx.Client(base_url=addresses.rest, timeout=20) as client:

        def ask() -> list[float]:
            response = client.post("/v1/models/m:predict", json=BODY)
            if response.status_code != 200:
                raise ValueError(response.text)
            return [row[0] for row in response.json()["outputs"]]

        yield ask


@contextmanager
def asking_grpc(addresses: Addresses) -> Iterator[Ask]:
    client = open_client("own", addresses.grpc)
    zeros = np.zeros(ROWS, dtype=np.int64)
    request = client.predict_request("m", userId=zeros, movieId=zeros)
    with client.channel:
        yield lambda: list(client.call("Predict", request, 20).outputs["score"].float_val)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
