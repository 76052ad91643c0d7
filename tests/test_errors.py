"""The exception tree is the one drawn at the head of `errors`, and every error knows its HTTP status and exit code."""

import inspect
import re

import pytest

from sparrow import errors
from sparrow.errors import SparrowError

ALL = {
    kind.__name__: kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
}
BRANCH = re.compile(r"^    ((?:[│├└─ ]{4})*)(\w+)  ")


def drawn() -> dict[str, str]:
    """Name → parent's name, read off the drawing."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if (found := BRANCH.match(line + "  ")) and found[2].strip() in ALL:
            depth = len(found[1]) // 4
            path = [*path[:depth], found[2]]
            parents[found[2]] = path[-2] if depth else "Exception"
    return parents


def test_the_drawing_is_the_tree() -> None:
    assert drawn() == {name: kind.__base__.__name__ for name, kind in ALL.items() if kind.__base__}
    assert len(ALL) >= 11


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("SparrowError", 500, 1), ("InvalidInput", 422, 2), ("SettingsError", 422, 2), ("NotFound", 404, 1),
        ("DataError", 500, 1), ("Busy", 409, 1), ("BuildError", 500, 1), ("ReleaseError", 503, 1), ("Unavailable", 503, 1),
        ("StoreUnavailable", 503, 1), ("RankerUnavailable", 503, 1),
    ],
)  # fmt: skip
def test_every_error_tells_the_truth_to_http_and_to_the_shell(name: str, status: int, code: int) -> None:
    kind = ALL[name]
    assert (kind.http_status, kind.exit_code) == (status, code)
    assert issubclass(kind, SparrowError)
    assert str(kind("The thing 7 is wrong; take 8.")) == "The thing 7 is wrong; take 8."
