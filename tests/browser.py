"""Debian's Chromium in front of a served application: what the tests of pages share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from tests.model_server.running import free_port

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Size = dict[str, int]

DESKTOP: Final[Size] = {"width": 1280, "height": 900}
PHONE: Final[Size] = {"width": 390, "height": 844}


@contextmanager
def browsing(base_url: str, **context: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page of a real browser, and everything that went wrong in it."""
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(base_url=base_url, **context)
        page.on("console", lambda told: told.type in ("error", "warning") and wrong.append(told.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda got: got.status >= 400 and wrong.append(f"{got.status} {got.url}"))
        yield page, wrong
        browser.close()


@contextmanager
def running(app: FastAPI, port: int | None = None) -> Iterator[str]:
    """An application behind a real socket, in a thread of this process; gives its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port or free_port(), log_level="critical")
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def tell(*args: Any, **options: Any) -> None:
        await startup(*args, **options)
        started.set()

    server.startup = tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20), "the application did not start"
        yield f"http://127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        thread.join(20)
