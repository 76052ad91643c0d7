"""The REST side: one endpoint that reads a call, answers it in a worker thread, and words errors as the original does.

Everything but receiving and sending happens in the threads: reading JSON, running the model (which releases the GIL) and
writing JSON. The event loop never waits for a model.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sparrow.model_server.protocol.predict import read_predict, read_signature_name, write_predict
from sparrow.model_server.protocol.routes import Call, ModelSpec, is_api_path, read_call
from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.protocol.text import read_json, write_error
from sparrow.model_server.repository import Models, VersionStatus

logger = logging.getLogger(__name__)

LARGEST_BODY: Final = 256 * 1024 * 1024
"""Bytes of one request; a larger one is refused before it fills the memory."""


def build_app(models: Models, timeout_ms: int, threads: int) -> Starlette:
    """The application over some models.

    Args:
        models: started by the caller.
        timeout_ms: how long one model run may take; 0 is for ever.
        threads: requests answered at the same time.
    """
    endpoint = RestEndpoint(RestApi(models, timeout_ms), ThreadPoolExecutor(threads, thread_name_prefix="rest"))
    return Starlette(routes=[Route("/{path:path}", endpoint)])


@dataclass(frozen=True, slots=True)
class RestApi:
    """The routes as plain calls: method, path and body in, JSON out; runs in worker threads."""

    models: Models
    timeout_ms: int

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """The HTTP status and the body for one request; never raises."""
        try:
            return 200, self._dispatch(read_call(method, path), body)
        except ServingError as error:
            return error.http_status, write_error(error)
        except Exception:
            logger.exception("%s %s failed", method, path)
            hidden = ServingError(Code.INTERNAL, "Internal error; the server's log has the details")
            return hidden.http_status, write_error(hidden)

    def _dispatch(self, call: Call, body: bytes) -> bytes:
        match call.verb:
            case "predict":
                return self._predict(call.spec, body)
            case "status":
                return self._status(call.spec)
            case "metadata":
                return self._metadata(call.spec)
            case _:
                raise ServingError(Code.UNIMPLEMENTED, f"The verb {call.verb} is not served yet; use predict")

    def _predict(self, spec: ModelSpec, body: bytes) -> bytes:
        document = read_json(body)
        name = read_signature_name(document)
        with self.models.lease(spec) as loaded:
            request = read_predict(document, loaded.servable.signature(name).inputs)
            outputs = loaded.servable.predict(name, request.inputs, self.timeout_ms)
        return write_predict(outputs, request.is_row_form)

    def _status(self, spec: ModelSpec) -> bytes:
        statuses = [_status_json(status) for status in self.models.statuses(spec)]
        return _pretty({"model_version_status": statuses})

    def _metadata(self, spec: ModelSpec) -> bytes:
        with self.models.lease(spec) as loaded:
            model_spec = {"name": spec.name, "signature_name": "", "version": str(loaded.version)}
            return _pretty({"model_spec": model_spec, "metadata": {"signature_def": loaded.servable.metadata}})


class RestEndpoint:
    """The ASGI side of `RestApi`: every method of every path arrives here."""

    def __init__(self, api: RestApi, threads: ThreadPoolExecutor) -> None:
        self._api = api
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if not is_api_path(path):
            return Response(status_code=404)
        body = await _read_body(request)
        if body is None:
            error = ServingError(Code.INVALID_ARGUMENT, f"The request body is larger than {LARGEST_BODY} bytes")
            # The rest of the body stays unread, so the connection cannot be used again.
            return _json_response(413, write_error(error), {"Connection": "close"})
        loop = asyncio.get_running_loop()
        status, content = await loop.run_in_executor(self._threads, self._api.answer, request.method, path, body)
        return _json_response(status, content)


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
