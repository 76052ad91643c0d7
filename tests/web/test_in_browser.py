"""What only a browser can tell: how much travels, and what happens while one scrolls, types, or finds the server gone."""

from collections.abc import Iterator
from typing import Final

import pytest

from sparrow.config import Settings
from sparrow.web.app import create_app
from tests.browser import DESKTOP, browsing, running
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
