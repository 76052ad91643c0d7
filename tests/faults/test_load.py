"""The judge of the fault tests sees what it is there to see."""

from typing import Any

import httpx
import pytest

from tests.faults.load import Load

SIMILAR = "/api/v1/movies/8/similar?size=2"
TWO = [{"movieId": 1}, {"movieId": 2}]


@pytest.mark.parametrize(
    ("path", "status", "document", "missing", "wrong"),
    [
        (SIMILAR, 200, {"release": "a", "items": TWO}, "", []),
        ("/getsimilarmovie?movieId=8&size=2", 200, TWO, "", []),
        ("/api/v1/movies/8", 200, {"release": "a"}, "", []),
        ("/api/v1/users/1/recommendations?size=2", 200, {"release": "a", "items": TWO}, "store", []),
        (SIMILAR, 200, {"release": "a", "items": TWO[:1]}, "", ["1 of 2 movies"]),
        (SIMILAR, 200, {"release": "a"}, "", ["0 of 2 movies"]),
        ("/getrecforyou?id=1&size=2", 200, TWO[:1], "ranker", ["1 of 2 movies"]),
        (SIMILAR, 200, {"release": "a", "items": TWO}, "store", ["without store"]),
        (SIMILAR, 200, {"release": "b", "items": TWO}, "", ["a answered with b"]),
        (SIMILAR, 503, {"detail": "away"}, "", ['503 {"detail":"away"}', "0 of 2 movies"]),
    ],
)
def test_what_is_wrong_is_seen(path: str, status: int, document: Any, missing: str, wrong: list[str]) -> None:
    headers = {"x-sparrow-release": "a", **({"x-sparrow-degraded": missing} if missing else {})}
    load = Load(httpx.URL("http://nowhere"))
    load.judge(path, httpx.Response(status, headers=headers, json=document))
    assert load.wrong == [f"{path}: {words}" for words in wrong]
