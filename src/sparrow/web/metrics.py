"""What Prometheus sees. With several workers, set PROMETHEUS_MULTIPROC_DIR before they start: values are then summed."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from sparrow.web.traffic import Traffic, summarise

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The counters of one application, in a registry of its own so that two applications never share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "sparrow_http_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("route", "method", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._degraded = Counter(
            "sparrow_degraded_lists", "Lists served with a part replaced.", ("part",), registry=self.registry
        )
        self._unlogged = Counter(
            "sparrow_served_lists_dropped", "Served lists that the log had no room for.", registry=self.registry
        )
        self._release = Gauge(
            "sparrow_release_info",
            "1 for the release that answers, 0 for earlier ones.",
            ("release",),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._current = ""

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answered request; `route` is the pattern, never the address, so that labels stay few."""
        self._seconds.labels(route, method, str(status)).observe(seconds)

    def count_degraded(self, parts: tuple[str, ...]) -> None:
        """One served list in which these parts were replaced."""
        for part in parts:
            self._degraded.labels(part).inc()

    def count_unlogged(self) -> None:
        """One served list that the log lost."""
        self._unlogged.inc()

    def note_release(self, release: str) -> None:
        """Remember which release answers."""
        if release == self._current:
            return
        if self._current:
            self._release.labels(self._current).set(0)
        self._release.labels(release).set(1)
        self._current = release

    def render(self) -> bytes:
        """The text that Prometheus scrapes, over all workers where they share a folder."""
        return generate_latest(self._everywhere())

    def traffic(self) -> Traffic:
        """The same for people: requests, their time, and what was replaced, since the workers started."""
        return summarise(self._everywhere().collect())

    def _everywhere(self) -> CollectorRegistry:
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return self.registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry
