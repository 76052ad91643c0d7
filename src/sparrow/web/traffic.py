"""Counters as people read them: requests and their time by route, and what was replaced in lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from prometheus_client.metrics_core import Metric

SECONDS: Final = "sparrow_http_request_seconds"
DEGRADED: Final = "sparrow_degraded_lists"
BROUGHT: Final = "sparrow_listed_movies"


@dataclass(frozen=True, slots=True)
class RouteTraffic:
    """One route: requests, those of them that failed (5xx), and seconds; a time beyond the largest bucket counts as that."""

    route: str
    requests: int
    failed: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """All routes together as `every`, each by itself, the busiest first; `degraded` counts lists by the part replaced,
    `brought` listed movies by the route of recall that brought them (several may have)."""

    every: RouteTraffic
    routes: Sequence[RouteTraffic]
    degraded: Mapping[str, int]
    brought: Mapping[str, int]


def summarise(metrics: Iterable[Metric]) -> Traffic:
    """Read a registry's metrics."""
    buckets: dict[str, dict[float, float]] = {}
    failed: dict[str, int] = {}
    degraded: dict[str, int] = {}
    brought: dict[str, int] = {}
    for sample in (sample for metric in metrics for sample in metric.samples):
        route = sample.labels.get("route", "")
        if sample.name == f"{SECONDS}_bucket":
            own, edge = buckets.setdefault(route, {}), float(sample.labels["le"])
            own[edge] = own.get(edge, 0.0) + sample.value
        elif sample.name == f"{SECONDS}_count" and sample.labels["status"].startswith("5"):
            failed[route] = failed.get(route, 0) + int(sample.value)
        elif sample.name == f"{DEGRADED}_total" and sample.value:
            degraded[sample.labels["part"]] = int(sample.value)
        elif sample.name == f"{BROUGHT}_total" and sample.value:
            brought[route] = int(sample.value)
    routes = [_route(name, own, failed.get(name, 0)) for name, own in buckets.items()]
    edges = {edge for own in buckets.values() for edge in own}
    together = {edge: sum(own.get(edge, 0.0) for own in buckets.values()) for edge in edges}
    busiest = sorted(routes, key=lambda one: (-one.requests, one.route))
    most_first = dict(sorted(brought.items(), key=lambda one: -one[1]))
    return Traffic(_route("", together, sum(failed.values())), busiest, degraded, most_first)


def _route(name: str, buckets: Mapping[float, float], failed: int) -> RouteTraffic:
    requests = int(max(buckets.values(), default=0))
    return RouteTraffic(name, requests, failed, quantile(buckets, 0.5), quantile(buckets, 0.95))


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """Seconds below which that share of requests stayed, evenly spread within a bucket.

    Args:
        buckets: upper edge → requests up to it.
        share: between 0 and 1.

    Example:
        >>> quantile({0.1: 50, 0.2: 100, float("inf"): 100}, 0.75)
        0.15000000000000002
    """
    ordered = sorted({0.0: 0.0, **buckets}.items())
    wanted = share * ordered[-1][1]
    for (low, below), (high, upto) in pairwise(ordered):
        if upto >= wanted and upto > below:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / (upto - below)
    return 0.0
