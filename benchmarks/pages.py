"""What a visitor waits for: first contentful paint and bytes of the main pages, in Debian's Chromium with an empty cache.

The floor is one line of HTML from bare Starlette + uvicorn in the same browser. Bytes are counted as they travel, headers
included, until the page is quiet; the target for home is 300 KB, and a second for its first paint. Needs a live release:
`--home` names it (`sparrow build && sparrow publish`, or `sparrow up` once).
"""

import argparse
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.first_minute import BARE, free_port
from benchmarks.table import Row, Table

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES: Final = {
    "home": "/",
    "movie": "/movie.html?movieId=589",
    "person": "/user.html?userId=1",
    "collection": "/collection.html?type=genre&value=Comedy",
}
SIZES: Final = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
MOST_KB: Final = 300.0
START_S: Final = 120
PAINT: Final = """() => new Promise(done => new PerformanceObserver(list => {
  const first = list.getEntriesByName("first-contentful-paint")[0];
  if (first) done(first.startTime);
}).observe({ type: "paint", buffered: true }))"""


def run(options: Sequence[str] = ()) -> Table:
    """Measure; takes about a minute."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages", description=__doc__)
    parser.add_argument("--home", default="var", help="a home with a live release")
    parser.add_argument("--runs", type=int, default=5, help="cold visits to each page")
    asked = parser.parse_args(options)
    from playwright.sync_api import sync_playwright

    site = [sys.executable, "-m", "sparrow.cli.main", "serve", "--home", asked.home, "--port"]
    with sync_playwright() as playwright, served(site) as ours, served([sys.executable, "-c", BARE]) as bare:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rows = [row for size in SIZES for row in measured(browser, size, ours, bare, asked.runs)]
        version = browser.version
        browser.close()
    return Table("pages", {"home": asked.home, "chromium": version, "runs": str(asked.runs)}, rows)


def measured(browser: Any, size: str, ours: str, bare: str, runs: int) -> list[Row]:
    """Both figures of every page at one width; the pages and the floor take turns."""
    visits: dict[str, list[tuple[float, float]]] = {name: [] for name in ("bare", *PAGES)}
    for _ in range(runs):
        visits["bare"].append(visit(browser, bare + "/movie.html", size))
        for name, path in PAGES.items():
            visits[name].append(visit(browser, ours + path, size))
    floor = [paint for paint, _ in visits.pop("bare")]
    rows = [
        Row(f"{name}, {size}: first paint", "ms", [paint for paint, _ in seen], "a bare page", floor)
        for name, seen in visits.items()
    ]
    return rows + [
        Row(f"{name}, {size}: bytes", "KB", [kb for _, kb in seen], "most for home", [MOST_KB])
        for name, seen in visits.items()
    ]


def visit(browser: Any, address: str, size: str) -> tuple[float, float]:
    """One cold visit: first contentful paint in milliseconds, and kilobytes (1,000) received until the page is quiet."""
    context = browser.new_context(viewport=SIZES[size])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    received: list[float] = []
    wire.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    paint = float(page.evaluate(PAINT))
    context.close()
    return paint, sum(received) / 1000


@contextmanager
def served(command: Sequence[str]) -> Iterator[str]:
    """`command PORT` while it serves; gives its address."""
    address = f"http://127.0.0.1:{free_port()}"
    with subprocess.Popen([*command, address.rpartition(":")[2]], stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_S
            while not answers(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{' '.join(command)} does not serve; is a release live in that home?")
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()


def answers(address: str) -> bool:
    """Whether somebody speaks HTTP there, whatever they say."""
    try:
        urllib.request.urlopen(address + "/readyz", timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code == 404
    except OSError:
        return False
    return True
