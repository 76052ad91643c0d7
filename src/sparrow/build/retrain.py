"""One round of `sparrow retrain`: build, judge, publish if the guardrails hold, watch, and go back if people turn away.

What is decided, and why, is said once: in the log of the process and in `{home}/retrain.log`.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sparrow.build.newest import Newest, hold_back, measure
from sparrow.build.plan import Reporter
from sparrow.build.publish import build, publish, rollback
from sparrow.build.retrain_rules import Verdict, Watched, judge_clicks, judge_measured
from sparrow.config import Settings
from sparrow.errors import SparrowError
from sparrow.feedback.click_rates import NOTHING, ClickRate, click_rates
from sparrow.feedback.outcomes import DAY
from sparrow.stores import retrain_log
from sparrow.stores.event_archive import bring_home
from sparrow.stores.publishing import open_target
from sparrow.stores.releases import Manifest, check_release, read_manifest
from sparrow.stores.retrain_log import Decision

log = logging.getLogger(__name__)

ENDS: Final = ("published", "rolled back", "stayed")
"""What begins a watch, and what ends one."""

HOUR: Final = 3600.0
MINUTE: Final = 60.0

Pause = Callable[[float], None]
"""Waits so many seconds; raises KeyboardInterrupt where the round is to stop, even for 0."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be rebuilt, and from what."""

    home: Path
    source: str
    settings: Settings
    with_events: bool = True


def retrain(order: Order, reporter: Reporter, pause: Pause = time.sleep) -> Decision:
    """Build a release, judge it against the live one, and publish it if it holds.

    Whatever goes wrong leaves the live release alone; by the clock nobody is there to look, so it is told and not raised.

    Returns:
        What was decided; it stands in the log already.
    """
    before = ""
    try:
        live = _live_manifest(order)
        before = live.release if live else ""
        decision = _attempt(order, live, reporter, pause)
    except Exception as error:
        told = str(error) if isinstance(error, SparrowError) else f"{type(error).__name__}: {error}"
        stays = f"the release {before} stays live" if before else "no release is live"
        log.debug("Retraining failed", exc_info=True)
        decision = Decision("failed", "", before, before, f"Retraining failed, {stays}: {told}")
    return _note(order.home, decision)


def _attempt(order: Order, live: Manifest | None, reporter: Reporter, pause: Pause) -> Decision:
    limits, before = order.settings.retrain, live.release if live else ""
    bring_home(order.home, order.settings.feedback.events)
    newest = hold_back(order.home, live.events_through, limits.hold_back, limits.min_people) if live else Newest()
    built = build(order.home, order.source, order.settings, reporter, with_events=order.with_events, until=newest.until)
    new = check_release(order.home, built.manifest.release)
    pause(0)
    if reason := _nothing_new(order.home, new, before):
        return Decision("unchanged", new.release, before, before, reason)
    verdict, figures = _judge(order, new, live, newest)
    if not verdict.publish:
        return Decision(
            "kept", new.release, before, before, f"{before} stays live, not {new.release}: {verdict.why}.", figures
        )
    pause(0)
    publish(order.home, new.release, order.settings)
    return Decision("published", new.release, before, new.release, f"{new.release} is live: {verdict.why}.", figures)


def _live_manifest(order: Order) -> Manifest | None:
    release = _live_release(order)
    return read_manifest(order.home, release) if release else None


def _live_release(order: Order) -> str:
    with closing(open_target(order.home, order.settings.online.store)) as target:
        pointer = target.read_pointer()
    return pointer.release if pointer else ""


def _nothing_new(home: Path, new: Manifest, before: str) -> str:
    """Why there is nothing to judge; "" if there is."""
    if new.release == before:
        return f"{before} stays live: nothing has changed since it was built."
    if retrain_log.was_rolled_back(home, new.release):
        return f"{before} stays live: {new.release} was rolled back, and nothing has changed since it was built."
    return ""


def _judge(order: Order, new: Manifest, live: Manifest | None, newest: Newest) -> tuple[Verdict, dict[str, object]]:
    if live is None:
        return Verdict(True, "it is the first one"), {}
    with closing(open_target(order.home, order.settings.online.store)) as target:
        measured = measure(order.home, new, live, newest, order.settings, target)
    return judge_measured(measured, order.settings.retrain), asdict(measured)


def unfinished(order: Order, now: float) -> Decision | None:
    """The publish whose watch was cut off, by a restart say; None where there is none, or its time is over."""
    last = next((one for one in reversed(retrain_log.decisions(order.home)) if one.action in ENDS), None)
    if last is None or last.action != "published" or last.release != _live_release(order):
        return None
    return last if now < _second(last) + order.settings.retrain.watch_hours * HOUR else None


def watch(
    order: Order,
    published: Decision,
    pause: Pause = time.sleep,
    clock: Callable[[], float] = time.time,
    goes_on: bool = False,
) -> Decision | None:
    """Look at the click rate from time to time after a publish, and roll back when it has fallen beyond doubt.

    Args:
        order: as it was retrained.
        published: the decision that made the release live, just now.
        pause: waits between looks.
        clock: seconds, UTC.
        goes_on: count from the publish, not from now: it was watched already.

    Returns:
        What came of it, in the log already; None where another release went live meanwhile, or no watch is wanted.
    """
    limits, began = order.settings.retrain, _second(published) if goes_on else int(clock())
    if not limits.watch_hours or not published.before:
        return None
    since = began - limits.before_days * DAY
    before = click_rates(order.home, since, began).get(published.before, NOTHING)
    end, looked = began + limits.watch_hours * HOUR, judge_clicks(before, NOTHING, limits)
    while (left := end - clock()) > 0 and before.people >= limits.watch_people:
        pause(min(left, limits.look_minutes * MINUTE))
        if _live_release(order) != published.release:
            log.info("The watch over %s ends: another release was published.", published.release)
            return None
        looked = _look(order, published.release, before, began)
        if looked.state == "fell":
            return _note(order.home, _go_back(order, published, looked))
    why = f"{published.release} stays live after {limits.watch_hours:g} hours: {looked.why}."
    return _note(
        order.home, replace(published, action="stayed", why=why, figures=_figures(looked), at=retrain_log.now())
    )


def _second(decision: Decision) -> int:
    return int(datetime.fromisoformat(decision.at).timestamp())


def _look(order: Order, release: str, before: ClickRate, began: int) -> Watched:
    """One look; a log that cannot be read just now is looked at again later."""
    limits = order.settings.retrain
    try:
        bring_home(order.home, order.settings.feedback.events)
        return judge_clicks(before, click_rates(order.home, began).get(release, NOTHING), limits)
    except SparrowError as error:
        log.warning("The click rate of %s cannot be told now: %s", release, error)
        return judge_clicks(before, NOTHING, limits)


def _go_back(order: Order, published: Decision, looked: Watched) -> Decision:
    try:
        live = rollback(order.home, order.settings).release
    except SparrowError as error:
        why = f"{published.release} should go back, and could not ({error}): {looked.why}."
        return Decision("failed", published.release, published.release, published.release, why, _figures(looked))
    why = f"Rolled back from {published.release} to {live}: {looked.why}."
    return Decision("rolled back", published.release, published.release, live, why, _figures(looked))


def _figures(looked: Watched) -> dict[str, object]:
    return asdict(looked.fall) if looked.fall else {}


def _note(home: Path, decision: Decision) -> Decision:
    (log.error if decision.action == "failed" else log.info)("%s", decision.why)
    retrain_log.append(home, decision)
    return decision
