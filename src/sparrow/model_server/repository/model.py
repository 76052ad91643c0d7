"""One served model: the newest good versions, swapped without a request noticing.

A new version is loaded before an old one goes; a request keeps the version it began with until it ends; a version that
cannot be loaded is reported in the status and never replaces a good one. It is tried again when its files change, so a
folder that was seen half-copied comes in by itself once the copy is whole.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.repository.versions import Fingerprint, find_versions, fingerprint

logger = logging.getLogger(__name__)


class Servable(Protocol):
    """A model in memory, as `servable.Servable` is one."""

    @property
    def metadata(self) -> Mapping[str, Any]: ...

    def signature(self, name: str) -> Signature: ...

    def predict(self, signature_name: str, inputs: Tensors, timeout_ms: int) -> Tensors: ...

    def close(self) -> None: ...


Load = Callable[[Path], Servable]


class State(StrEnum):
    """The life of a version, in the protocol's words; END with an error is a version that could not be loaded."""

    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """What the status route says of one version."""

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


@dataclass(slots=True)
class LoadedVersion:
    """A version in memory; `users` counts the requests that run on it."""

    version: int
    servable: Servable
    users: int = 0
    retired: bool = False


class ServedModel:
    """The versions of one model; `poll` runs in one thread at a time, everything else in any."""

    def __init__(self, name: str, base_path: Path, load: Load, keep: int = 1) -> None:
        """
        Args:
            name: the model's name in paths.
            base_path: the folder of its version folders.
            load: makes a servable of one version folder, or raises ServingError.
            keep: how many of the newest good versions are served.
        """
        self.name = name
        self.base_path = base_path
        self._load = load
        self._keep = keep
        self._lock = threading.Lock()
        self._loaded: dict[int, LoadedVersion] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, Fingerprint] = {}

    def poll(self) -> None:
        """Look at the disk once and make the newest good versions the served ones."""
        try:
            found = find_versions(self.base_path)
        except OSError as error:
            reason = f"{type(error).__name__}: {error}"
            logger.warning("Could not find base path %s for servable %s: %s", self.base_path, self.name, reason)
            return
        if not found:
            logger.warning("No versions of servable %s found under base path %s", self.name, self.base_path)
        serving: list[int] = []
        for version, path in found.items():
            if len(serving) == self._keep:
                break
            if version in self._loaded or self._try(version, path):
                serving.append(version)
        if serving or not found:
            self._retire(set(self._loaded) - set(serving))

    @contextmanager
    def lease(self, version: int | None = None) -> Iterator[LoadedVersion | None]:
        """Hold a version while a request runs on it; None when that version, or any, is not served."""
        with self._lock:
            number = max(self._loaded, default=-1) if version is None else version
            loaded = self._loaded.get(number)
            if loaded:
                loaded.users += 1
        try:
            yield loaded
        finally:
            if loaded:
                self._give_back(loaded)

    def statuses(self) -> list[VersionStatus]:
        """Every version ever seen, newest first."""
        with self._lock:
            return [self._statuses[version] for version in sorted(self._statuses, reverse=True)]

    def close(self) -> None:
        """Serve nothing any more; versions in use are freed by their last request."""
        self._retire(set(self._loaded))

    def _try(self, version: int, path: Path) -> bool:
        """Load a version, unless it failed before and has not changed since."""
        # Taken before loading: a file that arrives meanwhile must make the next look differ.
        before = fingerprint(path)
        if self._failed.get(version) == before:
            return False
        self._set_status(VersionStatus(version, State.LOADING))
        try:
            servable = self._load(path)
        except ServingError as error:
            logger.warning("Loading version %s of model %s failed: %s", version, self.name, error.message)
            self._failed[version] = before
            self._set_status(VersionStatus(version, State.END, error.code, error.message))
            return False
        self._failed.pop(version, None)
        with self._lock:
            self._loaded[version] = LoadedVersion(version, servable)
            self._statuses[version] = VersionStatus(version, State.AVAILABLE)
        logger.info("Version %s of model %s is available", version, self.name)
        return True

    def _retire(self, versions: set[int]) -> None:
        for version in versions:
            with self._lock:
                loaded = self._loaded.pop(version)
                loaded.retired = True
                loaded.users += 1
                self._statuses[version] = VersionStatus(version, State.UNLOADING)
            # Given back like a request's: whoever is last frees the version.
            self._give_back(loaded)

    def _give_back(self, loaded: LoadedVersion) -> None:
        with self._lock:
            loaded.users -= 1
            finished = loaded.retired and loaded.users == 0
        if finished:
            loaded.servable.close()
            self._set_status(VersionStatus(loaded.version, State.END))
            logger.info("Version %s of model %s is unloaded", loaded.version, self.name)

    def _set_status(self, status: VersionStatus) -> None:
        with self._lock:
            self._statuses[status.version] = status
