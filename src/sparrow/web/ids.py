"""Ids at the door: what callers write becomes a raw id, and raw ids go out as what the outside world calls them.

In a release whose ids are numbers that is the number itself, and nothing is looked up. A release with outside ids
(`stores.outside_ids`) takes and returns those; whatever is refused is told in the caller's own words.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, WithJsonSchema
from starlette.types import Scope

from sparrow.errors import InvalidInput, StoreUnavailable
from sparrow.online.answers import MovieFacts
from sparrow.schema import MAX_ID, Rating
from sparrow.stores.outside_ids import LONGEST, plain_number
from sparrow.web.person_token import check_person, is_private
from sparrow.web.ports import Recommender

ID_RANGE: Final = f"a whole number from 0 to {MAX_ID}"

_SHAPE: Final = WithJsonSchema(
    {"anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_ID}, {"type": "string", "maxLength": LONGEST}]}
)
_ABOUT: Final = "an id of the data set: a number, or text where the data set's own ids are text"

Id = Annotated[str, Query(description=_ABOUT), _SHAPE]
PathId = Annotated[str, Path(description=_ABOUT), _SHAPE]
OptionalId = Annotated[str | None, Query(description=_ABOUT)]

Names = Mapping[int, int | str]
"""raw id → what the outside world calls it."""

_NUMBER: Final = TypeAdapter(Annotated[int, Field(ge=0, le=MAX_ID)])
_ESCAPED: Final = "\udc2f"
"""Stands for a slash inside an id while a path is routed; no decoded path can hold it."""

_OUTSIDE: Final = "outside_ids"
"""Where a request's scope remembers the outside ids it named."""


def _refuse_others(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("an id is a number or a text")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("an id has no fraction")
    return int(value) if isinstance(value, float) else value


BodyId = Annotated[Any, BeforeValidator(_refuse_others), _SHAPE]
"""An id inside a JSON body: a number or a text."""


def read_movie(request: Request, recommender: Recommender, name: str, written: int | str) -> int:
    """The raw id of a movie that a caller wrote as the parameter `name`.

    Raises:
        InvalidInput: it cannot be an id.
    """
    if recommender.ids is None:
        return _read_number(name, written)
    return _remember(request, written, recommender.ids.movie(_read_text(name, written)))


def read_user(request: Request, recommender: Recommender, name: str, written: int | str) -> int:
    """The raw id of a person, as `read_movie`; someone unknown has one too. Refused to who may not ask about them."""
    if recommender.ids is None:
        return _own_number(request, name, written)
    text = _read_text(name, written)
    check_person(request, text)
    return _remember(request, written, recommender.ids.person(text))


async def find_user(request: Request, recommender: Recommender, name: str, written: int | str) -> int:
    """`read_user` without keeping other requests waiting: a store may be asked who a text is."""
    if recommender.ids is None:
        return read_user(request, recommender, name, written)
    return await run_in_threadpool(read_user, request, recommender, name, written)


def read_optional_movie(request: Request, recommender: Recommender, name: str, written: int | str | None) -> int | None:
    """`read_movie` for a parameter that may be left out."""
    return None if written is None else read_movie(request, recommender, name, written)


def user_reader(
    request: Request, recommender: Recommender, name: str, every: Iterable[int | str]
) -> Callable[[int | str], int]:
    """`read_user` for ids that are known beforehand: all of them are looked up here, together."""
    if recommender.ids is None:
        return lambda written: _own_number(request, name, written)
    texts = {unescaped(str(written)) for written in every}
    for text in texts:
        check_person(request, text)
    known = recommender.ids.people(text for text in texts if 0 < len(text) <= LONGEST)
    return lambda written: _remember(request, written, known[_read_text(name, written)])


def read_movies(recommender: Recommender, name: str, values: Iterable[str] | None) -> frozenset[int]:
    """Movies from repeated and comma-separated values; a value that is one movie's id is not cut at its commas.

    Raises:
        InvalidInput: something that cannot be an id.
    """
    found: set[int] = set()
    for value in values or ():
        whole = _read_whole(recommender, value)
        parts = [part.strip() for part in value.split(",")] if whole is None else []
        found |= {_read_part(recommender, name, part) for part in parts if part} if whole is None else {whole}
    return frozenset(found)


def shown(recommender: Recommender, raw: int, written: int | str) -> int | str:
    """A caller's own id as it goes back: the number, or the text that is none."""
    text = str(written).replace(_ESCAPED, "/")
    return raw if recommender.ids is None or raw == plain_number(text) else text


def movie_namer(recommender: Recommender) -> Callable[[int], int | str]:
    """Raw id → what the outside world calls the movie."""
    return int if recommender.ids is None else recommender.ids.movie_name


def outside_words(scope: Scope, detail: str) -> str:
    """A message in which the surrogates of this request are told as the ids that the caller wrote."""
    for raw, text in scope.get(_OUTSIDE, {}).items():
        # A number that stands for itself may be a part of anything.
        detail = detail.replace(str(raw), repr(text)) if str(raw) != text else detail
    return unescaped(detail)


def escape_slashes(scope: Scope) -> Scope:
    """The scope with each "%2F" of its path kept apart from the slashes between the parts; routes then see one part."""
    raw = scope.get("raw_path") or b""
    if b"%2f" not in raw.lower():
        return scope
    parts = (unquote(part.decode("latin-1")).replace("/", _ESCAPED) for part in raw.split(b"/"))
    return {**scope, "path": "/".join(parts)}


def unescaped(text: str) -> str:
    """Text as the caller wrote it, slashes back in place."""
    return text.replace(_ESCAPED, "/")


@dataclass(frozen=True, slots=True)
class RatingNames:
    """How the two ids of a rating are called; a person without a name here is left out."""

    people: Names
    movie: Callable[[int], int | str]


async def names_of(
    request: Request, recommender: Recommender, movies: Iterable[MovieFacts]
) -> tuple[RatingNames | None, tuple[str, ...]]:
    """Names for the top ratings of some movies, None where numbers need none; and what is degraded."""
    if is_private(request):
        return RatingNames({}, movie_namer(recommender)), ()
    if recommender.ids is None:
        return None, ()
    raters = {rating.user_id for movie in movies for rating in movie.top_ratings}
    try:
        names = await run_in_threadpool(recommender.ids.people_names, raters)
        return RatingNames(names, recommender.ids.movie_name), ()
    except StoreUnavailable:
        # A wrong name would be worse than no top ratings.
        return RatingNames({}, recommender.ids.movie_name), ("store",)


def names_of_person(recommender: Recommender, raw: int, name: int | str) -> RatingNames | None:
    """Names for one person's own ratings."""
    return None if recommender.ids is None else RatingNames({raw: name}, recommender.ids.movie_name)


async def people_names(request: Request, recommender: Recommender, size: int) -> list[int | str]:
    """The first people of the release, as the outside world calls them; [] when their names are out of reach, or theirs alone."""
    if is_private(request):
        return []
    people: list[int] = recommender.user_ids(size)
    if recommender.ids is None:
        return list(people)
    try:
        names = await run_in_threadpool(recommender.ids.people_names, people)
    except StoreUnavailable:
        return []
    return [names[raw] for raw in people]


def named_ratings(ratings: Iterable[Rating], names: RatingNames | None) -> list[tuple[int | str, int | str, Rating]]:
    """(person, movie, rating) with both called by their outside ids."""
    if names is None:
        return [(rating.user_id, rating.movie_id, rating) for rating in ratings]
    return [
        (names.people[rating.user_id], names.movie(rating.movie_id), rating)
        for rating in ratings
        if rating.user_id in names.people
    ]


def _remember(request: Request, written: int | str, raw: int) -> int:
    request.scope.setdefault(_OUTSIDE, {})[raw] = unescaped(str(written))
    return raw


def _read_number(name: str, written: int | str) -> int:
    try:
        return _NUMBER.validate_python(written)
    except ValidationError:
        raise InvalidInput(f"{name} is {written!r:.80}; it must be {ID_RANGE}.") from None


def _own_number(request: Request, name: str, written: int | str) -> int:
    number = _read_number(name, written)
    check_person(request, str(number))
    return number


def _read_text(name: str, written: int | str) -> str:
    text = unescaped(str(written))
    if not 0 < len(text) <= LONGEST:
        raise InvalidInput(f"{name} is {text!r:.80}; it must be an id of 1 to {LONGEST} characters.")
    return text


def _read_whole(recommender: Recommender, value: str) -> int | None:
    """The movie that the whole value names, if there is one and it holds a comma."""
    if recommender.ids is None or "," not in value or len(value) > LONGEST:
        return None
    raw = recommender.ids.movie(value)
    return raw if recommender.ids.movie_name(raw) == value else None


def _read_part(recommender: Recommender, name: str, part: str) -> int:
    if recommender.ids is not None:
        return recommender.ids.movie(_read_text(name, part))
    # int() would also read "1_000" and very long numbers slowly: ids are at most 19 plain digits.
    if not (part.isascii() and part.isdigit() and len(part) <= 19 and int(part) <= MAX_ID):
        raise InvalidInput(f"{name} holds {part[:40]!r}; each id must be {ID_RANGE}, separated by commas.")
    return int(part)
