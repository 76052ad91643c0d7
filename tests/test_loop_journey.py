"""The loop, in a real browser before the real server: what people do changes what they get next, and stands in the log."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from sparrow.config import load_settings
from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.experiment_log import experiment_report
from sparrow.feedback.report import Report
from sparrow.stores.event_history import EventHistory
from sparrow.stores.served import ServedList, ServedLog
from tests.conftest import UNRATED, Released
from tests.faults.load import until
from tests.test_journey import browsing, ids, recommended, serving, shown_movies

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

PERSON = 12


@pytest.fixture(scope="module")
def home(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released.fresh(tmp_path_factory.mktemp("loop") / "home")


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[httpx.Client]:
    with serving(home) as client:
        yield client


def logged(home: Path, **wanted: Any) -> list[dict[str, Any]]:
    """Events of the log, in the order of arrival, that have these values."""
    return [one for one in EventHistory(home).events() if wanted.items() <= one.items()]


def served(home: Path) -> dict[str, ServedList]:
    with closing(ServedLog(home)) as log:
        return {one.recommendation_id: one for one in log.since()}


def rate(page: Any, movie: int, stars: int) -> None:
    """On a film's page, by the keyboard: to the first star, then along, as somebody without a mouse does."""
    page.goto(f"/movie.html?movieId={movie}")
    page.locator("#stars-1").focus()
    page.keyboard.press("Space")
    for _ in range(stars - 1):
        page.keyboard.press("ArrowRight")
    page.locator(".rate-told [data-undo]").wait_for()


def for_you(page: Any) -> tuple[list[int], list[str]]:
    """(movies, reasons) of the row on the home page."""
    page.goto("/")
    page.locator("[data-for-you] .card").first.wait_for()
    cards = page.locator("[data-for-you] .card")
    movies = [int(movie) for movie in cards.evaluate_all("cards => cards.map(card => card.dataset.movie)")]
    return movies, page.locator("[data-for-you] .card-note").all_inner_texts()


def test_a_guest_rates_three_films_and_the_row_becomes_theirs(site: httpx.Client, home: Path) -> None:
    with browsing(str(site.base_url)) as (page, wrong):
        page.goto("/")
        assert "Rate a few films" in page.locator("[data-for-you] .lead").inner_text()
        rate(page, 3, 5)
        odd, _ = for_you(page)
        assert all(movie % 2 for movie in odd[:6])
        rate(page, 3, 1)
        for movie in (2, 4):
            rate(page, movie, 5)
        even, reasons = for_you(page)
        assert even != odd
        assert not any(movie % 2 for movie in even[:6])
        assert not {2, 3, 4} & set(even)
        assert any("Square 2" in reason or "Square 4" in reason for reason in reasons), (
            "it is told which films speak for it"
        )
        assert "3 films you rated" in page.locator("[data-for-you] .lead").inner_text()
        assert any(one.movies == tuple(even) and one.user_id is None for one in served(home).values())

        page.goto(f"/movie.html?movieId={even[0]}")
        page.get_by_role("button", name="Not for me").click()
        page.locator(".rate-told [data-undo]").wait_for()
        assert even[0] not in for_you(page)[0]
        page.goto("/movie.html?movieId=4")
        assert page.locator("#stars-5").is_checked(), "what a guest said is still there"
        page.goto("/")
        page.get_by_role("button", name="Forget my ratings").click()
        page.locator("[data-for-you] .card").first.wait_for(state="detached")
        assert "Rate a few films" in page.locator("[data-for-you] .lead").inner_text()
        assert wrong == []
    assert logged(home) == [], "a guest's ratings stay in the browser"


def test_a_persons_steps_are_in_the_log_and_the_next_list_goes_by_them(site: httpx.Client, home: Path) -> None:
    with browsing(str(site.base_url)) as (page, wrong):
        page.goto(f"/user.html?userId={PERSON}")
        page.get_by_role("button", name="Browse as this person").click()
        assert f"person {PERSON}" in page.locator("[data-visitor]").inner_text()
        assert page.locator("[data-visitor] a").evaluate("link => link === document.activeElement")
        page.reload()
        listed = shown_movies(page)
        list_id = page.locator("#listing [data-recommendation]").get_attribute("data-recommendation")
        place = 1
        page.locator("#listing .card").nth(place).scroll_into_view_if_needed()
        with page.expect_request("**/api/v1/events") as told:
            page.wait_for_timeout(1500)
        assert told.value.method == "POST"
        page.locator("#listing .card > a").nth(place).click()
        page.wait_for_url(f"**/movie.html?movieId={listed[place]}")
        with page.expect_response("**/api/v1/events") as kept:
            page.locator("label[for=stars-4]").click()
        assert kept.value.status == 202
        film = {"userId": PERSON, "movieId": listed[place], "position": place, "recommendationId": list_id}
        for kind in ("impression", "click", "rating"):
            [event] = logged(home, type=kind, **film)
            assert event.get("value") == (4.0 if kind == "rating" else None)
        shown = served(home)[str(list_id)]
        assert (shown.user_id, list(shown.movies)) == (PERSON, listed)
        assert {
            (one["position"], one["movieId"]) for one in logged(home, type="impression", recommendationId=list_id)
        } <= set(enumerate(listed))

        assert listed[place] not in ids(recommended(site, PERSON)), "the very next request goes by it"
        page.locator(".rate-told [data-undo]").click()
        page.locator(".rate-told [data-undo]").wait_for(state="hidden")
        assert ids(recommended(site, PERSON, size=24)) == listed
        page.goto("/")
        page.locator("[data-for-you] .card").first.wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("[data-for-you] .card").first.wait_for(state="detached")
        assert page.locator("[data-visitor]").is_hidden()
        assert wrong == []


def test_stars_that_were_chosen_just_before_leaving_are_kept(site: httpx.Client, home: Path) -> None:
    with browsing(str(site.base_url)) as (page, _):
        page.goto(f"/user.html?userId={PERSON}")
        page.locator("[data-browse-as]").click()
        page.goto("/movie.html?movieId=10")
        page.locator("#stars-1").focus()
        page.keyboard.press("Space")
        page.goto("/")
        for _ in range(50):
            if logged(home, type="rating", movieId=10):
                break
            page.wait_for_timeout(100)
        assert [one["value"] for one in logged(home, type="rating", movieId=10)] == [1.0]


@pytest.mark.parametrize(("lang", "words"), [("en", "You gave it 3 of 5."), ("zh", "你给了 3 分")])
def test_rating_speaks_both_languages_fits_a_phone_and_admits_a_failure(
    site: httpx.Client, lang: str, words: str
) -> None:
    with browsing(str(site.base_url)) as (page, _):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"/user.html?userId={PERSON}&lang={lang}")
        page.locator("[data-browse-as]").click()
        rate(page, 6, 3)
        assert words in page.locator(".rate-told").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.route("**/api/v1/events", lambda route: route.abort())
        page.locator("[data-dislike]").click()
        page.wait_for_function("words => !document.querySelector('.rate-told').innerText.includes(words)", arg=words)
        assert page.locator("#stars-3").is_checked(), "what could not be kept is not shown as kept"
        assert page.locator("[data-dislike]").get_attribute("aria-pressed") == "false"


TRIALS = """
[experiments.running.same]
layer = "aa"
arms = [{name = "one", share = 0.5}, {name = "two", share = 0.5}]
[experiments.running.duel]
interleave = true
arms = [{name = "default", share = 0.5}, {name = "history", share = 0.5, ranker = "history"}]
"""


def test_three_ratings_change_the_list_the_explanation_names_them_and_the_report_counts_the_click(
    released: Released, tmp_path: Path
) -> None:
    home = released.fresh(tmp_path / "home")
    settings = home / "sparrow.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + TRIALS, encoding="utf-8")
    newcomer = 777
    with serving(home) as site, browsing(str(site.base_url)) as (page, wrong):
        watched = {"type": "watch", "userId": newcomer, "movieId": UNRATED, "value": 60.0}
        assert site.post("/api/v1/events", json=watched).status_code == 202, "from then on they are somebody"
        page.goto(f"/user.html?userId={newcomer}")
        page.get_by_role("button", name="Browse as this person").click()
        before = shown_movies(page)
        rated = [2, 4, 6]
        for movie in rated:
            rate(page, movie, 5)
        assert {one["movieId"] for one in logged(home, type="rating", userId=newcomer)} == set(rated)
        page.goto(f"/user.html?userId={newcomer}")
        after = shown_movies(page)
        assert after[:6] != before[:6]
        assert not set(rated) & set(after)
        told = recommended(site, newcomer, explain=True)
        named = {reason["movieId"] for item in told["items"] for reason in item["reasons"] if reason.get("movieId")}
        assert named & set(rated), "the explanation names what was rated"
        page.locator("#listing .card").first.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        page.locator("#listing .card > a").first.click()
        page.wait_for_url(f"**/movie.html?movieId={after[0]}")
        until(lambda: logged(home, type="click", userId=newcomer, movieId=after[0]))
        assert wrong == []
    [click] = logged(home, type="click", userId=newcomer, movieId=after[0])
    teams = served(home)[click["recommendationId"]].teams
    assert teams is not None
    rules = load_settings(settings, environ={}).experiments
    duel = experiment_report(home, "duel", rules)
    assert isinstance(duel, DraftReport)
    assert duel.clicks[teams[0]] == 1 and sum(duel.clicks) == 1
    assert duel.wins[teams[0]] == 1
    same = experiment_report(home, "same", rules)
    assert isinstance(same, Report)
    assert sum(arm.people for arm in same.arms) == 1
    assert sum(day.clicks for arm in same.arms for day in arm.days) == 1
