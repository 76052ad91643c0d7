"""Assembly of the web application from plain lists. `create_app` is the only door in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from sparrow import __version__
from sparrow.config import Settings
from sparrow.web import (
    about,
    admin,
    api,
    cases,
    dashboard,
    events_api,
    experiments,
    lab,
    legacy,
    marks_api,
    operations,
    posters,
    problems,
    views,
    why,
)
from sparrow.web.metrics import Metrics
from sparrow.web.middleware import Admission, BodyLimit, Envelope, OpenLegacy, Squeeze
from sparrow.web.ports import CaseBook, EventLog, Live, MarkBook, Overviews, Reports, RuleBook, ServedLists
from sparrow.web.real_posters import RealPosters
from sparrow.web.rendering import HERE, Assets, Site

ROUTERS: Final = (
    api.router,
    events_api.router,
    posters.router,
    legacy.router,
    views.router,
    why.router,
    marks_api.router,
    lab.router,
    experiments.router,
    dashboard.router,
    about.router,
    operations.router,
    admin.router,
    cases.router,
)
"""Asked in this order: the busiest first."""


def create_app(
    live: Live,
    events: EventLog | None,
    settings: Settings,
    marks: MarkBook | None = None,
    rules: RuleBook | None = None,
    served: ServedLists | None = None,
    reports: Reports | None = None,
    overviews: Overviews | None = None,
    case_book: CaseBook | None = None,
) -> FastAPI:
    """The server of one process.

    Args:
        live: the current release; started and stopped with the application.
        events: the durable log; None answers events with 503.
        settings: all settings; this room reads `[web]`.
        marks: what people marked in the laboratory; None answers marks with 503.
        rules: the versions of the rules; None answers those who would change them with 503.
        served: the log of served lists, closed with the application; None keeps no such log.
        reports: what experiments have shown; None: there are no experiments.
        overviews: what the dashboard tells of the home; None: it says that nothing is known.
        case_book: bad cases and what became of them; None keeps none.
    """
    metrics = Metrics()
    app = FastAPI(
        title="Sparrow",
        version=__version__,
        lifespan=_keep_live,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(live, metrics, settings),
    )
    app.state.live, app.state.events, app.state.marks, app.state.settings = live, events, marks, settings
    app.state.metrics, app.state.site, app.state.rules = metrics, Site(), rules
    app.state.served, app.state.reports, app.state.overviews = served, reports, overviews
    app.state.cases = case_book
    app.state.posters = RealPosters.of(settings)
    # Not `include_router`: an included router is asked its routes' version at every request.
    app.router.routes += [route for router in ROUTERS for route in router.routes]
    app.mount("/static", Assets(directory=HERE / "static"), name="static")
    problems.install(app)
    return app


def _middleware(live: Live, metrics: Metrics, settings: Settings) -> list[Middleware]:
    """Outermost first."""
    admission = Middleware(Admission, limit=settings.web.concurrency)
    always = [
        Middleware(Envelope, live=live, metrics=metrics),
        admission,
        Middleware(BodyLimit),
        Middleware(Squeeze, compresslevel=5),
    ]
    return [*always, Middleware(OpenLegacy, paths=legacy.PATHS)] if settings.web.legacy_cors else always


@asynccontextmanager
async def _keep_live(app: FastAPI) -> AsyncIterator[None]:
    await app.state.live.start()
    try:
        yield
    finally:
        await app.state.live.stop()
        if app.state.posters is not None:
            await app.state.posters.close()
        if app.state.served is not None:
            await run_in_threadpool(app.state.served.close)
