"""Litestar, parameters by its own declarations."""

import sys
from typing import Annotated

import uvicorn
from litestar import Litestar, MediaType, get
from litestar.params import Parameter

from benchmarks.load.frameworks import listed


@get("/api/v1/movies/{movie:int}/similar", media_type=MediaType.JSON)
async def similar(
    movie: int,
    size: Annotated[int, Parameter(ge=1, le=500)] = 24,
    exclude: list[str] | None = None,
    explain: bool = False,
    region: Annotated[str, Parameter(pattern="^([A-Z]{2})?$")] = "",
    age: Annotated[int | None, Parameter(ge=0, le=150)] = None,
) -> bytes:
    """Answer."""
    return listed(movie, size, exclude, explain, region, age)


app = Litestar([similar], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
