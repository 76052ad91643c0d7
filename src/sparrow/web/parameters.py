"""Query parameters and their ranges, written once: the routes declare them, the errors name them. Ids: see `ids`.

FastAPI refuses what is no number; the upper bound of `size` is a setting, so `checked_size` refuses that.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import Query
from pydantic import AfterValidator

from sparrow.config import Web
from sparrow.errors import InvalidInput
from sparrow.schema import MAX_ID

ORIGINAL_NAMES: Final = frozenset({"emb", "neuralcf", "nerualcf"})
"""What the original site wrote for `model=`, its own misspelling included."""

REGION: Final = r"^([A-Za-z0-9]{2,3}(-[A-Za-z0-9]{1,3})?)?$"
"""A country or a part of one, as ISO 3166 writes it; "" for those who do not say."""

Size = Annotated[
    int | None, Query(ge=1, description="how many movies, 1 to `[web] max_size` (500 unless set); 24 unless given")
]
Offset = Annotated[int, Query(ge=0, le=MAX_ID, description="how many movies to skip")]
Year = Annotated[int | None, Query(ge=1, le=9999, description="only movies released in this year")]
Name = Annotated[str | None, Query(max_length=100, description="a name that the release holds")]
Arm = Annotated[
    str | None, Query(max_length=100, description="EXPERIMENT:ARM, to try it out; only with `[experiments] override`")
]
Text = Annotated[str, Query(max_length=200, description="words of the title")]
Exclude = Annotated[list[str] | None, Query(description="movie ids to leave out: comma separated, repeated, or both")]
Explain = Annotated[bool, Query(description="adds a trace to every item and the time each stage took (ms)")]
Region = Annotated[
    str,
    Query(
        pattern=REGION,
        description="where it is asked from, e.g. DE or US-CA; windows with regions are closed to those who do not say",
    ),
    AfterValidator(str.upper),
]

Age = Annotated[
    int | None,
    Query(
        ge=0,
        le=150,
        description="of who looks on, in years; movies with a higher age rating stay out (docs/serving.md)",
    ),
]


def expected(name: str, web: Web) -> str:
    """What a parameter takes, in words, for an error message; "" when its own message says enough.

    Example:
        >>> expected("size", Web())
        'a whole number from 1 to 500'
    """
    ranges = {
        "size": f"a whole number from 1 to {web.max_size}",
        "offset": f"a whole number from 0 to {MAX_ID}",
        "year": "a whole number from 1 to 9999",
        "explain": "true or false",
        "region": "a country or a part of one as in ISO 3166, e.g. DE or US-CA",
        "age": "a whole number of years from 0 to 150",
        "sort": "rating, year or popularity",
    }
    return ranges.get(name, "")


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


def embedding_name(name: str | None, held: Iterable[str]) -> str | None:
    """The embedding asked for; the original site's names mean the release's default one, None.

    Example:
        >>> embedding_name("emb", ["item2vec"]), embedding_name("item2vec", ["item2vec"])
        (None, 'item2vec')
    """
    if not name or (name in ORIGINAL_NAMES and name not in held):
        return None
    return name
