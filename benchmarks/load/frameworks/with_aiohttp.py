"""aiohttp with its own server on uvloop, parameters read by the same pydantic model as beside Starlette."""

import sys

import uvloop
from aiohttp import web
from pydantic import ValidationError

from benchmarks.load.frameworks import listed
from benchmarks.load.frameworks.with_starlette import Wanted


async def similar(request: web.Request) -> web.Response:
    """Parse, answer."""
    told = dict(request.query) | dict(request.match_info)
    if "exclude" in told:
        told["exclude"] = request.query.getall("exclude")
    try:
        wanted = Wanted.model_validate(told)
    except ValidationError as error:
        return web.Response(text=error.json(), status=422, content_type="application/json")
    return web.Response(body=listed(**wanted.__dict__), content_type="application/json")


app = web.Application()
app.router.add_get("/api/v1/movies/{movie}/similar", similar)

if __name__ == "__main__":
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
