"""The model server's assembly: take the port, load the models, serve, stop gracefully."""

import errno
import logging
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from sparrow.errors import Busy, SettingsError
from sparrow.model_server.repository import Models, ServedModel
from sparrow.model_server.rest import build_app

logger = logging.getLogger(__name__)

EVERY_ADDRESS: Final = "0.0.0.0"
"""The original listens on every address of the machine; a firewall or a container's port map decides who gets in."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What TensorFlow Serving's flags of the same names say, with its defaults; times are in the unit of the name."""

    model_base_path: Path
    model_name: str = "default"
    rest_api_port: int = 0
    rest_api_timeout_in_ms: int = 30_000
    file_system_poll_wait_seconds: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rest_api_port <= 65535:
            raise SettingsError(f"--rest_api_port is {self.rest_api_port}; a port is a number from 0 to 65535.")
        if self.rest_api_timeout_in_ms < 0:
            raise SettingsError(f"--rest_api_timeout_in_ms is {self.rest_api_timeout_in_ms}; give 0 (never) or more.")
        if not self.model_name or set(self.model_name) & set("/:"):
            raise SettingsError(f"--model_name is {self.model_name!r}; a name is not empty and holds neither / nor :.")


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    The port opens only after the first look at the disk, so whoever can connect finds the model loaded.

    Raises:
        Busy: if the port is taken.
    """
    with _bind(options.rest_api_port) as listener:
        # TensorFlow takes seconds to import: an occupied port is told before.
        from sparrow.model_server.servable import Servable

        model = ServedModel(options.model_name, options.model_base_path.absolute(), Servable)
        models = Models([model], options.file_system_poll_wait_seconds)
        models.start()
        try:
            app = build_app(models, options.rest_api_timeout_in_ms, threads=4 * (os.cpu_count() or 1))
            logger.info("Exporting HTTP/REST API at:localhost:%s ...", listener.getsockname()[1])
            _run(uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")), listener)
        finally:
            models.stop()


def _bind(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named; left on, every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((EVERY_ADDRESS, port))
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        reason = "is already in use" if error.errno == errno.EADDRINUSE else "needs more rights than this user has"
        raise Busy(f"Port {port} {reason}; choose another with --rest_api_port.") from None
    return listener


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """uvicorn stops gracefully on a signal and then raises it again; after that the process should end with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
