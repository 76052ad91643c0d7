"""Spans of the request path, for OpenTelemetry; without an SDK nobody makes any, and asking costs a microsecond a stage.

FastAPI opens the span of a request itself once an SDK is there. Below it stand `sparrow.store`, `sparrow.recall`,
`sparrow.ranking`, `sparrow.reranking` and `sparrow.render`. A caller's `traceparent` goes on to the remote ranker, with an SDK
or without.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_HEADERS: Final = ("traceparent", "tracestate")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NOTHING: Final = nullcontext()

Followed = Token[context.Context] | None


def stage(name: str) -> AbstractContextManager[object]:
    """A span around a block, named `sparrow.{name}`; only below one that is recorded: whoever samples pays for the sample."""
    if not trace.get_current_span().is_recording():
        return _NOTHING
    return trace.get_tracer("sparrow").start_as_current_span(f"sparrow.{name}")


def stages(started_ns: int, timings: Mapping[str, float], attributes: Mapping[str, str | int]) -> None:
    """Spans of stages that are over: one after another from `started_ns` (Unix time) on, for so many milliseconds each."""
    if not trace.get_current_span().is_recording():
        return
    tracer = trace.get_tracer("sparrow")
    for name, milliseconds in timings.items():
        ended_ns = started_ns + round(milliseconds * 1e6)
        tracer.start_span(f"sparrow.{name}", start_time=started_ns, attributes=attributes).end(ended_ns)
        started_ns = ended_ns


def follow(headers: Mapping[bytes, bytes]) -> Followed:
    """Take a caller's trace as this task's own, unless a span is open already; `leave` with what it gives."""
    if b"traceparent" not in headers or trace.get_current_span().get_span_context().is_valid:
        return None
    told = {name: headers[name.encode()].decode("latin-1") for name in _HEADERS if name.encode() in headers}
    return context.attach(_PROPAGATOR.extract(told))


def leave(followed: Followed) -> None:
    """End what `follow` began."""
    if followed is not None:
        context.detach(followed)


def outgoing() -> dict[str, str]:
    """Headers that tell another server which trace its work belongs to; {} outside of traces."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers
