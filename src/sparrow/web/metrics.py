"""What Prometheus sees. With several workers, set PROMETHEUS_MULTIPROC_DIR before they start: values are then summed."""

import os
from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from sparrow.online.answers import Listing
from sparrow.web.traffic import Traffic, summarise

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, *_SECONDS[:-2])


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
        self._stages = Histogram(
            "sparrow_stage_seconds",
            "Time of one stage of a list.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=self.registry,
        )
        self._lists = Counter(
            "sparrow_lists", "Lists served, by who ranked them.", ("pipeline", "ranker"), registry=self.registry
        )
        self._brought = Counter(
            "sparrow_listed_movies",
            "Movies served, by the routes that brought them.",
            ("route",),
            registry=self.registry,
        )
        self._model = Gauge(
            "sparrow_model_info",
            "1 for the model versions of the release that answers, 0 for earlier ones.",
            ("model", "version"),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        # `labels` checks and looks up anew each time, which would be most of what counting a list costs.
        self._stage, self._list, self._route = (
            cache(self._stages.labels),
            cache(self._lists.labels),
            cache(self._brought.labels),
        )
        self._current: tuple[str, tuple[tuple[str, int], ...]] = ("", ())

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

    def count_list(self, listing: Listing) -> None:
        """One served list: its stages, its ranker, and which routes brought its movies."""
        for stage, milliseconds in listing.timings.items():
            self._stage(stage).observe(milliseconds / 1000)
        self._list(listing.pipeline, listing.ranker).inc()
        for route, movies in listing.routes.items():
            self._route(route).inc(movies)

    def note_release(self, release: str, models: Mapping[str, int]) -> None:
        """Remember which release answers, and which versions of its models are live."""
        current = (release, tuple(models.items()))
        if current == self._current:
            return
        before, versions = self._current
        if before:
            self._release.labels(before).set(0)
        for model, version in versions:
            self._model.labels(model, str(version)).set(0)
        self._release.labels(release).set(1)
        for model, version in current[1]:
            self._model.labels(model, str(version)).set(1)
        self._current = current

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
