"""`POST /api/v1/events`: one event or a list of them; 202 only after the good ones are durable."""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError

from sparrow.errors import InvalidInput, NotFound, Unavailable
from sparrow.stores.bad_cases import BadCase
from sparrow.web.cases import disliked, keep, withdraw
from sparrow.web.cross_site import require_json
from sparrow.web.ids import outside_words, read_movie, shown, user_reader
from sparrow.web.ports import EventLog, Receipt, Recommender
from sparrow.web.problems import problem, recommender_of
from sparrow.web.shapes import Event, ProblemShape, ReceiptShape
from sparrow.web.wire import answer

router = APIRouter(tags=["events"], default_response_class=Response)

_EVENT = Event.model_json_schema()
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]}}},
    }
}
_PROBLEM: dict[str, Any] = {"model": ProblemShape, "description": "A problem (RFC 9457)"}


@router.post(
    "/api/v1/events",
    status_code=202,
    openapi_extra=_BODY,
    responses={202: {"model": ReceiptShape}, 401: _PROBLEM, 403: _PROBLEM, 415: _PROBLEM, 422: _PROBLEM},
)
async def accept_events(request: Request) -> Response:
    """Keep what happened. Good events of a batch count even when others are refused; 422 if none is good."""
    recommender = recommender_of(request)
    log: EventLog | None = request.app.state.events
    if log is None:
        raise Unavailable("This server keeps no events; start it with `sparrow serve` on a store that holds them.")
    items = await _read_batch(request)
    # It may ask a shared store; other requests must not wait for that.
    good, rejected = await run_in_threadpool(_sort_out, items, request, recommender)
    kept = [event for _, event in good]
    waved = await disliked(request, kept)
    receipt = await run_in_threadpool(log.accept, kept) if good else Receipt(0, 0)
    if receipt.accepted:
        refused = {(kept[place]["userId"], kept[place]["movieId"]) for place, _ in receipt.rejected}
        await keep(request, [case for case in waved if (case.user_id, case.movie_id) not in refused])
        await withdraw(request, _taken_back(kept))
    # The log counts places among the good ones; the caller knows places in the batch.
    rejected += [(good[place][0], reason) for place, reason in receipt.rejected]
    payload: dict[str, Any] = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [{"index": index, "reason": reason} for index, reason in sorted(rejected)],
    }
    if receipt.accepted + receipt.duplicates == 0:
        return problem(422, _nothing_good(payload["rejected"]), request.scope["path"], **payload)
    return answer(request, payload, status=202)


def _taken_back(events: list[dict[str, Any]]) -> list[BadCase]:
    return [BadCase("not_for_me", one["movieId"], one["userId"]) for one in events if one["type"] == "undo"]


async def _read_batch(request: Request) -> list[Any]:
    require_json(request)
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is no JSON ({error}); send one event or a list of events.") from None
    items = body if isinstance(body, list) else [body]
    if not items:
        raise InvalidInput("The list of events is empty; send at least one.")
    return items


def _sort_out(
    items: list[Any], request: Request, recommender: Recommender
) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """Split a batch into (place, event) of the good ones and (place, reason) of the others."""
    events, rejected = _validate(items)
    read_user = user_reader(request, recommender, "userId", [event.user_id for _, event in events])
    good: list[tuple[int, dict[str, Any]]] = []
    for index, event in events:
        try:
            good.append((index, _read_event(event, request, recommender, read_user)))
        except (NotFound, InvalidInput) as error:
            rejected.append((index, outside_words(request.scope, str(error))))
    return good, rejected


def _validate(items: list[Any]) -> tuple[list[tuple[int, Event]], list[tuple[int, str]]]:
    """(place, event) of those that have the shape of one, (place, reason) of the others."""
    events: list[tuple[int, Event]] = []
    rejected: list[tuple[int, str]] = []
    for index, item in enumerate(items):
        try:
            events.append((index, check_event(item)))
        except InvalidInput as error:
            rejected.append((index, str(error)))
    return events, rejected


def check_event(item: object) -> Event:
    """What somebody sent, if it has the shape of an event.

    Raises:
        InvalidInput: it has not; in words.
    """
    try:
        return Event.model_validate(item)
    except ValidationError as error:
        raise InvalidInput(_explain(error)) from None


def _read_event(
    event: Event, request: Request, recommender: Recommender, read_user: Callable[[int | str], int]
) -> dict[str, Any]:
    """The event with raw ids, as the log keeps it; `outsideUserId` is what the person is called, if not by that number."""
    movie = read_movie(request, recommender, "movieId", event.movie_id)
    recommender.movie(movie)
    user = read_user(event.user_id)
    kept = event.model_dump(mode="json", by_alias=True, exclude_none=True) | {"userId": user, "movieId": movie}
    name = shown(recommender, user, event.user_id)
    return {**kept, "outsideUserId": name} if isinstance(name, str) else kept


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    received = f" (received {first['input']!r:.80})" if name and first["type"] != "missing" else ""
    return f"{name}: {first['msg']}{received}" if name else first["msg"]


def _nothing_good(rejected: list[dict[str, Any]]) -> str:
    return f"None of {len(rejected)} events can be kept; the first: {rejected[0]['reason']}"
