"""What only a browser can tell: how much travels, and what happens while one scrolls, types, or finds the server gone."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from sparrow.config import Settings
from sparrow.schema import MovieId
from sparrow.web.app import create_app
from tests.browser import DESKTOP, PHONE, browsing, running
from tests.web.fake import FakeLive, FakeLog, FakeRecommender, make_movie

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

MOST_BYTES: Final = 300_000
KINDS: Final = ("Drama", "Comedy", "Thriller", "Action", "Romance", "Sci-Fi", "War", "Musical")


def crowded() -> FakeRecommender:
    """Four hundred films of eight kinds: every row of the home page is full."""
    rows = [
        (number, f"The Long Way Home, Part {number}", 1950 + number % 60, (KINDS[number % 8], KINDS[(number // 8) % 8]))
        for number in range(1, 401)
    ]
    return FakeRecommender([make_movie(*row, scores=[(row[0] % 9 + 2) / 2] * (row[0] % 40 + 1)) for row in rows])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(create_app(FakeLive(crowded()), FakeLog(), Settings())) as url:
        yield url


def test_home_weighs_little(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, wrong):
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        received: list[float] = []
        wire.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
        page.goto("/", wait_until="networkidle")
        assert page.locator(".row .card").count() > 100
        assert len(received) > 20, "the page, its styles and scripts, and posters"
        assert sum(received) <= MOST_BYTES
        assert wrong == []


def films(page: Any) -> list[str]:
    found: list[str] = page.locator("[data-grid] > .card:not(.card-empty)").evaluate_all(
        "cards => cards.map(card => card.dataset.movie)"
    )
    return found


def test_a_collection_goes_on_while_one_scrolls_until_its_foot_can_be_reached(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, wrong):
        page.goto("/collection.html?size=24")
        for pages in range(1, 12):
            page.locator("[data-grid] > [data-movie]").nth(24 * pages - 1).wait_for()
            page.mouse.wheel(0, 6000)
        assert len(films(page)) == 11 * 24
        assert page.locator("[data-more]").is_visible(), "ten pages came by themselves, more are asked for"
        page.locator("[data-more]").press("Enter")
        page.locator("[data-movie]:focus-within").wait_for()
        shown = films(page)
        assert len(shown) == len(set(shown)) >= 12 * 24
        assert page.evaluate("document.activeElement.closest('[data-movie]').dataset.movie") == shown[11 * 24]
        assert page.locator(".card-empty").count() == 0
        assert wrong == []


def test_skeletons_hold_the_place_of_a_list_on_its_way(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, wrong):
        held: list[Any] = []
        page.route(lambda url: "model=din" in url, lambda route: held.append(route))
        page.goto("/user.html?userId=1")
        page.get_by_role("link", name="DIN").click()
        page.locator(".card-empty").first.wait_for()
        assert films(page) == []
        held[0].continue_()
        page.locator("#listing [aria-current]", has_text="DIN").wait_for()
        assert (len(films(page)), page.locator(".card-empty").count()) == (24, 0)
        assert wrong == []


def test_a_server_that_is_gone_is_said_and_asked_again(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, _):
        page.goto("/user.html?userId=1")
        away = page.locator("[data-away]")
        assert away.inner_text() == ""
        page.route("**/*", lambda route: route.abort("connectionrefused"))
        page.get_by_role("link", name="DIN").click()
        away.get_by_text("The server does not answer").wait_for()
        page.locator("#q").fill("way home")
        page.get_by_role("link", name="All films").click()
        assert "user.html" in page.url, "no page of the browser in place of ours"
        page.unroute("**/*")
        page.locator(".collection h1").wait_for()
        assert page.url.endswith("/collection.html")
        assert away.inner_text() == ""


def test_a_search_that_met_a_busy_server_brings_its_films(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, _):
        page.goto("/")
        asked: list[str] = []

        def busy_once(route: Any) -> None:
            asked.append(route.request.url)
            route.fulfill(status=503) if len(asked) == 1 else route.continue_()

        page.route(lambda url: "type=search" in url, busy_once)
        page.locator("#q").fill("part 17")
        page.locator("#found a").first.wait_for()
        assert (len(asked), page.locator("[data-away]").inner_text()) == (2, "")


def test_a_journey_by_keyboard_alone(address: str) -> None:
    with browsing(address, viewport=DESKTOP) as (page, wrong):
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "person"
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        page.wait_for_url("**/user.html?userId=1")
        page.locator("#q").focus()
        page.keyboard.type("part 21")
        page.locator("#found a").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/movie.html?movieId=*")
        page.locator("#stars-1").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.get_by_text("You gave it 3 of 5.").wait_for()
        page.locator("[data-next]").press("Enter")
        page.locator("[data-for-you] [data-why]").first.focus()
        page.keyboard.press("Enter")
        page.locator("dialog #why").wait_for()
        for _ in range(30):
            page.keyboard.press("Tab")
            inside = "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
            assert page.evaluate(inside), "the page behind the panel is out of reach"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.matches('[data-why]')"), "back to where one was"
        assert wrong == []


def test_nothing_moves_for_those_who_asked_for_rest(address: str) -> None:
    with browsing(address, viewport=DESKTOP, reduced_motion="reduce") as (page, _):
        for path in ("/", "/nowhere"):
            page.goto(path)
            moving = "[...document.querySelectorAll('*')].flatMap(one => one.getAnimations()).length"
            assert page.evaluate(moving) == 0
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(moving) > 0, "the reel turns for all others"


def test_a_guest_on_a_phone_in_chinese_gets_films_at_once_and_changes_the_language(address: str) -> None:
    with browsing(address, viewport=PHONE, locale="zh-CN", has_touch=True) as (page, wrong):
        page.goto("/")
        mine = page.locator("[data-for-you]")
        mine.get_by_text("给几部电影打分").wait_for()
        assert mine.locator(".card").count() == 0
        page.goto("/movie.html?movieId=21")
        page.locator("label[for=stars-5]").tap()
        page.get_by_text("你给了 5 分").wait_for()
        page.locator("[data-next]").tap()
        mine.locator("[data-movie]").first.wait_for()
        assert "1 部电影" in mine.locator(".lead").inner_text()
        assert page.locator("[data-because] h2").inner_text() == "因为你喜欢《The Long Way Home, Part 21》"
        page.get_by_role("link", name="English").tap()
        page.get_by_role("heading", name="For you").wait_for()
        page.get_by_text("From the 1 film you rated in this browser.").wait_for()
        page.locator("[data-clear]").tap()
        mine.get_by_text("Rate a few films").wait_for()
        assert wrong == []


def test_titles_of_any_kind_are_read_as_text_by_the_browser() -> None:
    world = FakeRecommender()
    with (
        running(create_app(FakeLive(world), FakeLog(), Settings())) as address,
        browsing(address, viewport=PHONE) as (page, wrong),
    ):
        page.on("dialog", lambda dialog: wrong.append(f"a title ran: {dialog.message}"))
        for movie_id in (600, 601, 602, 603, 604, 605):
            title = world.by_id[MovieId(movie_id)].title
            page.goto(f"/movie.html?movieId={movie_id}")
            assert page.locator("h1").inner_text() == title
            page.locator("#q").fill(title[:12])
            page.locator("#found").locator("a, p").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert page.locator("h1").evaluate("title => title.dir") == "auto"
        assert wrong == []


def test_pages_are_read_without_javascript(address: str) -> None:
    with browsing(address, viewport=PHONE, java_script_enabled=False) as (page, wrong):
        page.goto("/")
        page.locator("#person").fill("1")
        page.locator(".picker button").click()
        page.wait_for_url("**/user.html?userId=1")
        page.get_by_role("link", name="DIN").click()
        assert page.locator("#listing .card .card-note").count() == 24
        page.goto("/collection.html?size=24")
        page.locator("[data-more]").click()
        assert films(page) and "offset=24" in page.url
        page.locator("#q").fill("part 17")
        page.locator(".top .search button").click()
        assert "Part 17" in page.locator("[data-grid] .card-title").first.inner_text()
        assert wrong == []
