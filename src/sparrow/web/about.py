"""`/about.html`: the journey of the data from ratings to this page, with the numbers of the release that answers."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from sparrow.errors import StoreUnavailable
from sparrow.online.answers import Census
from sparrow.web.ports import Recommender
from sparrow.web.problems import recommender_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/about.html")
async def show_about(request: Request) -> Response:
    """Six stations; the numbers of people and their ratings are left out while the store is out of reach."""
    recommender = recommender_of(request)
    page: Response = request.app.state.site.page(
        request,
        "about.html",
        census=await _census_if_reached(recommender),
        films=recommender.movies(None, "popularity", 1, 0)[1],
        genres=len(recommender.genres),
        models=recommender.models,
        embeddings=recommender.embeddings,
        built=built_at(recommender.release),
    )
    return page


def built_at(release: str) -> str:
    """When a release was made, from its id; "" if that tells no time.

    Example:
        >>> built_at("20261122-143843-452d86"), built_at("mine")
        ('2026-11-22 14:38 UTC', '')
    """
    try:
        at = datetime.strptime("-".join(release.split("-")[:2]), "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""
    return f"{at:%Y-%m-%d %H:%M} UTC"


async def _census_if_reached(recommender: Recommender) -> Census | None:
    try:
        return await run_in_threadpool(recommender.census)
    except StoreUnavailable:
        return None
