"""A way to Redis with deadlines, and every failure told in words: which address, what happened, what to do.

The client opens at the first use, so a server starts while its Redis is away. With `rest_s` a Redis that fails to answer is
left alone for that long: requests fail at once instead of each waiting for the deadline; whoever polls asks with `probe=True`
and ends the rest as soon as Redis answers again.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from sparrow.errors import StoreUnavailable
from sparrow.stores.redis_address import Address, parse_address

REFUSED: Final = redis.ResponseError
"""What a command raises that Redis knows and will not do: for callers that can go on without it."""

PATIENT_S: Final = 10.0
"""Deadline of one round trip while publishing or loading a release."""

STORE: Final = "The feature store"

POOL: Final = 64
"""Connections at most; more than the threads that ask."""

_SHOWN: Final = 200
"""Characters of Redis' own words in a message: those of a pipeline may repeat a whole record."""


class RedisConnection:
    """One Redis, whatever its form. Safe to share between threads."""

    def __init__(
        self, url: str, timeout_s: float = PATIENT_S, rest_s: float = 0.0, retries: int = 3, called: str = STORE
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: see `redis_address`.
            timeout_s: deadline for connecting and for each answer.
            rest_s: how long Redis is left alone after it did not answer.
            retries: further tries when a connection breaks; 0 or 1 for requests, a kept connection may be dead.
            called: what it is to whoever reads an error.

        Raises:
            InvalidInput: the address cannot be read.
        """
        self.address = parse_address(url)
        self._timeout_s, self._rest_s, self._retries, self._called = timeout_s, rest_s, retries, called
        self._client: Any = None
        self._opening = threading.Lock()
        self._resting_until, self._problem = 0.0, ""
        self._closed = False

    def __str__(self) -> str:
        return str(self.address)

    @contextmanager
    def client(self, probe: bool = False) -> Iterator[Any]:
        """The redis-py client for one exchange; with `probe` a resting Redis is asked all the same.

        Raises:
            StoreUnavailable: Redis cannot answer, or not in time.
        """
        if not probe and time.monotonic() < self._resting_until:
            raise StoreUnavailable(self._problem)
        try:
            yield self._opened()
        except (redis.RedisError, RedisClusterException, OSError) as error:
            problem = self._in_words(error)
            if isinstance(error, redis.ConnectionError | redis.TimeoutError | RedisClusterException | OSError):
                self._problem, self._resting_until = problem, time.monotonic() + self._rest_s
            raise StoreUnavailable(problem) from None
        self._resting_until = 0.0

    def close(self) -> None:
        """Let go of every connection."""
        with self._opening:
            self._closed = True
            if self._client is not None:
                self._client.close()
            self._client = None

    def _opened(self) -> Any:
        with self._opening:
            if self._closed:
                raise StoreUnavailable(f"The connection to {self.address} is closed.")
            if self._client is None:
                self._client = _open(self.address, self._timeout_s, self._retries)
            return self._client

    @property
    def _cure(self) -> str:
        return "start it, or name another with --store" if self._called == STORE else "start it again"

    def _in_words(self, error: Exception) -> str:
        where = f"{self._called} {self.address}"
        if isinstance(error, AuthenticationError | NoPermissionError):
            return f"{where} refuses the user or password ({_said(error)}); give the right one in its address."
        if isinstance(error, OutOfMemoryError):
            return f"{where} is full; raise its maxmemory, or free memory in it, and try again."
        if isinstance(error, redis.TimeoutError):
            return f"{where} did not answer within {self._timeout_s:g} s; look after it or the network."
        if isinstance(error, redis.ConnectionError | RedisClusterException | OSError):
            return f"{where} cannot be reached ({_said(error)}); {self._cure}."
        return f"{where} refuses ({_said(error)})."


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _open(address: Address, timeout_s: float, retries: int) -> Any:
    """A redis-py client. Only broken connections are tried again: a Redis that hangs would cost the deadline once more."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "socket_keepalive": True,
        "max_connections": POOL,
        # RESP2: no greeting, so a new connection costs one round trip less.
        "protocol": 2,
        "retry": Retry(
            ExponentialBackoff(1.0, 0.05) if retries > 1 else NoBackoff(), retries, (redis.ConnectionError,)
        ),
        **address.options,
    }
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]  # type: ignore[no-untyped-call]
        return redis.RedisCluster(startup_nodes=nodes, **options)
    if address.kind == "server":
        [(host, port)] = address.hosts
        return redis.Redis(host, port, db=address.db, **options)
    asking = {name: value for name, value in options.items() if name.startswith(("socket", "ssl"))}
    asking |= {"password": address.sentinel_password or None, "retry": Retry(NoBackoff(), 0)}
    watched = Sentinel(list(address.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    return watched.master_for(address.service, db=address.db, **options)  # type: ignore[no-untyped-call]
