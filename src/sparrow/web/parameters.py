"""Query parameters and their ranges, written once: the routes declare them, the errors name them.

FastAPI refuses what is no number; the upper bound of `size` is a setting, so `checked_size` refuses that.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BeforeValidator, Field

from sparrow.config import Web
from sparrow.errors import InvalidInput
from sparrow.schema import MAX_ID

ORIGINAL_NAMES: Final = frozenset({"emb", "neuralcf", "nerualcf"})
"""What the original site wrote for `model=`, its own misspelling included."""

_ID_RANGE: Final = f"a whole number from 0 to {MAX_ID}"

Id = Annotated[int, Query(ge=0, le=MAX_ID, description="an id of the data set")]
PathId = Annotated[int, Path(ge=0, le=MAX_ID, description="an id of the data set")]
OptionalId = Annotated[int | None, Query(ge=0, le=MAX_ID, description="an id of the data set")]
Size = Annotated[
    int | None, Query(ge=1, description="how many movies, 1 to `[web] max_size` (500 unless set); 24 unless given")
]
Offset = Annotated[int, Query(ge=0, le=MAX_ID, description="how many movies to skip")]
Year = Annotated[int | None, Query(ge=1, le=9999, description="only movies released in this year")]
Name = Annotated[str | None, Query(max_length=100, description="a name that the release holds")]
Text = Annotated[str, Query(max_length=200, description="words of the title")]
Exclude = Annotated[list[str] | None, Query(description="movie ids to leave out: comma separated, repeated, or both")]
Explain = Annotated[bool, Query(description="adds a trace to every item and the time each stage took (ms)")]


def _refuse_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


BodyId = Annotated[int, BeforeValidator(_refuse_truth), Field(ge=0, le=MAX_ID)]
"""An id inside a JSON body: a number, or a number written as text."""


def expected(name: str, web: Web) -> str:
    """What a parameter takes, in words, for an error message; "" when its own message says enough.

    Example:
        >>> expected("size", Web())
        'a whole number from 1 to 500'
    """
    ranges = {
        "size": f"a whole number from 1 to {web.max_size}",
        "offset": _ID_RANGE,
        "year": "a whole number from 1 to 9999",
        "explain": "true or false",
        "sort": "rating, year or popularity",
    }
    is_id = name == "id" or name.endswith(("Id", "_id"))
    return _ID_RANGE if is_id else ranges.get(name, "")


def checked_size(size: int | None, web: Web) -> int:
    """The number of movies asked for, or the default.

    Raises:
        InvalidInput: outside 1 … `max_size`.
    """
    if size is None:
        return min(web.default_size, web.max_size)
    if not 1 <= size <= web.max_size:
        raise InvalidInput(f"size is {size}; it must be {expected('size', web)}.")
    return size


def parse_ids(name: str, values: Iterable[str] | None) -> frozenset[int]:
    """Ids from repeated and comma-separated values.

    Example:
        >>> sorted(parse_ids("exclude", ["1,2", "589"]))
        [1, 2, 589]

    Raises:
        InvalidInput: something that is no id.
    """
    parts = [part.strip() for value in values or () for part in value.split(",")]
    return frozenset(_parse_id(name, part) for part in parts if part)


def _parse_id(name: str, text: str) -> int:
    # int() would also read "1_000" and very long numbers slowly: ids are at most 19 plain digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID):
        raise InvalidInput(f"{name} holds {text[:40]!r}; each id must be {_ID_RANGE}, separated by commas.")
    return int(text)


def embedding_name(name: str | None, held: Iterable[str]) -> str | None:
    """The embedding asked for; the original site's names mean the release's default one, None.

    Example:
        >>> embedding_name("emb", ["item2vec"]), embedding_name("item2vec", ["item2vec"])
        (None, 'item2vec')
    """
    if not name or (name in ORIGINAL_NAMES and name not in held):
        return None
    return name
