"""Spans: a request's stages below the caller's trace where an SDK records, nothing at all where none does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from opentelemetry import trace

from sparrow import tracing
from sparrow.config import Settings
from sparrow.online.answers import Listing
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.web.app import create_app
from tests.conftest import small_world
from tests.online.memory import ParityNetwork, make_recommender, out_of_order
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"


class Span(trace.NonRecordingSpan):
    """What an SDK would export, kept."""

    def __init__(self, name: str, parent: trace.SpanContext, number: int, **told: Any) -> None:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        super().__init__(trace.SpanContext(parent.trace_id or 1, number, is_remote=False, trace_flags=flags))
        self.name, self.parent, self.told, self.ended = name, parent, told, 0

    def is_recording(self) -> bool:
        return True

    def end(self, end_time: int | None = None) -> None:
        self.ended = end_time or -1


class Recorder(trace.TracerProvider, trace.Tracer):
    """The least that an SDK is."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return self

    def start_span(self, name: str, context: Any = None, **told: Any) -> Span:
        parent = trace.get_current_span(context).get_span_context()
        self.spans.append(Span(name, parent, len(self.spans) + 1, **told))
        return self.spans[-1]

    @contextmanager
    def start_as_current_span(self, name: str, context: Any = None, **told: Any) -> Iterator[Span]:  # type: ignore[override]
        span = self.start_span(name, context, **told)
        with trace.use_span(span, end_on_exit=True):
            yield span

    def named(self, name: str) -> Span:
        [span] = [span for span in self.spans if span.name == name]
        return span


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    provider = Recorder()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return provider


def board(**more: Any) -> Recommender:
    return make_recommender(small_world(), **more)


def ask(recommender: Recommender, user: int = 1) -> Listing:
    return asyncio.run(recommender.for_user(user, Wanted(5)))


def test_a_persons_list_is_told_in_stages_one_after_another(recorder: Recorder) -> None:
    with recorder.start_as_current_span("a request"):
        ask(board(network=ParityNetwork(out_of_order)))
    assert [span.name for span in recorder.spans[1:]] == [
        "sparrow.store", "sparrow.recall", "sparrow.ranking", "sparrow.reranking",
    ]  # fmt: skip
    *_, recall, ranking, reranking = recorder.spans
    assert (recall.ended, ranking.ended) == (ranking.told["start_time"], reranking.told["start_time"])
    assert reranking.ended >= recall.told["start_time"] > 1e18, "Unix time in nanoseconds"
    about = ranking.told["attributes"]
    assert (about["sparrow.ranker"], about["sparrow.failed"]) == ("history", "blend")
    assert about["sparrow.candidates"] > 0


def test_stages_stand_below_the_callers_trace(recorder: Recorder) -> None:
    app = create_app(FakeLive(board()), FakeLog(), Settings())  # type: ignore[arg-type]
    answer = Client(app).get("/api/v1/users/1/recommendations", headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 200
    assert {f"{span.parent.trace_id:032x}" for span in recorder.spans} == {TRACE}
    assert recorder.named("sparrow.render").ended and recorder.named("sparrow.store").ended
    assert {f"{span.parent.span_id:016x}" for span in recorder.spans} & {CALLER}


def test_below_a_span_that_nobody_records_there_is_none(recorder: Recorder) -> None:
    ask(board())
    assert recorder.spans == []


def test_without_an_sdk_there_is_no_span_and_the_callers_trace_goes_on() -> None:
    assert isinstance(tracing.stage("store"), nullcontext)
    followed = tracing.follow({b"traceparent": TRACEPARENT.encode(), b"tracestate": b"shop=1"})
    assert tracing.outgoing() == {"traceparent": TRACEPARENT, "tracestate": "shop=1"}
    tracing.leave(followed)
    assert tracing.outgoing() == {}


def test_an_open_span_is_not_replaced_by_the_header(recorder: Recorder) -> None:
    with recorder.start_as_current_span("outer"):
        assert tracing.follow({b"traceparent": TRACEPARENT.encode()}) is None
        assert tracing.outgoing()["traceparent"].split("-")[1] != TRACE


@pytest.mark.parametrize(
    "hostile", ["", "00-0-0-01", "ff" * 5000, "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xff\x00"]
)
def test_a_header_that_is_no_trace_is_passed_over(hostile: str) -> None:
    followed = tracing.follow({b"traceparent": hostile.encode("latin-1"), b"tracestate": b"=,=,\xff"})
    assert tracing.outgoing() == {}
    tracing.leave(followed)


def test_one_request_leaves_no_trace_to_the_next() -> None:
    app = create_app(FakeLive(board()), FakeLog(), Settings())  # type: ignore[arg-type]
    assert Client(app).get("/api/v1/movies/8", headers={"traceparent": TRACEPARENT}).status_code == 200
    assert tracing.outgoing() == {}
