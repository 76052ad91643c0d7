"""The model server's assembly: take the ports, load the models, serve, stop gracefully."""

import errno
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import grpc
import uvicorn

from sparrow.errors import Busy, SparrowError
from sparrow.model_server.batching import BatchingParameters, BatchingSession
from sparrow.model_server.configs import read_batching_file, read_model_config_file, read_monitoring_file
from sparrow.model_server.grpc import build_server
from sparrow.model_server.metrics import Metrics
from sparrow.model_server.options import ServerOptions
from sparrow.model_server.repository import Load, Loaded, ModelConfig, Models
from sparrow.model_server.rest import build_app
from sparrow.model_server.service import Service
from sparrow.model_server.warmup import warm_up

logger = logging.getLogger(__name__)

EVERY_ADDRESS: Final = "0.0.0.0"
"""The original listens on every address of the machine; a firewall or a container's port map decides who gets in."""

GRACE_SECONDS: Final = 30
"""How long requests under way may take after a signal to stop."""


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    The ports answer only after the first look at the disk, so whoever is answered finds the models loaded.

    Raises:
        Busy: if a port is taken.
        SettingsError: if a configuration file cannot be used.
    """
    # All files and ports before TensorFlow, which takes seconds to import: mistakes are told at once.
    configs = read_configs(options)
    batching = _read_batching(options)
    metrics_path = read_monitoring_file(options.monitoring_config_file) if options.monitoring_config_file else None
    metrics = Metrics()
    models = Models(
        make_load(options, batching, metrics),
        options.file_system_poll_wait_seconds,
        options.allow_version_labels_for_unavailable_models,
    )
    service = Service(models, metrics)
    with ExitStack() as open_things:
        rest = open_things.enter_context(_listener(options.rest_api_port)) if options.rest_api_port else None
        rpc = build_server(service, grpc_addresses(options), options.grpc_max_threads, options.grpc_channel_arguments)
        open_things.callback(models.stop)
        models.start(configs)
        open_things.enter_context(_config_polling(options, models))
        open_things.enter_context(_running(rpc, options))
        if rest is None:
            _wait_for_signal()
        else:
            app = build_app(service, options.rest_api_timeout_in_ms, options.rest_api_num_threads, metrics_path)
            logger.info("Exporting HTTP/REST API at:localhost:%s ...", rest.getsockname()[1])
            config = uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_SECONDS
            )
            _run(uvicorn.Server(config), rest)


def read_configs(options: ServerOptions) -> list[ModelConfig]:
    """The models to serve: those of the config file, else the one that the flags name."""
    if options.model_config_file is not None:
        return read_model_config_file(options.model_config_file)
    assert options.model_base_path is not None, "the options have checked that one of the two is given"
    return [ModelConfig(options.model_name, options.model_base_path.absolute())]


def grpc_addresses(options: ServerOptions) -> list[str]:
    """Where gRPC listens: the port, the Unix socket, or both."""
    addresses = [f"{EVERY_ADDRESS}:{options.port}"] if options.port else []
    return [*addresses, f"unix:{options.grpc_socket_path}"] if options.grpc_socket_path else addresses


def make_load(options: ServerOptions, batching: BatchingParameters | None, metrics: Metrics) -> Load:
    """How a version folder becomes a model: load, warm up, put batching before it."""
    threads = (batching.num_batch_threads if batching else 0) or os.cpu_count() or 1
    slots = threading.BoundedSemaphore(threads)

    def load(path: Path) -> Loaded:
        from sparrow.model_server.servable import LoadOptions, Servable, read_records

        load_options = LoadOptions(
            options.saved_model_tags,
            options.enable_signature_method_name_check,
            options.tensorflow_intra_op_parallelism,
            options.tensorflow_inter_op_parallelism,
        )
        with _counted(path, metrics):
            servable = Servable(path, load_options)
            try:
                if options.enable_model_warmup:
                    warm_up(servable, path, read_records, max(1, options.num_request_iterations_for_warmup))
            except Exception:
                servable.close()
                raise
        return Loaded(servable, BatchingSession(servable, batching, slots) if batching else servable)

    return load


@contextmanager
def _counted(path: Path, metrics: Metrics) -> Iterator[None]:
    start, is_good = time.perf_counter(), False
    try:
        yield
        is_good = True
    finally:
        metrics.count_load(str(path), is_good, time.perf_counter() - start)


def _read_batching(options: ServerOptions) -> BatchingParameters | None:
    if not options.enable_batching:
        return None
    file = options.batching_parameters_file
    return read_batching_file(file) if file else BatchingParameters()


@contextmanager
def _config_polling(options: ServerOptions, models: Models) -> Iterator[None]:
    """Read the model config file again and again, in a thread; what cannot be used is told once and changes nothing."""
    seconds, stopped = options.model_config_file_poll_wait_seconds, threading.Event()
    if options.model_config_file is None or seconds <= 0:
        yield
        return

    def poll() -> None:
        told = ""
        while not stopped.wait(seconds):
            try:
                models.apply(read_configs(options))
                told = ""
            except (SparrowError, OSError) as error:
                if str(error) != told:
                    logger.error("The model config file was not taken over: %s", error)
                told = str(error)

    thread = threading.Thread(target=poll, name="config-poller", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@contextmanager
def _running(server: grpc.Server, options: ServerOptions) -> Iterator[None]:
    server.start()
    for address in grpc_addresses(options):
        logger.info("Running gRPC ModelServer at %s ...", address)
    try:
        yield
    finally:
        server.stop(GRACE_SECONDS).wait()


def _listener(port: int) -> socket.socket:
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


def _wait_for_signal() -> None:
    arrived = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: arrived.set())
    arrived.wait()


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """uvicorn stops gracefully on a signal and then raises it again; after that the process should end with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
