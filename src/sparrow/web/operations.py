"""For those who run the server: alive, ready, measured, described."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from sparrow.web.problems import problem
from sparrow.web.wire import answer

router = APIRouter(tags=["operations"], default_response_class=Response)


@router.get("/healthz")
async def show_health(request: Request) -> Response:
    """The process answers; says nothing about what it can serve."""
    return answer(request, {"status": "ok"})


@router.get("/readyz")
async def show_readiness(request: Request) -> Response:
    """200 when a release is loaded, 503 with the reason when not."""
    ready, facts = request.app.state.live.ready()
    if ready:
        return answer(request, {"status": "ready", **facts})
    detail = "This server is not ready to recommend; the other members say why."
    kept = {key: value for key, value in facts.items() if key not in {"status", "detail", "instance"}}
    return problem(503, detail, request.scope["path"], **kept)


@router.get("/metrics")
async def show_metrics(request: Request) -> Response:
    """Prometheus text, summed over all workers."""
    return Response(request.app.state.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/docs", include_in_schema=False)
async def show_docs(request: Request) -> Response:
    """The API for people: drawn from /openapi.json, with nothing from another host."""
    response: Response = request.app.state.site.page(request, "docs.html", api=request.app.openapi())
    return response
