"""Batching across clients: requests that arrive together run together, with the original's parameters.

The first request of a batch leads it: it waits until the batch is full or `batch_timeout_micros` have passed and one of
`num_batch_threads` is free, runs the model once for all, and hands each request its rows. So there are no threads here
beside those of the requests, and nothing to shut down.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparrow.model_server.inference import Session
from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError, invalid

Key = tuple[Any, ...]
"""What requests must share to run together: the tensors fed and fetched, and, unless they are padded, the row's shape."""


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """The original's BatchingParameters and their defaults; `num_batch_threads` 0 is one per processor."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = 0
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches"):
            if getattr(self, name) < 1:
                raise invalid(f"{name} must be positive; was {getattr(self, name)}")
        for name in ("batch_timeout_micros", "num_batch_threads"):
            if getattr(self, name) < 0:
                raise invalid(f"{name} must be non-negative; was {getattr(self, name)}")
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise invalid("allowed_batch_sizes entries must be monotonically increasing")
        if sizes and sizes[-1] != self.max_batch_size:
            raise invalid(f"Last entry in allowed_batch_sizes must match max_batch_size; last entry was {sizes[-1]}")


@dataclass(slots=True)
class _Task:
    feeds: Tensors
    rows: int
    outputs: list[NDArray[Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """Tasks that will run together; `closed` lets no more in, `done` is set when they have run."""

    tasks: list[_Task] = field(default_factory=list)
    rows: int = 0
    timeouts_ms: list[int] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    error: ServingError | None = None

    def timeout_ms(self) -> int:
        """The longest patience among the tasks; 0, without end, is the longest of all."""
        return 0 if 0 in self.timeouts_ms else max(self.timeouts_ms)


class BatchingSession:
    """A `Session` before another one; safe to call from many threads."""

    def __init__(self, session: Session, parameters: BatchingParameters, slots: threading.Semaphore) -> None:
        """
        Args:
            session: the model that runs the batches.
            parameters: how large batches get, and how long they wait.
            slots: one per batch thread, shared by all models.
        """
        self._session = session
        self._parameters = parameters
        self._slots = slots
        self._lock = threading.Lock()
        self._open: dict[Key, _Batch] = {}
        self._waiting: dict[Key, int] = {}

    @property
    def signatures(self) -> Mapping[str, Signature]:
        return self._session.signatures

    def run(self, feeds: Tensors, fetches: Sequence[str], timeout_ms: int) -> list[NDArray[Any]]:
        """Run as part of a batch; raises ServingError, the batch's own when that failed."""
        task = _Task(feeds, _count_rows(feeds))
        if task.rows > self._parameters.max_batch_size:
            limit = self._parameters.max_batch_size
            raise invalid(f"Task size {task.rows} is larger than maximum input batch size {limit}")
        key = self._key(feeds, fetches)
        batch, is_leader = self._join(key, task, timeout_ms)
        if is_leader:
            self._lead(key, batch, fetches)
        elif not batch.done.wait(timeout_ms / 1000 if timeout_ms else None):
            raise ServingError(Code.DEADLINE_EXCEEDED, "Run() timeout exceeded while waiting in batching queue")
        if batch.error is not None:
            # Each request raises its own error, so that no traceback is shared between threads.
            raise ServingError(batch.error.code, batch.error.message)
        return task.outputs

    def _key(self, feeds: Tensors, fetches: Sequence[str]) -> Key:
        padded = self._parameters.pad_variable_length_inputs
        shapes = [(array.ndim if padded else array.shape[1:], array.dtype.str) for _, array in sorted(feeds.items())]
        return (tuple(sorted(feeds)), tuple(fetches), tuple(shapes))

    def _join(self, key: Key, task: _Task, timeout_ms: int) -> tuple[_Batch, bool]:
        """The batch the task belongs to, and whether it is its first."""
        with self._lock:
            batch = self._open.get(key)
            if batch and batch.rows + task.rows > self._parameters.max_batch_size:
                self._close(key, batch)
                batch = None
            is_leader = batch is None
            if batch is None:
                if self._waiting.get(key, 0) >= self._parameters.max_enqueued_batches:
                    full = "The batch scheduling queue to which this task was submitted is full"
                    raise ServingError(Code.UNAVAILABLE, full)
                self._waiting[key] = self._waiting.get(key, 0) + 1
                batch = self._open[key] = _Batch()
            batch.tasks.append(task)
            batch.rows += task.rows
            batch.timeouts_ms.append(timeout_ms)
            if batch.rows == self._parameters.max_batch_size:
                self._close(key, batch)
        return batch, is_leader

    def _close(self, key: Key, batch: _Batch) -> None:
        if self._open.get(key) is batch:
            del self._open[key]
        batch.closed.set()

    def _lead(self, key: Key, batch: _Batch, fetches: Sequence[str]) -> None:
        try:
            batch.closed.wait(self._parameters.batch_timeout_micros / 1e6)
            with self._slots:
                # While all slots were taken, others could still join.
                with self._lock:
                    self._close(key, batch)
                    self._leave(key)
                self._run_batch(batch, fetches)
        except ServingError as error:
            batch.error = error
        except Exception as error:
            batch.error = ServingError(Code.INTERNAL, "The batch failed; the server's log has the details")
            raise error
        finally:
            batch.done.set()

    def _leave(self, key: Key) -> None:
        self._waiting[key] -= 1
        if not self._waiting[key]:
            del self._waiting[key]

    def _run_batch(self, batch: _Batch, fetches: Sequence[str]) -> None:
        size = self._rounded(batch.rows)
        feeds = {name: self._merge([task.feeds[name] for task in batch.tasks], size) for name in batch.tasks[0].feeds}
        outputs = self._session.run(feeds, fetches, batch.timeout_ms())
        if len(batch.tasks) == 1 and size == batch.rows:
            batch.tasks[0].outputs = outputs
            return
        for array in outputs:
            _check_output(array, size)
        start = 0
        for task in batch.tasks:
            task.outputs = [array[start : start + task.rows] for array in outputs]
            start += task.rows

    def _rounded(self, rows: int) -> int:
        """The smallest allowed size that holds the rows."""
        return next((size for size in self._parameters.allowed_batch_sizes if size >= rows), rows)

    def _merge(self, arrays: list[NDArray[Any]], size: int) -> NDArray[Any]:
        """One array of `size` rows: all rows, then repeats of the first up to an allowed size."""
        if self._parameters.pad_variable_length_inputs:
            arrays = pad_to_common_shape(arrays)
        rows = sum(len(array) for array in arrays)
        padding = [np.repeat(arrays[0][:1], size - rows, axis=0)] if rows < size else []
        return np.concatenate([*arrays, *padding]) if len(arrays) > 1 or padding else arrays[0]


def pad_to_common_shape(arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Arrays of one rank, each (rows, …), grown to the largest size in every dimension but the first.

    What is added repeats the first element of its array, which is certain to be a legal value.

    Example:
        >>> pad_to_common_shape([np.array([[1, 2, 3]]), np.array([[7]])])[1]
        array([[7, 7, 7]])
    """
    largest = np.max([array.shape[1:] for array in arrays], axis=0) if arrays[0].ndim > 1 else ()
    padded = []
    for array in arrays:
        shape = (len(array), *(int(size) for size in largest))
        if array.shape != shape and array.size == 0:
            raise invalid("Got empty tensor in batch of non-empty tensors.")
        if array.shape != shape:
            grown = np.full(shape, array.flat[0], dtype=array.dtype)
            grown[tuple(slice(size) for size in array.shape)] = array
            array = grown
        padded.append(array)
    return padded


def _count_rows(feeds: Tensors) -> int:
    sizes = {len(array) if array.ndim else -1 for array in feeds.values()}
    if -1 in sizes:
        raise invalid("Batching Run() input tensors must have at least one dimension.")
    if len(sizes) != 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size.")
    return sizes.pop()


def _check_output(array: NDArray[Any], size: int) -> None:
    if array.ndim == 0:
        raise ServingError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
    if len(array) != size:
        reason = "does not equal the sum of the 0th dimension sizes of the input tensors"
        raise ServingError(Code.FAILED_PRECONDITION, f"Batched output tensor's 0th dimension {reason}")
