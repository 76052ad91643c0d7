"""All served models by name, polled for new versions in the background."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import invalid, not_found
from sparrow.model_server.repository.model import LoadedVersion, ServedModel, VersionStatus

logger = logging.getLogger(__name__)


class Models:
    """Looks models up by what a request asks for, and keeps them fresh."""

    def __init__(self, models: Iterable[ServedModel], poll_seconds: float = 1.0) -> None:
        """
        Args:
            models: with different names.
            poll_seconds: time between two looks at the disk; 0 looks once, below 0 never.
        """
        self._models = {model.name: model for model in models}
        self._poll_seconds = poll_seconds
        self._stopped = threading.Event()
        self._poller = threading.Thread(target=self._poll_until_stopped, name="version-poller", daemon=True)

    def start(self) -> None:
        """Load what lies on disk now, then go on polling in a thread."""
        if self._poll_seconds >= 0:
            self._poll_all()
        if self._poll_seconds > 0:
            self._poller.start()

    def stop(self) -> None:
        """End polling and free every model."""
        self._stopped.set()
        if self._poller.is_alive():
            self._poller.join()
        for model in self._models.values():
            model.close()

    @contextmanager
    def lease(self, spec: ModelSpec) -> Iterator[LoadedVersion]:
        """Hold the version a request asks for while it runs.

        Raises:
            ServingError: NOT_FOUND if that model or version is not served.
        """
        _check_label(spec)
        model = self._models.get(spec.name)
        if model is None:
            raise not_found(f"Servable not found for request: {spec}")
        with model.lease(spec.version) as loaded:
            if loaded is None:
                raise not_found(f"Servable not found for request: {spec}")
            yield loaded

    def statuses(self, spec: ModelSpec) -> list[VersionStatus]:
        """The status of one version, or of every version seen, newest first.

        Raises:
            ServingError: NOT_FOUND if there is none.
        """
        _check_label(spec)
        model = self._models.get(spec.name)
        statuses = model.statuses() if model else []
        if spec.version is None:
            if not statuses:
                raise not_found(f"Could not find any versions of model {spec.name}")
            return statuses
        chosen = [status for status in statuses if status.version == spec.version]
        if not chosen:
            raise not_found(f"Could not find version {spec.version} of model {spec.name}")
        return chosen

    def _poll_until_stopped(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            self._poll_all()

    def _poll_all(self) -> None:
        for model in self._models.values():
            try:
                model.poll()
            except Exception:  # The poller must not die of one bad folder: the next look may succeed.
                logger.exception("Polling model %s failed; trying again at the next poll", model.name)


def _check_label(spec: ModelSpec) -> None:
    """Labels are given in a model config file; without one there is none."""
    if spec.label is not None:
        raise invalid(f"Unrecognized servable version label: {spec.label}")
