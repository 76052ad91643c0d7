"""What an HTTP method and a path ask for.

    GET  /v1/models/{name}[/versions/{n}|/labels/{l}]               status
    GET  /v1/models/{name}[/versions/{n}|/labels/{l}]/metadata      metadata
    POST /v1/models/{name}[/versions/{n}|/labels/{l}]:{verb}        verb: predict, classify, regress

Paths are matched without regard to case, as the original does; anything else is "Malformed request".
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from sparrow.model_server.protocol.status import invalid

LARGEST_VERSION: Final = 2**63 - 1

_MODEL = r"(?i)/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(_MODEL + r":(?P<verb>classify|regress|predict)")
_STATUS = re.compile(_MODEL + r"(?:/(?P<verb>metadata))?")
_NAMELESS = re.compile(r"(?i)/v1/models(?:/metadata)?")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model is asked for: the newest version, unless `version` or `label` chooses one."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        return f"Latest({self.name})" if self.version is None else f"Specific({self.name}, {self.version})"


@dataclass(frozen=True, slots=True)
class Call:
    """One understood request: a verb ("predict", "classify", "regress", "status" or "metadata") and its model."""

    verb: str
    spec: ModelSpec


def is_api_path(path: str) -> bool:
    """Whether the protocol answers this path at all; others get an empty 404."""
    return path.lower().startswith("/v1/")


def read_call(method: str, path: str) -> Call:
    """Understand a request line.

    Args:
        method: the HTTP method, in capitals.
        path: the path as sent, still percent-encoded, without the query.

    Raises:
        ServingError: INVALID_ARGUMENT, if no route of the protocol matches.

    Example:
        >>> read_call("POST", "/v1/models/recmodel/versions/002:predict")
        Call(verb='predict', spec=ModelSpec(name='recmodel', version=2, label=None))
    """
    pattern = {"POST": _PREDICTION, "GET": _STATUS}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        if method == "GET" and _NAMELESS.fullmatch(path):
            raise invalid("Missing model name in request.")
        raise invalid(f"Malformed request: {method} {path}")
    verb = match["verb"] or "status"
    if method == "POST" and not verb.islower():
        raise invalid(f"Malformed request: {method} {path}")
    label = unquote(match["label"]) if match["label"] else None
    return Call(verb.lower(), ModelSpec(unquote(match["name"]), _version(match["version"]), label))


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    # The length is looked at first: Python refuses to read thousands of digits as a number.
    if len(digits.lstrip("0")) > len(str(LARGEST_VERSION)) or int(digits) > LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {digits[:100]} to numeric.")
    return int(digits)
