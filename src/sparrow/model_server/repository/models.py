"""All served models by name and label, polled for new versions in the background, configured anew while they serve."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import Code, ServingError, invalid, not_found
from sparrow.model_server.repository.model import Load, LoadedVersion, ModelConfig, ServedModel, VersionStatus

logger = logging.getLogger(__name__)

Labels = Mapping[str, Mapping[str, int]]
"""Model name → label → version."""


class Models:
    """Looks models up by what a request asks for, and keeps them fresh; requests never wait for a load."""

    def __init__(self, load: Load, poll_seconds: float = 1.0, allow_labels_for_unavailable: bool = False) -> None:
        """
        Args:
            load: makes a model of one version folder.
            poll_seconds: time between two looks at the disk; 0 looks once, below 0 never.
            allow_labels_for_unavailable: a new label may name a version that is not served (yet).
        """
        self._load = load
        self._poll_seconds = poll_seconds
        self._allow_labels = allow_labels_for_unavailable
        # Replaced as a whole, never changed: readers need no lock.
        self._models: Mapping[str, ServedModel] = {}
        self._labels: Labels = {}
        self._busy = threading.Lock()
        self._stopped = threading.Event()
        self._poller = threading.Thread(target=self._poll_until_stopped, name="version-poller", daemon=True)

    def start(self, configs: Sequence[ModelConfig]) -> None:
        """Load what lies on disk now, then go on polling in a thread.

        Raises:
            ServingError: FAILED_PRECONDITION if a label names a version that is not served.
        """
        self.apply(configs)
        if self._poll_seconds > 0:
            self._poller.start()

    def apply(self, configs: Sequence[ModelConfig]) -> list[str]:
        """Serve these models and no others: new ones are loaded, then those not named any more are let go.

        Returns:
            The new models of which no version could be loaded.

        Raises:
            ServingError: FAILED_PRECONDITION if a label names a version that is not served; then all labels stay.
        """
        with self._busy:
            before = self._models
            self._models = {config.name: self._configured(config) for config in configs}
            if self._poll_seconds >= 0:
                self._poll_all()
            for name in before.keys() - self._models.keys():
                before[name].close()
            self._labels = {config.name: self._checked_labels(config) for config in configs}
            new = self._models.keys() - before.keys()
            return sorted(name for name in new if not self._models[name].is_available())

    def stop(self) -> None:
        """End polling and free every model."""
        self._stopped.set()
        if self._poller.is_alive():
            self._poller.join()
        for model in self._models.values():
            model.close()

    def __contains__(self, name: str) -> bool:
        return name in self._models

    @contextmanager
    def lease(self, spec: ModelSpec) -> Iterator[LoadedVersion]:
        """Hold the version a request asks for while it runs.

        Raises:
            ServingError: NOT_FOUND if that model or version is not served.
        """
        spec = self._resolve(spec)
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
        spec = self._resolve(spec)
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

    def _resolve(self, spec: ModelSpec) -> ModelSpec:
        """The version a label stands for, in its place."""
        if spec.label is None:
            return spec
        version = self._labels.get(spec.name, {}).get(spec.label)
        if version is None:
            raise invalid(f"Unrecognized servable version label: {spec.label}")
        return replace(spec, version=version, label=None)

    def _configured(self, config: ModelConfig) -> ServedModel:
        model = self._models.get(config.name)
        if model is None:
            return ServedModel(config, self._load)
        model.config = config
        return model

    def _checked_labels(self, config: ModelConfig) -> Mapping[str, int]:
        """The labels of a model, if each names a version that is served; with leave, a new one need not."""
        known = self._labels.get(config.name, {})
        for label, version in config.labels.items():
            is_new = known.get(label, version) == version
            if not self._models[config.name].is_available(version) and not (self._allow_labels and is_new):
                raise ServingError(
                    Code.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference",
                )
        return dict(config.labels)

    def _poll_until_stopped(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            with self._busy:
                self._poll_all()

    def _poll_all(self) -> None:
        for model in self._models.values():
            try:
                model.poll()
            except Exception:  # The poller must not die of one bad folder: the next look may succeed.
                logger.exception("Polling model %s failed; trying again at the next poll", model.name)
