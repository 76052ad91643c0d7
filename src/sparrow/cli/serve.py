"""`sparrow serve`: the recommendation server and its site."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from sparrow.cli.options import home_options, open_published, store_option
from sparrow.config import HOME_VARIABLE, Settings
from sparrow.errors import Busy

CONFIG_VARIABLE = "SPARROW_CONFIG_FILE"
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@click.command()
@store_option
@click.option(
    "--ranker-url",
    metavar="http://HOST:8501|grpc://HOST:8500",
    help="Rank through a TensorFlow Serving server; else in process.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that serve.  [default: 1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the site.  [default: 6010]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@home_options
def serve(
    store: str | None,
    ranker_url: str | None,
    workers: int | None,
    port: int | None,
    host: str | None,
    home: Path | None,
    config: Path | None,
) -> None:
    """Serve the live release: the site, the API, health and metrics.

    \b
    Examples:
      sparrow serve
      sparrow serve --port 7000 --workers 2
      sparrow serve --ranker-url http://localhost:8501
      sparrow serve --store redis://localhost:6379 --ranker-url grpc://localhost:8500
    """
    flags: dict[str, dict[str, Any]] = {
        "web": {"port": port, "host": host, "workers": workers},
        "online": {"ranker_url": ranker_url},
    }
    folder, settings = open_published(store, home, config, flags)
    check_port(settings.web.host, settings.web.port)
    run_server(folder, settings, config)


def check_port(host: str, port: int) -> None:
    """Raise Busy, with the cure, when someone listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Busy(
                f"Port {port} on {host} cannot be used ({error.strerror}); choose another with --port, e.g. --port {port + 1}."
            ) from None


def run_server(home: Path, settings: Settings, config: Path | None) -> None:
    """Serve until interrupted. Several workers are started by name, so what they need travels in the environment."""
    import uvicorn

    os.environ[HOME_VARIABLE] = str(home.resolve())
    for key in ("host", "port", "workers"):
        os.environ[f"SPARROW_WEB__{key.upper()}"] = str(getattr(settings.web, key))
    if settings.online.ranker_url:
        os.environ["SPARROW_ONLINE__RANKER_URL"] = settings.online.ranker_url
    # Empty too: a flag that chose LMDB must win over the settings file in the workers as well.
    os.environ["SPARROW_ONLINE__STORE"] = settings.online.store
    os.environ["SPARROW_FEEDBACK__EVENTS"] = settings.feedback.events
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.resolve())
    shown = "localhost" if settings.web.host in ("127.0.0.1", "0.0.0.0", "::") else settings.web.host
    with _summed_metrics() if settings.web.workers > 1 else nullcontext():
        click.echo(f"Sparrow is on http://{shown}:{settings.web.port}  (stop with Ctrl-C)", err=True)
        uvicorn.run(
            "sparrow.cli.serve:application", factory=True, host=settings.web.host, port=settings.web.port,
            workers=settings.web.workers, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=5, log_config=None if settings.web.json_logs else uvicorn.config.LOGGING_CONFIG,
        )  # fmt: skip


@contextmanager
def _summed_metrics() -> Iterator[None]:
    """A folder in which the workers' counts are summed, gone when they are; prometheus_client looks for it when imported."""
    if METRICS_VARIABLE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="sparrow-metrics-") as folder:
        os.environ[METRICS_VARIABLE] = folder
        yield


def archive_events(home: Path, settings: Settings) -> None:
    """Where events go to a shared Redis: bring them home all the while, for the reports and pages of this server."""
    if settings.feedback.events:
        from sparrow.stores.event_archive import Archiving
        from sparrow.stores.redis_events import RedisEvents

        Archiving(home, RedisEvents(settings.feedback.events, home))


def application() -> Any:
    """The application of one worker, from the environment that `run_server` left."""
    from threadpoolctl import threadpool_limits

    from sparrow.config import load_settings
    from sparrow.feedback.events import EventLog
    from sparrow.feedback.experiment_reports import ExperimentReports
    from sparrow.feedback.overview import Overviews
    from sparrow.feedback.retention import Retention
    from sparrow.feedback.served import ServedQueue
    from sparrow.online.live import LiveRelease
    from sparrow.stores.bad_cases import CaseStore
    from sparrow.stores.event_store import open_events
    from sparrow.stores.marks import MarkStore
    from sparrow.stores.rules import open_rules
    from sparrow.stores.served import ServedLog
    from sparrow.web.app import create_app
    from sparrow.web.logs import write_json_logs

    # One thread a worker, as the networks have: the sums of a list are small, and workers must not take each other's cores.
    threadpool_limits(1, user_api="blas")
    home = Path(os.environ[HOME_VARIABLE])
    config = os.environ.pop(CONFIG_VARIABLE, None)
    settings = load_settings(Path(config) if config else None, home)
    if settings.web.json_logs:
        write_json_logs()
    live = open_events(home, settings.feedback.events, settings.online.store_timeout_ms / 1000)
    archive_events(home, settings)
    rules = open_rules(home, settings.online.store, settings.online.store_timeout_ms / 1000)
    Retention(home, settings.feedback)
    return create_app(
        LiveRelease(home, settings, live, rules),
        EventLog(live),
        settings,
        MarkStore(home),
        rules,
        ServedQueue(ServedLog(home)),
        ExperimentReports(home, settings.experiments),
        Overviews(home),
        CaseStore(home),
    )
