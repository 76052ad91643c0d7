"""The REST side: one endpoint that reads a call, answers it in a worker thread, and words errors as the original does.

Everything but receiving and sending happens in the threads: unpacking, reading JSON, running the model (which releases
the GIL) and writing JSON. The event loop never waits for a model.
"""

import asyncio
import logging
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sparrow.model_server.protocol.predict import Signature, read_predict, read_signature_name, write_predict
from sparrow.model_server.protocol.results import write_classes, write_regressions
from sparrow.model_server.protocol.routes import Call, ModelSpec, is_api_path, read_call
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.protocol.text import read_json, write_error
from sparrow.model_server.repository import VersionStatus
from sparrow.model_server.service import Service
from sparrow.model_server.wire.examples import read_examples

logger = logging.getLogger(__name__)

LARGEST_BODY: Final = 256 * 1024 * 1024
"""Bytes of one request, unpacked; a larger one is refused before it fills the memory."""

_GZIP: Final = 16 + zlib.MAX_WBITS


def build_app(service: Service, timeout_ms: int, threads: int, metrics_path: str | None = None) -> Starlette:
    """The application over some models.

    Args:
        service: with models started by the caller.
        timeout_ms: how long one model run may take; 0 is for ever.
        threads: requests answered at the same time.
        metrics_path: where the Prometheus page lies, None for nowhere.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
    endpoint = RestEndpoint(RestApi(service, timeout_ms), pool, metrics_path)
    return Starlette(routes=[Route("/{path:path}", endpoint)])


@dataclass(frozen=True, slots=True)
class RestApi:
    """The routes as plain calls: method, path and body in, JSON out; runs in worker threads."""

    service: Service
    timeout_ms: int

    def answer(self, method: str, path: str, body: bytes, encoding: str = "") -> tuple[int, bytes]:
        """The HTTP status and the body for one request; never raises."""
        try:
            return 200, self._dispatch(read_call(method, path), unpack(body, encoding))
        except ServingError as error:
            return error.http_status, write_error(error)
        except Exception:
            logger.exception("%s %s failed", method, path)
            hidden = ServingError(Code.INTERNAL, "Internal error; the server's log has the details")
            return hidden.http_status, write_error(hidden)

    def _dispatch(self, call: Call, body: bytes) -> bytes:
        if call.verb == "status":
            return self._status(call.spec)
        if call.verb == "metadata":
            return self._metadata(call.spec)
        with self.service.recorded(call.spec.name, call.verb, "REST"):
            return self._infer(call.verb, call.spec, read_json(body))

    def _infer(self, verb: str, spec: ModelSpec, document: Mapping[str, Any]) -> bytes:
        name = read_signature_name(document)
        if verb == "predict":
            return self._predict(spec, name, document)
        examples = read_examples(document)
        with self.service.lease(spec) as loaded:
            if verb == "regress":
                return write_regressions(self.service.regress(loaded, spec, name, examples, self.timeout_ms))
            classes = self.service.classify(loaded, spec, name, examples, self.timeout_ms)
        return write_classes(classes.labels, classes.scores)

    def _predict(self, spec: ModelSpec, name: str, document: Mapping[str, Any]) -> bytes:
        with self.service.lease(spec) as loaded:
            request = read_predict(document, _input_map(loaded.session.signatures, name))
            outputs = self.service.predict(loaded, spec, name, request.inputs, self.timeout_ms)
        return write_predict(outputs, request.is_row_form)

    def _status(self, spec: ModelSpec) -> bytes:
        statuses = [_status_json(status) for status in self.service.statuses(spec)]
        return _pretty({"model_version_status": statuses})

    def _metadata(self, spec: ModelSpec) -> bytes:
        with self.service.lease(spec) as loaded:
            model_spec = {"name": spec.name, "signature_name": "", "version": str(loaded.version)}
            return _pretty({"model_spec": model_spec, "metadata": {"signature_def": loaded.servable.metadata}})


class RestEndpoint:
    """The ASGI side of `RestApi`: every method of every path arrives here."""

    def __init__(self, api: RestApi, threads: ThreadPoolExecutor, metrics_path: str | None) -> None:
        self._api = api
        self._threads = threads
        self._metrics_path = metrics_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if path == self._metrics_path:
            return Response(self._api.service.metrics.page(), media_type="text/plain")
        if not is_api_path(path):
            return Response(status_code=404)
        body = await _read_body(request)
        if body is None:
            error = invalid(f"The request body is larger than {LARGEST_BODY} bytes")
            # The rest of the body stays unread, so the connection cannot be used again.
            return _json_response(413, write_error(error), {"Connection": "close"})
        encoding = request.headers.get("content-encoding", "")
        loop = asyncio.get_running_loop()
        arguments = (request.method, path, body, encoding)
        status, content = await loop.run_in_executor(self._threads, self._api.answer, *arguments)
        return _json_response(status, content)


def unpack(body: bytes, encoding: str) -> bytes:
    """The body as it was before a client compressed it; only gzip is unpacked, as in the original.

    Raises:
        ServingError: INVALID_ARGUMENT if it is no gzip, or grows beyond `LARGEST_BODY`.
    """
    if "gzip" not in encoding.lower():
        return body
    unpacker = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacker.decompress(body, LARGEST_BODY)
    except zlib.error as error:
        raise invalid(f"Failed to uncompress the gzipped request body: {error}") from None
    if unpacker.unconsumed_tail:
        raise invalid(f"The uncompressed request body is larger than {LARGEST_BODY} bytes")
    if not unpacker.eof:
        raise invalid("Failed to uncompress the gzipped request body: it ends too early")
    return unpacked


def _input_map(signatures: Mapping[str, Signature], name: str) -> Mapping[str, Any]:
    """What the signature of that name takes."""
    if name not in signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    if not signatures[name].inputs:
        raise invalid(f"Failed to get input map for signature: {name}")
    return signatures[name].inputs


async def _read_body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _json_response(status: int, content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def _status_json(status: VersionStatus) -> dict[str, Any]:
    """Protobuf JSON writes int64 as strings."""
    return {
        "version": str(status.version),
        "state": status.state.value,
        "status": {"error_code": status.code.name, "error_message": status.message},
    }


def _pretty(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
