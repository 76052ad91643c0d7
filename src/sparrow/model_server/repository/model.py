"""One served model: the newest good versions, swapped without a request noticing.

A new version is loaded before an old one goes; a request keeps the version it began with until it ends; a version that
cannot be loaded is reported in the status and never replaces a good one. It is tried again when its files change, so a
folder that was seen half-copied comes in by itself once the copy is whole.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sparrow.model_server.inference import Session
from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.repository.versions import Fingerprint, VersionPolicy, find_versions, fingerprint

logger = logging.getLogger(__name__)


class Servable(Session, Protocol):
    """A model in memory that can tell of itself and be freed, as `servable.Servable` can."""

    @property
    def metadata(self) -> Mapping[str, Any]: ...

    @property
    def definitions(self) -> Mapping[str, bytes]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading gives: the model, and the session that requests run on, which may be the model itself."""

    servable: Servable
    session: Session


Load = Callable[[Path], Loaded]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model to serve: its name in requests, the folder of its version folders, which of them, and their labels."""

    name: str
    base_path: Path
    policy: VersionPolicy = field(default_factory=VersionPolicy)
    labels: Mapping[str, int] = field(default_factory=dict)


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
    session: Session
    users: int = 0
    retired: bool = False


class ServedModel:
    """The versions of one model; `poll` runs in one thread at a time, everything else in any."""

    def __init__(self, config: ModelConfig, load: Load) -> None:
        """
        Args:
            config: which versions of what; `config` may be replaced between two polls.
            load: makes a model of one version folder, or raises ServingError.
        """
        self.config = config
        self._load = load
        self._lock = threading.Lock()
        self._loaded: dict[int, LoadedVersion] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, Fingerprint] = {}

    @property
    def name(self) -> str:
        return self.config.name

    def poll(self) -> None:
        """Look at the disk once and make the versions that the policy wants the served ones."""
        policy = self.config.policy
        try:
            found = find_versions(self.config.base_path)
        except OSError as error:
            reason = f"{type(error).__name__}: {error}"
            logger.warning("Could not find base path %s for servable %s: %s", self.config.base_path, self.name, reason)
            return
        wanted = policy.wanted(found)
        self._tell_missing(policy, found)
        serving: list[int] = []
        for version, path in wanted.items():
            if policy.is_enough(len(serving)):
                break
            if version in self._loaded or self._try(version, path):
                serving.append(version)
        if serving or not wanted:
            self._retire(set(self._loaded) - set(serving))

    def is_available(self, version: int | None = None) -> bool:
        """Whether that version, or any, is served."""
        with self._lock:
            return bool(self._loaded) if version is None else version in self._loaded

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

    def _tell_missing(self, policy: VersionPolicy, found: dict[int, Path]) -> None:
        if not found:
            logger.warning("No versions of servable %s found under base path %s", self.name, self.config.base_path)
        for version in sorted((policy.specific or frozenset()) - set(found)):
            reason = "which was requested to be served as a 'specific' version in the servable's version policy"
            logger.warning(
                "Version %s of servable %s, %s, was not found in the file system", version, self.name, reason
            )

    def _try(self, version: int, path: Path) -> bool:
        """Load a version, unless it failed before and has not changed since."""
        # Taken before loading: a file that arrives meanwhile must make the next look differ.
        before = fingerprint(path)
        if self._failed.get(version) == before:
            return False
        self._set_status(VersionStatus(version, State.LOADING))
        try:
            loaded = self._load(path)
        except ServingError as error:
            logger.warning("Loading version %s of model %s failed: %s", version, self.name, error.message)
            self._failed[version] = before
            self._set_status(VersionStatus(version, State.END, error.code, error.message))
            return False
        except Exception as error:  # Older versions must still be tried, and this one again at the next poll.
            logger.exception("Loading version %s of model %s failed", version, self.name)
            self._set_status(VersionStatus(version, State.END, Code.INTERNAL, f"{type(error).__name__}: {error}"))
            return False
        self._failed.pop(version, None)
        with self._lock:
            self._loaded[version] = LoadedVersion(version, loaded.servable, loaded.session)
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
            with self._lock:
                # The version may have come back meanwhile; then its status is that of its successor.
                if self._statuses[loaded.version].state is State.UNLOADING:
                    self._statuses[loaded.version] = VersionStatus(loaded.version, State.END)
            logger.info("Version %s of model %s is unloaded", loaded.version, self.name)

    def _set_status(self, status: VersionStatus) -> None:
        with self._lock:
            self._statuses[status.version] = status
