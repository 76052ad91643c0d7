"""Parameters read in one go. FastAPI checks each by itself, which took longer than many a list.

A route stays declared as ever: its OpenAPI text, its defaults and its refusals are FastAPI's. Only a request whose parameters
are all in order takes the short way; whatever is not is handed to FastAPI, whose words the caller then gets.
"""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from inspect import Parameter, iscoroutinefunction, signature
from typing import Any, get_type_hints

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """For endpoints and dependencies that are coroutines and take the request, parts of the path and the query, nothing else."""

    def get_route_handler(self) -> Handler:
        """FastAPI's own behind the short way.

        Raises:
            TypeError: the endpoint wants something else, too.
        """
        by_fastapi = super().get_route_handler()
        if self.body_field is not None:
            return by_fastapi
        read, call = _Reader(self.dependant), _caller(self.dependant)

        async def handle(request: Request) -> Response:
            try:
                given = read(request)
            except ValidationError:
                return await by_fastapi(request)
            answer: Response = await call(request, given)
            return answer

        return handle


class _Reader:
    """All parameters of a route and of what it depends on, as one model."""

    def __init__(self, dependant: Dependant) -> None:
        declared = dict(_declared(dependant))
        self._model: type[BaseModel] = create_model("Parameters", **declared)  # type: ignore[call-overload]
        fields = [one for part in _parts(dependant) for one in part.query_params]
        self._repeated = {one.name for one in fields if _is_repeated(one.field_info.annotation)}
        self._names = {one.name for one in fields}

    def __call__(self, request: Request) -> Mapping[str, Any]:
        given: dict[str, Any] = dict(request.path_params)
        if request.scope["query_string"]:
            query = request.query_params
            for name in self._names & query.keys():
                given[name] = query.getlist(name) if name in self._repeated else query[name]
        return self._model.model_validate(given).__dict__


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for other in dependant.dependencies:
        yield from _parts(other)


def _declared(dependant: Dependant) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Parameters as they are written down: name → (annotation, default)."""
    for part in _parts(dependant):
        others = (part.header_params, part.cookie_params, part.body_params, part.response_param_name,
                  part.background_tasks_param_name, part.security_scopes_param_name, part.http_connection_param_name)  # fmt: skip
        if any(others) or not iscoroutinefunction(part.call):
            raise TypeError(
                f"{part.call} is no coroutine, or takes more than the request, path and query: use APIRoute."
            )
        hints, taken = get_type_hints(part.call, include_extras=True), signature(_call_of(part)).parameters
        for one in (*part.path_params, *part.query_params):
            default = taken[one.name].default
            yield one.name, (hints[one.name], ... if default is Parameter.empty else default)


def _is_repeated(annotation: Any) -> bool:
    return "list[" in str(annotation)


def _call_of(dependant: Dependant) -> Callable[..., Any]:
    assert dependant.call is not None
    return dependant.call


def _caller(dependant: Dependant) -> Callable[[Request, Mapping[str, Any]], Coroutine[Any, Any, Any]]:
    """Calls what the dependant stands for with what it takes."""
    call, request_name = _call_of(dependant), dependant.request_param_name
    names = tuple(one.name for one in (*dependant.path_params, *dependant.query_params))
    others = tuple((other.name, _caller(other)) for other in dependant.dependencies)

    async def called(request: Request, given: Mapping[str, Any]) -> Any:
        arguments = {name: given[name] for name in names}
        if request_name is not None:
            arguments[request_name] = request
        for name, other in others:
            found = await other(request, given)
            if name is not None:
                arguments[name] = found
        return await call(**arguments)

    return called
