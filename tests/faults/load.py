"""Visitors who never stop asking, and the questions that every fault is judged by."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx

PATIENCE_S: Final = 30
"""For what nobody promised a time."""

RECOVERY_S: Final = 5
"""From the end of a fault to whole lists, as docs/serving.md promises."""

PATHS: Final = ("/api/v1/users/1/recommendations?size=5", "/api/v1/movies/8/similar?size=5", "/api/v1/movies/8")


OF_PEOPLE: Final = ("/users/", "/getrecforyou")
"""What asks for a person: only these may ever lack something."""


class Load:
    """Two visitors who go round some pages; every answer must be a 200 of one release, with a list as long as was asked for,
    and nothing missing where nobody's taste is asked for."""

    def __init__(self, base: httpx.URL, paths: Sequence[str] = PATHS) -> None:
        self.wrong: list[str] = []
        self.answered = 0
        self.releases: set[str] = set()
        self._base, self._paths, self._over = base, paths, threading.Event()

    def visit(self) -> None:
        with httpx.Client(base_url=self._base, timeout=20, trust_env=False) as client:
            while not self._over.is_set():
                for path in self._paths:
                    self.judge(path, client.get(path))

    def judge(self, path: str, answer: httpx.Response) -> None:
        """Remember what is wrong with an answer."""
        self.answered += 1
        release = answer.headers.get("x-sparrow-release", "")
        self.releases.add(release)
        if answer.status_code != 200:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text}")
        told = answer.json() if answer.status_code == 200 else {}
        if isinstance(told, dict) and told.get("release", release) != release:
            self.wrong.append(f"{path}: {release} answered with {told['release']}")
        items, size = told.get("items", ()) if isinstance(told, dict) else told, httpx.URL(path).params.get("size")
        if size is not None and len(items) != int(size):
            self.wrong.append(f"{path}: {len(items)} of {size} movies")
        missing = answer.headers.get("x-sparrow-degraded")
        if missing and not any(part in path for part in OF_PEOPLE):
            self.wrong.append(f"{path}: without {missing}")

    @contextmanager
    def running(self) -> Iterator[None]:
        visitors = [threading.Thread(target=self.visit) for _ in range(2)]
        for visitor in visitors:
            visitor.start()
        try:
            until(lambda: self.answered > 0)
            yield
        finally:
            self._over.set()
            for visitor in visitors:
                visitor.join()
        assert self.wrong == []
        assert self.answered > 0


def until(is_true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"it did not come to be within {seconds} s"
        time.sleep(0.02)


def degraded(site: httpx.Client, **asked: Any) -> list[str]:
    """What is missing for a known person; the header says the same as the body, and the list is as long as ever."""
    answer = site.get("/api/v1/users/1/recommendations", params={"size": 5, **asked})
    assert answer.status_code == 200
    parts: list[str] = answer.json()["degraded"]
    assert answer.headers.get("x-sparrow-degraded", "") == ",".join(parts)
    assert len(answer.json()["items"]) == 5
    return parts


def ready(site: httpx.Client) -> dict[str, Any]:
    facts: dict[str, Any] = site.get("/readyz").json()
    return facts


def counted(site: httpx.Client, part: str) -> float:
    """Lists served without a part, as /metrics tells it."""
    name = f'sparrow_degraded_lists_total{{part="{part}"}} '
    lines = [line for line in site.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].removeprefix(name)) if lines else 0.0
