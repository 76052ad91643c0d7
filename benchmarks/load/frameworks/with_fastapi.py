"""FastAPI as its manual has it; `direct` as the second argument: with our route class."""

import sys
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI, Query
from fastapi.requests import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from benchmarks.load.frameworks import listed
from sparrow.web.direct import DirectRoute

router = APIRouter(route_class=DirectRoute if sys.argv[2:] == ["direct"] else APIRoute)


@router.get("/api/v1/movies/{movie}/similar")
async def similar(
    request: Request,  # noqa: ARG001 - as our own routes have it
    movie: int,
    size: Annotated[int, Query(ge=1, le=500)] = 24,
    exclude: Annotated[list[str] | None, Query()] = None,
    explain: bool = False,
    region: Annotated[str, Query(pattern="^([A-Z]{2})?$")] = "",
    age: Annotated[int | None, Query(ge=0, le=150)] = None,
) -> Response:
    return Response(listed(movie, size, exclude, explain, region, age), media_type="application/json")


app = FastAPI(docs_url=None, redoc_url=None)
app.router.routes += router.routes

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
