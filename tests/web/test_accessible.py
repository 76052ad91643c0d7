"""axe-core finds nothing: on every page, in both languages, light and dark, on a phone and on a desk.

The world behind the pages holds what may break them: markup, emoji, right-to-left and endless titles, experiments, a day's lists.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from sparrow.config import Settings
from sparrow.feedback.overview import Overview, count_shown
from sparrow.stores.marks import MarkStore
from sparrow.web.app import create_app
from tests.browser import CHROMIUM, DESKTOP, FLAGS, PHONE, Size, running
from tests.web import test_dashboard, test_experiments
from tests.web.fake import FakeLive, FakeLog, FakeRecommender

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

EVERY_LOOK: Final = (("light", DESKTOP), ("light", PHONE), ("dark", PHONE), ("dark", DESKTOP))
IN_CHINESE: Final = EVERY_LOOK[::2]
"""Letters change with the language, colours do not: each colour and each width once."""
PAGES: Final = (
    "/",
    "/movie.html?movieId=589",
    "/movie.html?movieId=603",
    "/movie.html?movieId=605",
    "/user.html?userId=1",
    "/user.html?userId=1&model=din",
    "/collection.html?type=genre&value=Comedy",
    "/collection.html?type=search&value=toy",
    "/collection.html?type=search&value=nothing+of+the+kind",
    "/why.html?userId=1&movieId=600",
    "/why.html?like=1&title=toy",
    "/lab.html?movieId=1&movieId=600",
    "/about.html",
    "/experiments.html",
    "/dashboard.html",
    "/docs",
    "/movie.html?movieId=424242",
    "/nowhere",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    marks = MarkStore(tmp_path_factory.mktemp("marks") / "home", clock=lambda: 1_700_000_000)
    shown = count_shown(test_dashboard.LISTS, test_dashboard.NOW)
    overview = Overview(90_000, {"rating": 12}, shown, test_dashboard.DECISIONS)
    app = create_app(
        FakeLive(FakeRecommender()),
        FakeLog(),
        Settings(),
        marks,
        reports=test_experiments.Kept(test_experiments.lived(1500, lift=0.5)),
        overviews=test_dashboard.Kept(overview),
    )
    with running(app) as url:
        yield url
    marks.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def found_by_axe(page: Any, looks: tuple[tuple[str, Size], ...] = EVERY_LOOK) -> list[str]:
    """What axe-core holds against the page as it stands, in each light and at each width."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(Axe().axe_script)
    told = []
    for scheme, size in looks:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide == size["width"], f"the page scrolls sideways: {wide} of {size['width']}"
        for fault in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
            told += [f"{scheme} {wide} {fault['id']}: {node['html'][:200]}" for node in fault["nodes"]]
    return told


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(browser: Any, address: str, path: str, lang: str) -> None:
    page = browser.new_page(base_url=address, locale=lang, viewport=DESKTOP)
    page.goto(path)
    assert page.locator("html").get_attribute("lang").startswith(lang)
    assert found_by_axe(page, EVERY_LOOK if lang == "en" else IN_CHINESE) == []
    page.close()


def test_axe_finds_nothing_where_a_guest_rates_and_asks_why(browser: Any, address: str) -> None:
    page = browser.new_page(base_url=address, viewport=DESKTOP)
    page.goto("/movie.html?movieId=589")
    page.locator("label[for=stars-5]").click()
    page.locator("[data-undo]").wait_for()
    assert found_by_axe(page) == []
    page.goto("/")
    page.locator("[data-for-you] .card").first.wait_for()
    assert found_by_axe(page) == []
    page.locator("[data-for-you] [data-why]").first.focus()
    page.keyboard.press("Enter")
    page.locator("dialog #why").wait_for()
    assert found_by_axe(page) == []
    page.close()


def test_axe_finds_nothing_in_results_that_come_while_typing(browser: Any, address: str) -> None:
    page = browser.new_page(base_url=address, viewport=DESKTOP)
    page.goto("/user.html?userId=1")
    page.locator("[data-browse-as]").click()
    page.locator("#q").fill("toy")
    page.locator("#found a").first.wait_for()
    assert found_by_axe(page) == []
    page.close()
