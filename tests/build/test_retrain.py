"""The loop on the small release: what is published is what was judged, a failure changes nothing, a fall is undone."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sparrow.build import retrain as loop
from sparrow.build.publish import publish
from sparrow.build.retrain import Order, retrain, unfinished, watch
from sparrow.build.retrain_rules import Measured, OwnFigures
from sparrow.config import Retrain
from sparrow.stores.live import LiveStore
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import list_releases, read_manifest
from sparrow.stores.retrain_log import Decision, decisions
from sparrow.stores.served import ServedList, ServedLog
from tests.conftest import Released, Silent

pytestmark = pytest.mark.slow

NOW = 1_800_000_000
LIMITS = Retrain(hold_back=0.5, min_people=20, margin=0.9, watch_people=20, watch_hours=1.0, look_minutes=10)


def live(home: Path) -> str:
    pointer = read_pointer(home)
    assert pointer is not None
    return pointer.release


def at_once(_: float) -> None: ...


@pytest.fixture(scope="module")
def order(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Order:
    """A home where 40 newcomers rated eight movies of their parity each."""
    home = released.fresh(tmp_path_factory.mktemp("loop") / "home")
    events = [
        {
            "type": "rating",
            "userId": user,
            "movieId": movie,
            "value": 5.0,
            "timestamp": NOW - 5000 + 40 * place + user % 40,
        }
        for place in range(8)
        for user in range(1001, 1041)
        for movie in [2 * place + 2 - user % 2]
    ]
    with closing(LiveStore(home)) as store:
        store.append(events)
    return Order(home, str(released.dataset), released.settings.model_copy(update={"retrain": LIMITS}))


@pytest.fixture(scope="module")
def published(order: Order) -> Decision:
    return retrain(order, Silent(), at_once)


def test_what_is_published_is_what_was_judged_on_ratings_it_was_not_built_from(
    order: Order, published: Decision, released: Released
) -> None:
    assert published.action == "published", published
    assert (published.before, published.live, live(order.home)) == (
        released.release,
        published.release,
        published.release,
    )
    manifest = read_manifest(order.home, published.release)
    assert manifest.events_through == 160, "the newer half of 320 ratings is held back"
    quality = published.figures["quality"]
    assert quality["people"] == 40
    assert quality["low"] <= quality["lead"] <= quality["high"]
    assert "newest ratings of 40 people" in published.why
    assert decisions(order.home)[0] == published


def test_a_click_rate_that_falls_is_rolled_back_and_that_release_not_tried_again(
    order: Order, published: Decision, tmp_path: Path
) -> None:
    home = _copy(order.home, tmp_path / "home")
    order = replace(order, home=home)
    _show(home, published.before, NOW - 500, clicked=8)
    _show(home, published.release, NOW + 60, clicked=0)
    decision = watch(order, published, at_once, _clock(NOW))
    assert decision is not None
    assert (decision.action, decision.live, live(home)) == ("rolled back", published.before, published.before)
    assert "a fall of more than 10% is proven" in decision.why
    again = retrain(order, Silent(), at_once)
    assert (again.action, again.release, live(home)) == ("unchanged", published.release, published.before)
    assert "was rolled back" in again.why
    assert [one.action for one in decisions(home)] == ["published", "rolled back", "unchanged"]


def test_a_click_rate_that_stays_lets_the_release_stay(order: Order, published: Decision, tmp_path: Path) -> None:
    home = _copy(order.home, tmp_path / "home")
    _show(home, published.before, NOW - 500, clicked=4)
    _show(home, published.release, NOW + 60, clicked=4)
    decision = watch(replace(order, home=home), published, at_once, _clock(NOW))
    assert decision is not None
    assert (decision.action, decision.live, live(home)) == ("stayed", published.release, published.release)


def test_a_watch_that_a_restart_cut_off_goes_on_from_the_publish(
    order: Order, published: Decision, tmp_path: Path
) -> None:
    home = _copy(order.home, tmp_path / "home")
    again, at = replace(order, home=home), int(datetime.fromisoformat(published.at).timestamp())
    found = unfinished(again, at + 60)
    assert found is not None
    assert (found.release, found.at) == (published.release, published.at)
    assert unfinished(again, at + 10**7) is None, "its time is over"
    _show(home, published.before, at - 500, clicked=8)
    _show(home, published.release, at + 60, clicked=0)
    decision = watch(again, found, at_once, _clock(at + 1200), goes_on=True)
    assert decision is not None
    assert (decision.action, live(home)) == ("rolled back", published.before), (
        "what people did before the restart counts"
    )
    assert unfinished(again, at + 60) is None


def test_the_watch_ends_where_somebody_else_publishes(order: Order, published: Decision, tmp_path: Path) -> None:
    home = _copy(order.home, tmp_path / "home")
    _show(home, published.before, NOW - 500, clicked=8)
    _show(home, published.release, NOW + 60, clicked=0)
    publish(home, published.before, order.settings)
    assert watch(replace(order, home=home), published, at_once, _clock(NOW)) is None


def test_a_release_that_falls_short_is_kept_off(
    order: Order, published: Decision, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _copy(order.home, tmp_path / "home")
    publish(home, released.release, order.settings)
    monkeypatch.setattr(loop, "measure", lambda *_: Measured(OwnFigures(0.01, 0.5), 20, 20))
    decision = retrain(replace(order, home=home), Silent(), at_once)
    assert (decision.action, decision.release, live(home)) == ("kept", published.release, released.release)
    assert decision.why.startswith(
        f"{released.release} stays live, not {published.release}: nDCG@10 0.0100 against 0.5000"
    )


def test_a_build_that_fails_leaves_the_live_release_alone(order: Order, tmp_path: Path) -> None:
    home = _copy(order.home, tmp_path / "home")
    before, known = live(home), len(list_releases(home))
    decision = retrain(replace(order, home=home, source=str(tmp_path / "nowhere")), Silent(), at_once)
    assert (decision.action, decision.live, live(home), len(list_releases(home))) == ("failed", before, before, known)
    assert f"the release {before} stays live" in decision.why
    assert "nowhere" in decision.why


def test_it_stops_between_two_steps(order: Order, published: Decision, released: Released, tmp_path: Path) -> None:
    home = _copy(order.home, tmp_path / "home")
    publish(home, released.release, order.settings)

    def asked_to_stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(replace(order, home=home), Silent(), asked_to_stop)
    assert live(home) == released.release
    assert published.release in {one.release for one in list_releases(home)}


def _copy(home: Path, target: Path) -> Path:
    return Released(home, home, "", None, None).fresh(target)  # type: ignore[arg-type]


def _clock(start: int) -> Callable[[], float]:
    """Each look at it is ten minutes later."""
    times = iter(range(start, start + 100_000, 600))
    return lambda: next(times)


def _show(home: Path, release: str, at: int, clicked: int) -> None:
    """60 people saw ten movies each on lists of a release, and clicked so many, give or take one."""
    with closing(ServedLog(home)) as served, closing(LiveStore(home)) as store:
        for user in range(1, 61):
            name = f"{release}-{user}"
            served.append([ServedList(name, at, user, release, "for_you", "", tuple(range(1, 11)), None)])
            about = {"userId": user, "recommendationId": name, "timestamp": at + 1}
            events = [{"type": "impression", "movieId": movie, **about} for movie in range(1, 11)]
            clicks = min(10, max(0, clicked + user % 3 - 1)) if clicked else 0
            store.append(events + [{"type": "click", "movieId": movie, **about} for movie in range(1, clicks + 1)])
