"""/dashboard.html: figures as they were counted, both languages, and words where there is nothing to draw."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.config import Settings
from sparrow.errors import StoreUnavailable
from sparrow.feedback.overview import KEPT_S, Overview, Overviews, Shown, count_shown
from sparrow.online.answers import Listing
from sparrow.stores.live import LiveStore
from sparrow.stores.retrain_log import Decision, append
from sparrow.stores.served import ServedList, ServedLog
from sparrow.web import ports
from sparrow.web.app import create_app
from sparrow.web.metrics import Metrics
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog, FakeRecommender

NOW = 1_700_000_000


def served(name: str, at: int, user: int | None, pipeline: str, movies: tuple[int, ...]) -> ServedList:
    return ServedList(name, at, user, "r", pipeline, "", movies, None)


LISTS = [
    served("c", NOW - 10, 1, "for_you:din", (1, 589)),
    served("b", NOW - 3700, None, "similar:fusion", (1, 999_999)),
    served("a", NOW - 80_000, 1, "for_you:din", (1, 50)),
]

EMPTY = Shown(0, 0, [0] * 24, {}, {}, False)
DECISIONS = [
    Decision("rolled back", "new", "new", "old", "Rolled back from new to old: <b>clicks</b> fell."),
    Decision("failed", "", "old", "old", "Retraining failed: /a/path/of/this/house"),
]


class Kept:
    """An overview as it is given."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def of(self, release: str) -> Overview:  # noqa: ARG002 - the shape of the port
        return self._overview


class Broken:
    """A log that cannot be read."""

    def of(self, release: str) -> Overview:
        raise StoreUnavailable(f"The event log of {release} cannot be read.")


def page(overviews: ports.Overviews | None, language: str = "en", status: int = 200, degraded: bool = False) -> str:
    app = create_app(FakeLive(FakeRecommender()), FakeLog(), Settings(), overviews=overviews)
    client = Client(app)
    if degraded:
        app.state.metrics.count_degraded(("ranker",))
        for brought in ({"genres": 20, "popular": 4}, {"genres": 10}):
            app.state.metrics.count_list(Listing("r", "1", "for_you:din", "", (), ranker="din", routes=brought))
    client.get("/healthz")
    answer = client.get(f"/dashboard.html?lang={language}")
    assert answer.status_code == status
    return str(answer.text)


def test_what_was_shown_is_counted() -> None:
    shown = count_shown(LISTS, NOW)
    assert (shown.lists, shown.people, shown.is_part) == (3, 1, False)
    assert shown.pipelines == {"for_you:din": 2, "similar:fusion": 1}
    assert shown.movies == {1: 3, 589: 1, 999_999: 1, 50: 1}
    assert (shown.hours[23], shown.hours[22], shown.hours[1], sum(shown.hours)) == (1, 1, 1, 3)
    part = count_shown(LISTS, NOW, most=2)
    assert (part.lists, part.is_part, sum(part.hours)) == (2, True, 2)
    assert count_shown([], NOW) == EMPTY


def test_figures_stand_on_the_page_in_both_languages() -> None:
    overviews = Kept(Overview(3 * 86_400.0, {"rating": 1234, "click": 9}, count_shown(LISTS, NOW), DECISIONS))
    html = page(overviews, degraded=True)
    for words in (
        "3 days",
        "1,234",
        "4 of 12 films were shown (33.3 %)",
        "83.3 % of all places went to the 100 most rated films",
        "for_you:din",
        "2 · 66.7 %",
        "Toy Story",
        "3 · 50.0 %",
        "ranker",
        "rolled back",
        "&lt;b&gt;clicks&lt;/b&gt;",
        "<code>/healthz</code>",
        "Same genres",
        "30 · 88.2 %",
        "4 · 11.8 %",
    ):
        assert words in html, words
    assert "/a/path" not in html, "paths of the house are for the log"
    assert "999999" not in html, "what this release lacks is counted, not named"
    for height in re.findall(r'class="bar" x="\S+" width="8" y="\S+" height="([^"]+)"', html):
        assert 0 <= float(height) <= 60
    chinese = page(overviews, "zh")
    for words in ("3 天", "已回滚", "12 部电影中有 4 部被展示", "各路由的流量"):
        assert words in chinese, words


@pytest.mark.parametrize("overviews", [None, Kept(Overview(None, {}, EMPTY, []))], ids=["none", "empty"])
def test_where_there_is_nothing_words_say_so(overviews: ports.Overviews | None) -> None:
    html = page(overviews)
    for words in (
        "No list has been shown",
        "Nothing has been retrained",
        "None: every part",
        "No experiment is set up",
    ):
        assert words in html, words
    assert "最近 24 小时内没有展示过片单" in page(overviews, "zh")
    assert 'href="/dashboard.html"' in html


def test_a_log_out_of_reach_is_a_503() -> None:
    assert "cannot be read" in page(Broken(), status=503)


def test_time_is_told_by_route_and_for_all() -> None:
    metrics = Metrics()
    assert (metrics.traffic().every.requests, metrics.traffic().routes) == (0, [])
    for seconds in [0.004] * 90 + [0.2] * 10:
        metrics.count_request("/a", "GET", 200, seconds)
    metrics.count_request("/a", "GET", 503, 9.0)
    metrics.count_request("/b", "GET", 500, 0.004)
    told = metrics.traffic()
    assert [(one.route, one.requests, one.failed) for one in told.routes] == [("/a", 101, 1), ("/b", 1, 1)]
    assert (told.every.requests, told.every.failed) == (102, 2)
    assert 0.0025 < told.every.median <= 0.005
    assert 0.1 < told.routes[0].p95 <= 0.25


def test_a_home_is_read_once_a_minute_and_again_for_another_release(tmp_path: Path) -> None:
    log, live = ServedLog(tmp_path), LiveStore(tmp_path)
    log.append([*LISTS, served("old", NOW - 90_000, 1, "for_you:din", (1,))])
    live.append([{"type": "rating", "userId": 1, "movieId": 1, "value": 4.0, "timestamp": NOW}])
    append(tmp_path, DECISIONS[1])
    append(tmp_path, DECISIONS[0])
    now = [float(NOW)]
    overviews = Overviews(tmp_path, clock=lambda: now[0])
    told = overviews.of("r")
    assert (told.age, told.events, told.shown) == (None, {"rating": 1}, count_shown(LISTS, NOW))
    assert [one.action for one in told.decisions] == ["rolled back", "failed"]
    append(tmp_path, replace(DECISIONS[1], action="kept"))
    now[0] += KEPT_S - 1
    assert overviews.of("r") is told
    assert overviews.of("s").decisions[0].action == "kept"
    now[0] += KEPT_S
    assert overviews.of("s") is not told
    log.close()
    live.close()


def test_a_home_without_anything_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    assert Overviews(tmp_path).of("r") == Overview(None, {}, EMPTY, [])
    assert not list(tmp_path.iterdir())
