"""Starlette, parameters read by one pydantic model."""

import sys
from typing import Annotated

import uvicorn
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.load.frameworks import listed


class Wanted(BaseModel):
    """The query."""

    movie: int
    size: Annotated[int, Field(ge=1, le=500)] = 24
    exclude: list[str] | None = None
    explain: bool = False
    region: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    age: Annotated[int | None, Field(ge=0, le=150)] = None


async def similar(request: Request) -> Response:
    """Parse, answer."""
    told = dict(request.query_params) | request.path_params
    if "exclude" in told:
        told["exclude"] = request.query_params.getlist("exclude")
    try:
        wanted = Wanted.model_validate(told)
    except ValidationError as error:
        return Response(error.json(), 422, media_type="application/json")
    return Response(listed(**wanted.__dict__), media_type="application/json")


app = Starlette(routes=[Route("/api/v1/movies/{movie}/similar", similar)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
