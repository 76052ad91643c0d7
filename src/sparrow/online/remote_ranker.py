"""Ranking scores from a model server, TensorFlow Serving's or Sparrow's own, over REST (http://) or gRPC (grpc://).

A remote ranking must fail fast and never lie: every request has one deadline over all its parts, asks for the release's
own version of the model, and believes an answer only if it has one finite score per candidate. After several failures in
a row a circuit breaker answers at once, so that a dead server costs the visitors nothing; a probe finds it again.
"""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, SettingsError
from sparrow.model_server.protocol.predict import DEFAULT_SIGNATURE
from sparrow.model_server.wire.transports import Inputs, open_state, open_transport

POLL_SECONDS: Final = 0.1
LONGEST_LOOK_S: Final = 5.0
"""Seconds that one question for a version's state may take."""


class CircuitBreaker:
    """Counts failures in a row; when there are too many, refuses for a while, then lets one probe through.

    Example:
        >>> now = [0.0]
        >>> breaker = CircuitBreaker(failures=1, cool_down_s=2.0, clock=lambda: now[0])
        >>> breaker.record_failure()
        >>> breaker.admit()
        False
        >>> now[0] = 2.5
        >>> breaker.admit(), breaker.admit()
        (True, False)
    """

    def __init__(self, failures: int, cool_down_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            failures: how many failures in a row open the circuit, >= 1.
            cool_down_s: seconds until the next probe.
            clock: seconds that only grow.
        """
        self._allowed = failures
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0

    def admit(self) -> bool:
        """Whether a request may go out now; while the circuit is open, only one per cool-down may."""
        if self._failures < self._allowed:
            return True
        if self._clock() < self._closed_until:
            return False
        self._closed_until = self._clock() + self._cool_down_s
        return True

    def record_success(self) -> None:
        self._failures = 0

    def record_failure(self) -> None:
        self._failures += 1
        self._closed_until = self._clock() + self._cool_down_s


class RemoteRanker:
    """Asks one version of one model for scores; keeps its connections, safe to share between tasks of one event loop."""

    def __init__(
        self,
        url: str,
        name: str,
        version: int,
        timeout_ms: int,
        signature_name: str = DEFAULT_SIGNATURE,
        failures: int = 5,
        cool_down_s: float = 2.0,
    ) -> None:
        """
        Args:
            url: the server's base address, e.g. "http://localhost:8501" or "grpc://localhost:8500".
            name: the model's name there.
            version: the only version asked, the one the release published.
            timeout_ms: the deadline of one `predict`, a retry included.
            signature_name: the entry point of the model.
            failures: failures in a row before the server is given a rest.
            cool_down_s: seconds of that rest; at most 5, so that a healed server is found in time.

        Raises:
            SettingsError: if the address is neither an http nor a grpc one.
        """
        if not 0 < cool_down_s <= 5:
            raise SettingsError(f"The ranker's cool-down is {cool_down_s} s; choose more than 0 and at most 5.")
        self._transport = open_transport(url, name, version, signature_name)
        self._what = f"version {version} of model {name!r} at {url}"
        self._timeout_s = timeout_ms / 1000
        self._breaker = CircuitBreaker(failures, cool_down_s)

    async def predict(self, inputs: Inputs) -> NDArray[np.float32]:
        """Score the candidates of one request in one batch.

        Args:
            inputs: by input name, shape (n, …) or, for what all candidates share, (1, …).

        Returns:
            (n,) finite scores, in the order of the candidates.

        Raises:
            RankerUnavailable: whatever went wrong; the message says what, and where.
        """
        rows = max((len(array) for array in inputs.values()), default=0)
        if rows == 0:
            return np.zeros(0, dtype=np.float32)
        if not self._breaker.admit():
            raise RankerUnavailable(f"The ranker, {self._what}, failed several times in a row and is given a rest.")
        try:
            scores = _check_scores(await self._transport.ask(inputs, self._timeout_s), rows)
        except RankerUnavailable as error:
            self._breaker.record_failure()
            raise RankerUnavailable(f"The ranker, {self._what}, {error}") from error.__cause__
        self._breaker.record_success()
        return scores

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._transport.aclose()


def wait_until_available(url: str, name: str, version: int, timeout_s: float) -> None:
    """Wait until a model server serves one version; publishing flips to a release only after this.

    Args:
        url: the server's base address, e.g. "http://localhost:8501" or "grpc://localhost:8500".
        name: the model's name there.
        version: the version just placed in its folder.
        timeout_s: seconds to wait at most.

    Raises:
        SettingsError: if the address is neither an http nor a grpc one.
        RankerUnavailable: if the version cannot be loaded, or is not there in time; the message says what was seen last.
    """
    what = f"Version {version} of model {name!r} at {url}"
    with open_state(url, name, version, min(timeout_s, LONGEST_LOOK_S)) as look:
        deadline = time.monotonic() + timeout_s
        while (seen := look()) != "AVAILABLE":
            if seen.startswith("END: "):
                raise RankerUnavailable(f"{what} could not be loaded: {seen.removeprefix('END: ')}")
            if time.monotonic() > deadline:
                raise RankerUnavailable(f"{what} was not available within {timeout_s:g} s; last seen: {seen}.")
            time.sleep(POLL_SECONDS)


def _check_scores(scores: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """(rows,) the scores, if they are one finite number per candidate."""
    if scores.shape not in ((rows,), (rows, 1)):
        raise RankerUnavailable(f"answered scores of shape {scores.shape} for {rows} candidates.")
    if not np.isfinite(scores).all():
        raise RankerUnavailable("answered scores that are not finite (NaN or infinity).")
    return scores.reshape(rows)  # (rows, 1) → (rows,)
