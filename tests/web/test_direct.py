"""Routes that read their parameters in one go answer as FastAPI's own do, word for word where they refuse."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sparrow.web.direct import DirectRoute
from tests.web.conftest import Client

Size = Annotated[int, Query(ge=1, le=9, description="how many")]


async def asked(exclude: Annotated[list[str] | None, Query()] = None, deep: bool = False) -> dict[str, Any]:
    return {"exclude": exclude, "deep": deep}


async def nobody_at_night(request: Request) -> None:
    if "night" in request.query_params:
        raise HTTPException(403, "come back in the morning")


def site(route: type[APIRoute]) -> Client:
    router = APIRouter(route_class=route, dependencies=[Depends(nobody_at_night)])

    @router.get("/list/{name}")
    async def listed(
        request: Request,
        name: str,
        wanted: Annotated[dict[str, Any], Depends(asked)],
        size: Size = 3,
        region: Annotated[str, Query(pattern="^[A-Z]*$")] = "",
        must: Annotated[int | None, Query()] = None,
    ) -> Response:
        return JSONResponse([request.url.path, name, wanted, size, region, must])

    @router.get("/needs")
    async def needs(word: str) -> Response:
        return JSONResponse(word)

    app = FastAPI()
    app.include_router(router)
    return Client(app)


BY_FASTAPI, DIRECT = site(APIRoute), site(DirectRoute)


@pytest.mark.parametrize(
    "path",
    [
        "/list/a", "/list/a%20b%2Fc", "/list/a?size=4&deep=true", "/list/a?exclude=1&exclude=2,3&exclude=",
        "/list/a?deep=1&deep=0", "/list/a?size=", "/list/a?size=10", "/list/a?size=x&region=de&must=1.5",
        "/list/a?size=1&size=99", "/list/a?region=", "/list/a?unknown=7", "/list/a?deep=maybe", "/list/%E4%BD%A0?region=DE",
        "/list/a?size=%204%20", "/list/", "/needs", "/needs?word=", "/needs?word=a&word=b", "/list/a?night=1",
        "/list/a?night=1&size=x", "/list/a?size=1e1", "/list/a?must=null",
    ],
)  # fmt: skip
def test_it_answers_as_fastapi_does(path: str) -> None:
    theirs, ours = BY_FASTAPI.get(path), DIRECT.get(path)
    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())


def test_it_is_described_as_ever_and_refuses_other_methods() -> None:
    assert DIRECT.get("/openapi.json").json() == BY_FASTAPI.get("/openapi.json").json()
    assert DIRECT.post("/list/a").status_code == 405


def test_what_it_cannot_read_is_refused_when_it_is_declared() -> None:
    router = APIRouter(route_class=DirectRoute)

    async def by_header(word: Annotated[str, Header()]) -> Response:
        return JSONResponse(word)

    def waits() -> Response:
        return JSONResponse("")

    for endpoint in (by_header, waits):
        with pytest.raises(TypeError, match="use APIRoute"):
            router.get("/x")(endpoint)
