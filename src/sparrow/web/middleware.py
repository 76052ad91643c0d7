"""Pure ASGI around every route (no `BaseHTTPMiddleware`: that costs a task and a queue per request)."""

import logging
from collections.abc import Iterable
from time import perf_counter
from typing import Final

from fastapi import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sparrow import tracing
from sparrow.errors import ReleaseError
from sparrow.web.ids import escape_slashes
from sparrow.web.logs import REQUEST_ID, request_id
from sparrow.web.metrics import Metrics
from sparrow.web.ports import Live, Recommender
from sparrow.web.problems import problem

log = logging.getLogger(__name__)

MAX_BODY: Final = 1 << 20
"""Bytes a request may send: 1 MiB."""

NO_RELEASE: Final = "none"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})

_ALWAYS_ADMITTED: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_SQUEEZED: Final = (".html", ".css", ".js", ".svg", ".jpg", "/docs")

_SECURITY: Final = [
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


class Envelope:
    """Binds a request to one release and an id, adds the headers every answer carries, counts it, and catches what nobody did.

    HEAD is answered like GET without the body.
    """

    def __init__(self, app: ASGIApp, live: Live, metrics: Metrics) -> None:
        self.app = app
        self.live = live
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, method = perf_counter(), scope["method"]
        told = dict(scope["headers"])
        REQUEST_ID.set(named := request_id(told.get(b"x-request-id")))
        followed = tracing.follow(told)
        recommender = _current(self.live)
        release = recommender.release if recommender else NO_RELEASE
        # A copy: the server keeps its own scope and drops the body of a HEAD itself.
        scope = {**scope, "recommender": recommender, "method": "GET" if method == "HEAD" else method}
        if recommender is not None and recommender.ids is not None:
            scope = escape_slashes(scope)
        status = 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *_headers(scope, release), (b"x-request-id", named.encode())]
                message = {**message, "headers": headers}
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, send_dressed)
        except Exception:
            log.exception("%s %s failed", method, scope["path"])
            if status:
                raise
            detail = "Something broke on our side; the server's log says what. Try again in a moment."
            await problem(500, detail, scope["path"])(scope, receive, send_dressed)
        finally:
            tracing.leave(followed)
            self._count(scope, method, status, release, perf_counter() - started)
        return None

    def _count(self, scope: Scope, method: str, status: int, release: str, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "/static" if scope["path"].startswith("/static/") else "unmatched")
        # Any token can be a method: without this a caller could make as many time series as they like.
        self.metrics.count_request(route, method if method in _METHODS else "other", status or 499, seconds)
        if scope.get("degraded"):
            self.metrics.count_degraded(scope["degraded"])
        if release != NO_RELEASE:
            self.metrics.note_release(release, self.live.models)


class Admission:
    """Answers at most `limit` requests at a time and refuses more at once (429): waiting in line would make all of them late.

    Whoever asks how the server is always gets an answer: a crowded server is not a dead one.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit, self.running = app, limit, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS_ADMITTED:
            return await self.app(scope, receive, send)
        if self.running >= self.limit:
            detail = (
                f"This worker answers {self.limit} requests already; try again in a second (see [web] concurrency)."
            )
            refused = problem(429, detail, scope["path"])
            refused.headers["Retry-After"] = "1"
            return await refused(scope, receive, send)
        self.running += 1
        try:
            return await self.app(scope, receive, send)
        finally:
            self.running -= 1


class BodyLimit:
    """Refuses bodies above `limit` bytes with 413: announced ones at once, others when they pass it."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        detail = f"The body is larger than {self.limit} bytes; send it in smaller parts."
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self.limit:
            return await problem(413, detail, scope["path"])(scope, receive, send)
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                raise HTTPException(413, detail)
            return message

        return await self.app(scope, receive_counted, send)


class Squeeze(GZipMiddleware):
    """Compresses what people look at: pages, styles, scripts and drawn posters; answers of the API go as they are.

    A page shrinks to a tenth for a millisecond of work; an answer of the API is small, and asked for a thousand times a second.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_seen = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].endswith(_SQUEEZED))
        await (super().__call__ if is_seen else self.app)(scope, receive, send)


class OpenLegacy:
    """Lets pages of other hosts read the original routes (`[web] legacy_cors`); GET only, nothing else is opened."""

    def __init__(self, app: ASGIApp, paths: Iterable[str]) -> None:
        self.app = app
        self.paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in self.paths:
            return await self.app(scope, receive, send)

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"access-control-allow-origin", b"*")]}
            await send(message)

        return await self.app(scope, receive, send_open)


def _current(live: Live) -> Recommender | None:
    try:
        return live.recommender
    except ReleaseError:
        return None


def _headers(scope: Scope, release: str) -> list[tuple[bytes, bytes]]:
    headers = [*_SECURITY, (b"x-sparrow-release", release.encode("latin-1", "replace"))]
    if scope.get("degraded"):
        headers.append((b"x-sparrow-degraded", ",".join(scope["degraded"]).encode("latin-1", "replace")))
    return headers
