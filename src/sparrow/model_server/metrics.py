"""Prometheus metrics under TensorFlow Serving's names.

Its names are paths, "/tensorflow/serving/request_count"; the page writes them with colons. Times are microseconds.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from sparrow.model_server.protocol.status import Code

LATENCY_BOUNDS: Final = tuple(10 * 1.8**power for power in range(33))
EXAMPLE_BOUNDS: Final = tuple(2.0**power for power in range(15))


class Metric(Protocol):
    """Something with a name that can write itself."""

    def lines(self) -> Iterator[str]: ...


class Counter:
    """Counts by label values."""

    def __init__(self, path: str, *labels: str) -> None:
        self._name, self._labels = _name(path), labels
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + amount

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self._name} counter"
        with self._lock:
            counts = sorted(self._counts.items())
        for values, count in counts:
            yield f"{self._name}{{{_pairs(self._labels, values)}}} {count:.0f}"


class Histogram:
    """Counts by label values and by bucket."""

    def __init__(self, path: str, bounds: tuple[float, ...], *labels: str) -> None:
        """
        Args:
            path: the original's name.
            bounds: upper ends of the buckets, ascending; the last one is open.
            labels: names of the labels.
        """
        self._name, self._labels, self._bounds = _name(path), labels, bounds
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *values: str) -> None:
        with self._lock:
            buckets = self._buckets.setdefault(values, [0] * (len(self._bounds) + 1))
            buckets[bisect_left(self._bounds, value)] += 1
            self._sums[values] = self._sums.get(values, 0.0) + value

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self._name} histogram"
        with self._lock:
            rows = [(values, list(buckets), self._sums[values]) for values, buckets in sorted(self._buckets.items())]
        for values, buckets, total in rows:
            pairs, count = _pairs(self._labels, values), 0
            for bound, found in zip([*(f"{bound:g}" for bound in self._bounds), "+Inf"], buckets, strict=True):
                count += found
                yield f'{self._name}_bucket{{{pairs},le="{bound}"}} {count}'
            yield f"{self._name}_sum{{{pairs}}} {total:g}"
            yield f"{self._name}_count{{{pairs}}} {count}"


class Metrics:
    """Everything a server counts."""

    def __init__(self) -> None:
        self._requests = Counter("/tensorflow/serving/request_count", "model_name", "status")
        self._request_latency = Histogram(
            "/tensorflow/serving/request_latency", LATENCY_BOUNDS, "model_name", "API", "entrypoint"
        )
        self._runtime_latency = Histogram(
            "/tensorflow/serving/runtime_latency", LATENCY_BOUNDS, "model_name", "API", "runtime"
        )
        self._examples = Counter("/tensorflow/serving/request_example_count_total", "model")
        self._example_counts = Histogram("/tensorflow/serving/request_example_counts", EXAMPLE_BOUNDS, "model")
        self._loads = Counter("/tensorflow/cc/saved_model/load_attempt_count", "model_path", "status")
        self._load_latency = Counter("/tensorflow/cc/saved_model/load_latency", "model_path")
        self._all: tuple[Metric, ...] = (
            self._requests,
            self._request_latency,
            self._runtime_latency,
            self._examples,
            self._example_counts,
            self._loads,
            self._load_latency,
        )

    def count_request(self, model: str, code: Code, seconds: float, api: str, entrypoint: str) -> None:
        """One finished request; as in the original only good ones have a latency."""
        self._requests.add(model, code.name)
        if code is Code.OK:
            self._request_latency.observe(seconds * 1e6, model, api, entrypoint)

    @contextmanager
    def timed_run(self, model: str, api: str) -> Iterator[None]:
        """Time a run of the model that succeeds."""
        start = time.perf_counter()
        yield
        self._runtime_latency.observe((time.perf_counter() - start) * 1e6, model, api, "TF1")

    def count_examples(self, model: str, examples: int) -> None:
        self._examples.add(model, amount=examples)
        self._example_counts.observe(examples, model)

    def count_load(self, path: str, is_good: bool, seconds: float) -> None:
        self._loads.add(path, "success" if is_good else "fail")
        if is_good:
            self._load_latency.add(path, amount=seconds * 1e6)

    def page(self) -> bytes:
        """All of it as Prometheus reads it."""
        lines = [line for metric in self._all for line in metric.lines()]
        return ("\n".join(lines) + "\n").encode()


def _name(path: str) -> str:
    return path.replace("/", ":")


def _pairs(labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
