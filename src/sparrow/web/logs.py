"""Logs that programs read: one JSON object a line, with the id of the request it was written for (`[web] json_logs`)."""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

import orjson

from sparrow.fresh_ids import fresh_id

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the request that is being answered, in tasks and threads that work for it, too."""

_SAFE: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id(given: bytes | None) -> str:
    """The caller's own id, if it can stand in a log and a header as it is, else a new one.

    Example:
        >>> request_id(b"abc-1"), len(request_id(b"a b")), len(request_id(None))
        ('abc-1', 32, 32)
    """
    return given.decode() if given and _SAFE.fullmatch(given) else fresh_id()


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message", "request_id"?, "exception"?}`; time is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if REQUEST_ID.get():
            told["request_id"] = REQUEST_ID.get()
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return orjson.dumps({name: text.encode("utf-8", "replace").decode() for name, text in told.items()}).decode()


def write_json_logs() -> None:
    """Make every logger of this process write JSON to standard error, from INFO on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
