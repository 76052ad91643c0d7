"""Two ways to ask one version of one model: REST (http://HOST:8501) and gRPC (grpc://HOST:8500), chosen by the address.

Whatever goes wrong becomes `RankerUnavailable` with a sentence that lacks its subject: "did not answer within 300 ms."
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, SettingsError
from sparrow.model_server.protocol.predict import write_columns
from sparrow.model_server.protocol.status import ServingError
from sparrow.model_server.protocol.text import read_value
from sparrow.tracing import outgoing

POOLED_CONNECTIONS: Final = 32
GRPC: Final = "grpc://"

_BROKEN_CONNECTION = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""How a kept connection shows that the server closed it meanwhile."""

Inputs = Mapping[str, NDArray[Any]]


class Transport(Protocol):
    """One way to ask one version of one model."""

    async def ask(self, inputs: Inputs, timeout_s: float) -> NDArray[np.float32]:
        """The model's only output, whatever its shape.

        Raises:
            RankerUnavailable: no answer, or none that is a prediction.
        """

    async def aclose(self) -> None:
        """Close the kept connections."""


def open_transport(url: str, name: str, version: int, signature_name: str) -> Transport:
    """The transport that an address asks for.

    Raises:
        SettingsError: if it is neither an http nor a grpc address.
    """
    kind = GrpcTransport if url.startswith(GRPC) else HttpTransport
    return kind(url, name, version, signature_name)


@contextmanager
def open_state(url: str, name: str, version: int, timeout_s: float) -> Iterator[Callable[[], str]]:
    """A function that gives a version's state in one word; after an error "END: <message>", or why there is no state.

    Raises:
        SettingsError: if the address is neither an http nor a grpc one.
    """
    if url.startswith(GRPC):
        # gRPC is loaded only by those who use it.
        from sparrow.model_server.wire.client import open_channel

        with open_channel(_grpc_address(url)) as channel:
            yield lambda: _grpc_state(channel, name, version, timeout_s)
    else:
        address = f"{_model_url(url, name)}/versions/{version}"
        with httpx.Client(timeout=timeout_s, trust_env=False) as client:
            yield lambda: _http_state(client, address)


class HttpTransport:
    """The model through the REST API: the column form, over kept connections."""

    def __init__(self, url: str, name: str, version: int, signature_name: str) -> None:
        self._endpoint = f"{_model_url(url, name)}/versions/{version}:predict"
        self._signature_name = signature_name
        limits = httpx.Limits(max_connections=POOLED_CONNECTIONS, max_keepalive_connections=POOLED_CONNECTIONS)
        # The deadline below covers everything, so httpx needs none of its own; no proxy stands before a neighbour.
        self._client = httpx.AsyncClient(limits=limits, timeout=None, trust_env=False)

    async def ask(self, inputs: Inputs, timeout_s: float) -> NDArray[np.float32]:
        body = write_columns(inputs, self._signature_name)
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._post(body)
        except TimeoutError as error:
            raise _too_slow(timeout_s) from error
        except httpx.HTTPError as error:
            raise RankerUnavailable(f"cannot be reached: {type(error).__name__}: {error}.") from error
        if response.status_code == 404:
            raise RankerUnavailable("is not served there (404); no other version is asked instead.")
        if response.status_code != 200:
            raise RankerUnavailable(f"answered {response.status_code}: {response.text[:300]}")
        return _read_outputs(response.content)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _post(self, body: bytes) -> httpx.Response:
        """Send once, and once more if a kept connection turns out to be dead; a prediction changes nothing there."""
        headers = {"Content-Type": "application/json", **outgoing()}
        try:
            return await self._client.post(self._endpoint, content=body, headers=headers)
        except _BROKEN_CONNECTION:
            return await self._client.post(self._endpoint, content=body, headers=headers)


class GrpcTransport:
    """The model through PredictionService, over one kept connection."""

    def __init__(self, url: str, name: str, version: int, signature_name: str) -> None:
        from sparrow.model_server.wire.client import PredictClient, RpcError, StatusCode

        self._client = PredictClient(_grpc_address(url), name, version, signature_name)
        self._error, self._codes = RpcError, StatusCode

    async def ask(self, inputs: Inputs, timeout_s: float) -> NDArray[np.float32]:
        deadline = time.monotonic() + timeout_s
        try:
            outputs = await self._predict(inputs, deadline)
        except self._error as error:
            raise self._explain(error, timeout_s) from error
        except ValueError as error:
            raise RankerUnavailable("answered something that is no prediction.") from error
        if len(outputs) != 1:
            raise RankerUnavailable(f"answered {len(outputs)} outputs ({', '.join(sorted(outputs))}) instead of one.")
        try:
            return _as_floats(next(iter(outputs.values())))
        except ValueError as error:
            raise RankerUnavailable("answered something that is no number.") from error

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _predict(self, inputs: Inputs, deadline: float) -> Mapping[str, NDArray[Any]]:
        """Send once, and once more if the connection breaks; a prediction changes nothing there."""
        try:
            return await self._client.predict(inputs, max(0.0, deadline - time.monotonic()))
        except self._error as error:
            if error.code() is not self._codes.UNAVAILABLE:
                raise
        return await self._client.predict(inputs, max(0.0, deadline - time.monotonic()))

    def _explain(self, error: Any, timeout_s: float) -> RankerUnavailable:
        code, details = error.code(), str(error.details())[:300]
        if code is self._codes.DEADLINE_EXCEEDED:
            return _too_slow(timeout_s)
        if code is self._codes.UNAVAILABLE:
            return RankerUnavailable(f"cannot be reached: {details}.")
        if code is self._codes.NOT_FOUND:
            return RankerUnavailable("is not served there (NOT_FOUND); no other version is asked instead.")
        return RankerUnavailable(f"answered {code.name}: {details}")


def _http_state(client: httpx.Client, address: str) -> str:
    """The version's state in one word; after an error "END: <message>", or why there is no state."""
    try:
        response = client.get(address)
        if response.status_code != 200:
            return f"HTTP {response.status_code}"
        (entry,) = response.json()["model_version_status"]
        return _in_words(str(entry["state"]), entry["status"]["error_message"])
    except httpx.HTTPError as error:
        return type(error).__name__
    except (ValueError, KeyError, TypeError):
        return "an answer that is no model status"


def _grpc_state(channel: Any, name: str, version: int, timeout_s: float) -> str:
    """The same over gRPC."""
    from sparrow.model_server.wire.client import RpcError, version_state

    try:
        return _in_words(*version_state(channel, name, version, timeout_s))
    except RpcError as error:
        return str(error.code().name)
    except (ValueError, KeyError):
        return "an answer that is no model status"


def _in_words(state: str, message: str) -> str:
    return f"{state}: {message}" if message else state


def _grpc_address(url: str) -> str:
    host, _, port = url.removeprefix(GRPC).rstrip("/").rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise SettingsError(f"The ranker address {url!r} is no gRPC address; give one like grpc://localhost:8500.")
    return f"{host}:{port}"


def _model_url(url: str, name: str) -> str:
    parsed = httpx.URL(url) if url.startswith(("http://", "https://")) else None
    if parsed is None or not parsed.host:
        raise SettingsError(
            f"The ranker address {url!r} is no http address; give one like http://localhost:8501 or "
            "grpc://localhost:8500."
        )
    return f"{url.rstrip('/')}/v1/models/{quote(name, safe='')}"


def _too_slow(timeout_s: float) -> RankerUnavailable:
    return RankerUnavailable(f"did not answer within {timeout_s * 1000:.0f} ms.")


def _read_outputs(content: bytes) -> NDArray[np.float32]:
    """The only output in a column-form answer."""
    try:
        return _as_floats(read_value(content)["outputs"])
    except (ServingError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise RankerUnavailable("answered something that is no prediction in column form.") from error


def _as_floats(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # What overflows becomes infinite, and that is refused below.
        return np.asarray(values, dtype=np.float32)
