"""One list route, written as each web framework would have it; each module serves it when run: `python -m … PORT`.

All read the same parameters, refuse the same wrong ones, and encode the same 24 movies with orjson; on uvicorn where they can.
"""

from typing import Any, Final

import orjson

ITEM: Final = {
    "movieId": 589,
    "title": "Terminator 2: Judgment Day (1991)",
    "releaseYear": 1991,
    "genres": ("Action", "Sci-Fi"),
    "score": 0.8125,
    "reasons": [{"kind": "similar", "movieId": 1240, "title": "Terminator, The (1984)"}],
}


def listed(movie: int, size: int, exclude: list[str] | None, explain: bool, region: str, age: int | None) -> bytes:
    """The answer's body."""
    about: dict[str, Any] = {"movieId": movie, "exclude": exclude, "explain": explain, "region": region, "age": age}
    return orjson.dumps(about | {"items": [{**ITEM, "movieId": movie + place} for place in range(size)]})
