"""`sparrow retrain`: the loop by command, or by the clock."""

import logging
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_published, store_option
from sparrow.cli.progress import BuildProgress
from sparrow.errors import BuildError

if TYPE_CHECKING:
    from sparrow.build.profiles import Profile
    from sparrow.build.retrain import Order
    from sparrow.build.run_log import StageReport
    from sparrow.stores.retrain_log import Decision

log = logging.getLogger(__name__)

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Span(click.ParamType[float]):
    """A length of time such as 24h, in seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value))
        if not found or not float(found[1]):
            self.fail(f"{value!r} is no length of time; write 24h, 90m, 2d or 30s.", param, context)
        return float(found[1]) * SECONDS[found[2]]


class Stop:
    """Ctrl-C (and SIGTERM) waits for the step at work; a second one does not."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def pause(self, seconds: float) -> None:
        """Wait, unless it was asked to stop, and then leave by KeyboardInterrupt."""
        if self._asked.wait(seconds):
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the body runs; only a process's main thread hears them."""
        names = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        before = {name: signal.signal(name, self._hear) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _hear(self, *_: int | FrameType | None) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()
        click.echo("Stopping after this step; once more to stop at once.", err=True)


class _Stopping:
    """A `Reporter` that passes everything on, and stops before a stage where that was asked for."""

    def __init__(self, progress: BuildProgress, stop: Stop) -> None:
        self._progress, self._stop = progress, stop
        self.progress = progress.progress

    def started(self, stage: str) -> None:
        self._stop.pause(0)
        self._progress.started(stage)

    def finished(self, stage: str, seconds: float, report: "StageReport", reused: bool) -> None:
        self._progress.finished(stage, seconds, report, reused)


@click.command()
@click.option(
    "--dataset", default="builtin", show_default=True, metavar="NAME|PATH", help="What `sparrow build` takes."
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard", "all"]),
    default="quick",
    show_default=True,
    help="How much to build, as for `sparrow build`.",
)
@click.option(
    "--with-events/--without",
    default=True,
    show_default=True,
    help="Fold in what people did on the site, or not.",
)
@click.option("--every", type=Span(), metavar="SPAN", help="Again and again, e.g. 24h, 90m; else once.")
@click.option(
    "--watch",
    type=click.FloatRange(0),
    metavar="HOURS",
    help="How long the click rate is watched, 0: not; else retrain.watch_hours.",
)
@store_option
@home_options
@json_option
def retrain(
    dataset: str,
    profile: "Profile",
    with_events: bool,
    every: float | None,
    watch: float | None,
    store: str | None,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Build a release, judge it against the live one, publish it if it holds, watch it, and roll back if people turn away.

    Both are asked for the newest ratings on this site, which the new one was not built from. It goes live where nDCG@10 is not
    worse than the margin allows and its lists do not narrow. Then the click rate is watched. [retrain] in the settings says by
    how much; every decision is a line in HOME/retrain.log, with its reason. Ctrl-C stops after the step at work.

    \b
    Examples:
      sparrow retrain
      sparrow retrain --every 24h --profile standard
      sparrow retrain --watch 0 --json
    """
    from sparrow.build.profiles import of_profile
    from sparrow.build.retrain import Order
    from sparrow.stores.locks import exclusive

    folder, settings = open_published(store, home, config, {"retrain": {"watch_hours": watch}})
    order, stop = Order(folder, dataset, of_profile(settings, profile), with_events), Stop()
    with exclusive(folder, "retrain"), stop.listening():
        if every is not None:
            _finish_watch(order, stop)
        while True:
            began = time.monotonic()
            decisions = _round(order, stop)
            if every is None:
                break
            left = max(0.0, every - (time.monotonic() - began))
            log.info("The next round begins in %.1f minutes.", left / 60)
            stop.pause(left)
    _tell(decisions, as_json)


def _finish_watch(order: "Order", stop: Stop) -> None:
    """By the clock nobody is there to notice that a restart has cut a watch off."""
    from sparrow.build.retrain import unfinished, watch

    if published := unfinished(order, time.time()):
        log.info("The watch over %s goes on; a restart had cut it off.", published.release)
        watch(order, published, stop.pause, goes_on=True)


def _round(order: "Order", stop: Stop) -> "list[Decision]":
    from sparrow.build.retrain import retrain as run_retrain
    from sparrow.build.retrain import watch

    with BuildProgress() as progress:
        decisions = [run_retrain(order, _Stopping(progress, stop), stop.pause)]
    if decisions[0].action == "published" and (after := watch(order, decisions[0], stop.pause)):
        decisions.append(after)
    return decisions


def _tell(decisions: "list[Decision]", as_json: bool) -> None:
    if as_json:
        echo_json([asdict(one) for one in decisions])
    if decisions[-1].action == "failed":
        raise BuildError(decisions[-1].why)
    if not as_json:
        click.echo("\n".join(one.why for one in decisions))
