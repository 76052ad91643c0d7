"""Batching across clients: what runs together, in which sizes, and what each client gets back."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sparrow.model_server.batching import BatchingParameters, BatchingSession
from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError, invalid

PATIENT = 10_000_000
"""Microseconds that no test waits: the batch is full before."""


class Doubling:
    """A "model" that doubles x, keeps what it was given, and can be held up or made to fail."""

    signatures: Mapping[str, Signature] = {}

    def __init__(self, output: Callable[[NDArray[Any]], NDArray[Any]] = lambda x: x * 2) -> None:
        self.seen: list[NDArray[Any]] = []
        self.timeouts: list[int] = []
        self.free = threading.Event()
        self.free.set()
        self.running = threading.Event()
        self._output = output

    def run(self, feeds: Tensors, fetches: Sequence[str], timeout_ms: int) -> list[NDArray[Any]]:
        self.running.set()
        assert self.free.wait(20)
        self.seen.append(feeds["x"])
        self.timeouts.append(timeout_ms)
        return [self._output(feeds["x"]) for _ in fetches]


def make(model: Doubling, slots: int = 1, **settings: Any) -> BatchingSession:
    return BatchingSession(model, BatchingParameters(**settings), threading.BoundedSemaphore(slots))


def ask(session: BatchingSession, rows: Any, timeout_ms: int = 0) -> Any:
    return session.run({"x": np.array(rows)}, ["y"], timeout_ms)[0].tolist()


def test_requests_that_fill_a_batch_run_once_and_get_their_own_rows() -> None:
    model = Doubling()
    session = make(model, max_batch_size=6, batch_timeout_micros=PATIENT)
    with ThreadPoolExecutor(3) as clients:
        answers = list(clients.map(lambda rows: ask(session, rows), ([1, 2], [3, 4], [5, 6])))
    assert answers == [[2, 4], [6, 8], [10, 12]]
    assert [sorted(seen.tolist()) for seen in model.seen] == [[1, 2, 3, 4, 5, 6]]


def test_a_lone_request_waits_no_longer_than_the_timeout() -> None:
    model = Doubling()
    assert ask(make(model, batch_timeout_micros=1000), [1, 2, 3]) == [2, 4, 6]
    assert len(model.seen) == 1


def test_what_does_not_fit_begins_the_next_batch() -> None:
    model = Doubling()
    session = make(model, max_batch_size=3, batch_timeout_micros=20_000)
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda rows: ask(session, rows), [[1, 2], [3, 4], [5, 6]]))
    assert answers == [[2, 4], [6, 8], [10, 12]]
    assert all(len(seen) <= 3 for seen in model.seen)


def test_batches_are_padded_to_an_allowed_size_and_cut_again() -> None:
    model = Doubling()
    session = make(model, max_batch_size=8, allowed_batch_sizes=(4, 8))
    assert ask(session, [7, 8, 9]) == [14, 16, 18]
    assert model.seen[0].tolist() == [7, 8, 9, 7]


def test_ragged_requests_are_padded_with_their_first_element() -> None:
    model = Doubling()
    session = make(model, max_batch_size=2, batch_timeout_micros=PATIENT, pad_variable_length_inputs=True)
    with ThreadPoolExecutor(2) as clients:
        answers = sorted(clients.map(lambda rows: ask(session, rows), [[[1, 2, 3]], [[7]]]))
    assert answers == [[[2, 4, 6]], [[14, 14, 14]]]
    assert len(model.seen) == 1


def test_without_padding_rows_of_different_shapes_do_not_meet() -> None:
    model = Doubling()
    session = make(model, max_batch_size=2, batch_timeout_micros=20_000)
    with ThreadPoolExecutor(2) as clients:
        answers = sorted(clients.map(lambda rows: ask(session, rows), [[[1, 2, 3]], [[7]]]))
    assert answers == [[[2, 4, 6]], [[14]]]
    assert len(model.seen) == 2


def test_a_failed_batch_fails_each_of_its_requests() -> None:
    def fail(_: Any) -> Any:
        raise invalid("the model says no")

    session = make(Doubling(fail), max_batch_size=2, batch_timeout_micros=PATIENT)

    def refusal(rows: list[int]) -> str:
        with pytest.raises(ServingError) as refused:
            ask(session, rows)
        return refused.value.message

    with ThreadPoolExecutor(2) as clients:
        assert list(clients.map(refusal, [[1], [2]])) == ["the model says no"] * 2
    session = make(Doubling(), max_batch_size=2)
    assert ask(session, [1]) == [2]


def test_an_unforeseen_failure_leaves_nobody_waiting() -> None:
    def surprise(_: Any) -> Any:
        raise RuntimeError("surprise")

    session = make(Doubling(surprise), max_batch_size=2, batch_timeout_micros=PATIENT)

    def failure(rows: list[int]) -> str:
        with pytest.raises((ServingError, RuntimeError)) as failed:
            ask(session, rows)
        return type(failed.value).__name__

    with ThreadPoolExecutor(2) as clients:
        assert sorted(clients.map(failure, [[1], [2]])) == ["RuntimeError", "ServingError"]


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"x": np.array(1)}, "Batching Run() input tensors must have at least one dimension."),
        (
            {"x": np.zeros(2), "z": np.zeros(3)},
            "Batching Run() input tensors must have equal 0th-dimension size.",
        ),
        ({"x": np.zeros(5)}, "Task size 5 is larger than maximum input batch size 4"),
    ],
)
def test_requests_that_cannot_be_batched(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(ServingError) as refused:
        make(Doubling(), max_batch_size=4).run(feeds, ["y"], 0)
    assert (refused.value.code, refused.value.message) == (Code.INVALID_ARGUMENT, message)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda x: x.sum(), "Batched output tensor has 0 dimensions"),
        (lambda x: x[:1], "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes"),
    ],
)
def test_models_that_cannot_be_batched(output: Any, message: str) -> None:
    with pytest.raises(ServingError) as refused:
        ask(make(Doubling(output), max_batch_size=8, allowed_batch_sizes=(8,)), [1, 2])
    assert refused.value.code is Code.FAILED_PRECONDITION
    assert message in refused.value.message


def test_too_many_waiting_batches_are_refused_and_too_long_waits_end() -> None:
    model = Doubling()
    model.free.clear()
    session = make(model, max_batch_size=2, max_enqueued_batches=2)
    with ThreadPoolExecutor(4) as clients:
        first = clients.submit(ask, session, [1, 2])
        assert model.running.wait(20)
        waiting = [clients.submit(ask, session, [3, 4]), clients.submit(ask, session, [5])]
        while sum(session._waiting.values()) < 2:
            threading.Event().wait(0.01)
        # The open batch of one row takes a second row, whose client has no patience; a third batch is too many.
        if session._open:
            with pytest.raises(ServingError, match="Run\\(\\) timeout exceeded while waiting") as late:
                ask(session, [6], timeout_ms=50)
            assert late.value.code is Code.DEADLINE_EXCEEDED
        with pytest.raises(ServingError, match="queue to which this task was submitted is full") as full:
            ask(session, [7, 8])
        assert full.value.code is Code.UNAVAILABLE
        model.free.set()
        assert [first.result(20), *(one.result(20) for one in waiting)] == [[2, 4], [6, 8], [10]]
    assert session._waiting == {}
    assert session._open == {}


def test_a_batch_is_as_patient_as_its_most_patient_request() -> None:
    model = Doubling()
    ask(make(model), [1], timeout_ms=70)
    session = make(model, max_batch_size=2, batch_timeout_micros=PATIENT)
    with ThreadPoolExecutor(2) as clients:
        list(clients.map(lambda timeout: ask(session, [1], timeout), [50_000, 60_000]))
    with ThreadPoolExecutor(2) as clients:
        list(clients.map(lambda timeout: ask(session, [1], timeout), [50_000, 0]))
    assert model.timeouts == [70, 60_000, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_batch_size": 0}, "max_batch_size must be positive; was 0"),
        ({"batch_timeout_micros": -1}, "batch_timeout_micros must be non-negative; was -1"),
        ({"max_enqueued_batches": 0}, "max_enqueued_batches must be positive; was 0"),
        ({"allowed_batch_sizes": (4, 2)}, "allowed_batch_sizes entries must be monotonically increasing"),
        (
            {"max_batch_size": 8, "allowed_batch_sizes": (2, 4)},
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4",
        ),
    ],
)
def test_parameters_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ServingError) as refused:
        BatchingParameters(**settings)
    assert refused.value.message == message
