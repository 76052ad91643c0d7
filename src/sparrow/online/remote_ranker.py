"""Ranking scores from a model server, TensorFlow Serving's or Sparrow's own, over REST.

A remote ranking must fail fast and never lie: every request has one deadline over all its parts, asks for the release's
own version of the model, and believes an answer only if it has one finite score per candidate. After several failures in
a row a circuit breaker answers at once, so that a dead server costs the visitors nothing; a probe finds it again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, SettingsError
from sparrow.model_server.protocol.predict import DEFAULT_SIGNATURE, write_columns
from sparrow.model_server.protocol.status import ServingError
from sparrow.model_server.protocol.text import read_value

POOLED_CONNECTIONS: Final = 32
POLL_SECONDS: Final = 0.1

_BROKEN_CONNECTION = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""How a kept connection shows that the server closed it meanwhile."""


class CircuitBreaker:
    """Counts failures in a row; when there are too many, refuses for a while, then lets one probe through.

    Example:
        >>> now = [0.0]
        >>> breaker = CircuitBreaker(failures=1, cool_down_s=2.0, clock=lambda: now[0])
        >>> breaker.record_failure()
        >>> breaker.admit()
        False
        >>> now[0] = 2.5
        >>> breaker.admit(), breaker.admit()
        (True, False)
    """

    def __init__(self, failures: int, cool_down_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            failures: how many failures in a row open the circuit, >= 1.
            cool_down_s: seconds until the next probe.
            clock: seconds that only grow.
        """
        self._allowed = failures
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0

    def admit(self) -> bool:
        """Whether a request may go out now; while the circuit is open, only one per cool-down may."""
        if self._failures < self._allowed:
            return True
        if self._clock() < self._closed_until:
            return False
        self._closed_until = self._clock() + self._cool_down_s
        return True

    def record_success(self) -> None:
        self._failures = 0

    def record_failure(self) -> None:
        self._failures += 1
        self._closed_until = self._clock() + self._cool_down_s


class RemoteRanker:
    """Asks one version of one model for scores; keeps its connections, safe to share between tasks of one event loop."""

    def __init__(
        self,
        url: str,
        name: str,
        version: int,
        timeout_ms: int,
        signature_name: str = DEFAULT_SIGNATURE,
        failures: int = 5,
        cool_down_s: float = 2.0,
    ) -> None:
        """
        Args:
            url: the server's base address, e.g. "http://localhost:8501".
            name: the model's name there.
            version: the only version asked, the one the release published.
            timeout_ms: the deadline of one `predict`, a retry included.
            signature_name: the entry point of the model.
            failures: failures in a row before the server is given a rest.
            cool_down_s: seconds of that rest; at most 5, so that a healed server is found in time.

        Raises:
            SettingsError: if the address is not an http one.
        """
        if not 0 < cool_down_s <= 5:
            raise SettingsError(f"The ranker's cool-down is {cool_down_s} s; choose more than 0 and at most 5.")
        self._endpoint = f"{_model_url(url, name)}/versions/{version}:predict"
        self._what = f"version {version} of model {name!r} at {url}"
        self._timeout_s = timeout_ms / 1000
        self._signature_name = signature_name
        self._breaker = CircuitBreaker(failures, cool_down_s)
        limits = httpx.Limits(max_connections=POOLED_CONNECTIONS, max_keepalive_connections=POOLED_CONNECTIONS)
        # The deadline below covers everything, so httpx needs none of its own; no proxy stands before a neighbour.
        self._client = httpx.AsyncClient(limits=limits, timeout=None, trust_env=False)

    async def predict(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Score the candidates of one request in one batch.

        Args:
            inputs: by input name, shape (n, …) or, for what all candidates share, (1, …).

        Returns:
            (n,) finite scores, in the order of the candidates.

        Raises:
            RankerUnavailable: whatever went wrong; the message says what, and where.
        """
        rows = max((len(array) for array in inputs.values()), default=0)
        if rows == 0:
            return np.zeros(0, dtype=np.float32)
        if not self._breaker.admit():
            raise RankerUnavailable(f"The ranker, {self._what}, failed several times in a row and is given a rest.")
        try:
            scores = _read_scores(await self._ask(write_columns(inputs, self._signature_name)), rows)
        except RankerUnavailable as error:
            self._breaker.record_failure()
            raise RankerUnavailable(f"The ranker, {self._what}, {error}") from error.__cause__
        self._breaker.record_success()
        return scores

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._client.aclose()

    async def _ask(self, body: bytes) -> bytes:
        """The body of the answer; everything together within the deadline."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._post(body)
        except TimeoutError as error:
            raise RankerUnavailable(f"did not answer within {self._timeout_s * 1000:.0f} ms.") from error
        except httpx.HTTPError as error:
            raise RankerUnavailable(f"cannot be reached: {type(error).__name__}: {error}.") from error
        if response.status_code == 404:
            raise RankerUnavailable("is not served there (404); no other version is asked instead.")
        if response.status_code != 200:
            raise RankerUnavailable(f"answered {response.status_code}: {response.text[:300]}")
        return response.content

    async def _post(self, body: bytes) -> httpx.Response:
        """Send once, and once more if a kept connection turns out to be dead; a prediction changes nothing there."""
        headers = {"Content-Type": "application/json"}
        try:
            return await self._client.post(self._endpoint, content=body, headers=headers)
        except _BROKEN_CONNECTION:
            return await self._client.post(self._endpoint, content=body, headers=headers)


def wait_until_available(url: str, name: str, version: int, timeout_s: float) -> None:
    """Wait until a model server serves one version; publishing flips to a release only after this.

    Args:
        url: the server's base address, e.g. "http://localhost:8501".
        name: the model's name there.
        version: the version just placed in its folder.
        timeout_s: seconds to wait at most.

    Raises:
        SettingsError: if the address is not an http one.
        RankerUnavailable: if the version cannot be loaded, or is not there in time; the message says what was seen last.
    """
    address = f"{_model_url(url, name)}/versions/{version}"
    what = f"Version {version} of model {name!r} at {url}"
    deadline = time.monotonic() + timeout_s
    with httpx.Client(timeout=min(timeout_s, 5.0), trust_env=False) as client:
        while (seen := _state(client, address)) != "AVAILABLE":
            if seen.startswith("END: "):
                raise RankerUnavailable(f"{what} could not be loaded: {seen.removeprefix('END: ')}")
            if time.monotonic() > deadline:
                raise RankerUnavailable(f"{what} was not available within {timeout_s:g} s; last seen: {seen}.")
            time.sleep(POLL_SECONDS)


def _state(client: httpx.Client, address: str) -> str:
    """The version's state in one word; after an error "END: <message>", or why there is no state."""
    try:
        response = client.get(address)
        if response.status_code != 200:
            return f"HTTP {response.status_code}"
        (entry,) = response.json()["model_version_status"]
        message = entry["status"]["error_message"]
        return f"{entry['state']}: {message}" if message else str(entry["state"])
    except httpx.HTTPError as error:
        return type(error).__name__
    except (ValueError, KeyError, TypeError):
        return "an answer that is no model status"


def _model_url(url: str, name: str) -> str:
    if url.startswith("grpc://"):
        raise SettingsError(f"The ranker address {url} speaks gRPC, which is not supported yet; give http://HOST:8501.")
    parsed = httpx.URL(url) if url.startswith(("http://", "https://")) else None
    if parsed is None or not parsed.host:
        raise SettingsError(f"The ranker address {url!r} is no http address; give one like http://localhost:8501.")
    return f"{url.rstrip('/')}/v1/models/{quote(name, safe='')}"


def _read_scores(content: bytes, rows: int) -> NDArray[np.float32]:
    """The scores in a column-form answer, if it is one finite number per row."""
    try:
        document = read_value(content)
        with np.errstate(over="ignore"):  # What overflows becomes infinite, and that is refused below.
            scores = np.asarray(document["outputs"], dtype=np.float32)
    except (ServingError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise RankerUnavailable("answered something that is no prediction in column form.") from error
    if scores.shape not in ((rows,), (rows, 1)):
        raise RankerUnavailable(f"answered scores of shape {scores.shape} for {rows} candidates.")
    if not np.isfinite(scores).all():
        raise RankerUnavailable("answered scores that are not finite (NaN or infinity).")
    return scores.reshape(rows)  # (rows, 1) → (rows,)
