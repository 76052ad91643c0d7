"""Every input a ranking model may take, by name: whom it describes, of what kind it is, whose vocabulary it shares.

A model names the inputs it takes; training, in-process serving and the SavedModel all give them by these names, as raw values:

    ids      int64, one (N,) or a list (N, length) with the newest last, `PAD_ID` in front
    names    text, a list (N, length), `PAD_NAME` behind
    numbers  float32 (N,); counts, stars, years; NaN where there is nothing to tell (no rating, no year)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sparrow.features import definitions
from sparrow.features.encoding import PAD_ID, PAD_NAME
from sparrow.schema import Columns

About = Literal["person", "movie"]
Kind = Literal["id", "ids", "names", "number"]


@dataclass(frozen=True, slots=True)
class Input:
    """One input.

    Attributes:
        name: in requests, encodings and networks.
        about: whom it describes; a person's is the same for all candidates of a request.
        kind: what its raw values are.
        of: the input whose vocabulary and embedding table it shares; its own name if it has its own.
    """

    name: str
    about: About
    kind: Kind
    of: str


HISTORY: Final = "history"
DISLIKES: Final = "dislikes"
RATED: Final = "rated"

LISTS: Final = (HISTORY, DISLIKES, RATED)
"""Newest movies rated 3.5 or more, those rated less, and all of them."""

USER_NUMBERS: Final = ("user_count", "user_mean", "user_deviation", "user_liked_count", "user_mean_year")
MOVIE_NUMBERS: Final = ("movie_count", "movie_mean", "movie_deviation", Columns.YEAR)

NEEDS_ROWS: Final[Mapping[str, str]] = {
    "user_mean": "user_count",
    "user_deviation": "user_count",
    "user_mean_year": "user_year_count",
    "movie_mean": "movie_count",
    "movie_deviation": "movie_count",
}
"""Finished number → the count without which it tells nothing and is missing."""

INPUTS: Final[Mapping[str, Input]] = {
    one.name: one
    for one in (
        Input(Columns.USER, "person", "id", Columns.USER),
        *(Input(name, "person", "ids", Columns.MOVIE) for name in LISTS),
        Input("favourite_genres", "person", "names", Columns.GENRES),
        *(Input(name, "person", "number", name) for name in USER_NUMBERS),
        Input(Columns.MOVIE, "movie", "id", Columns.MOVIE),
        Input(Columns.GENRES, "movie", "names", Columns.GENRES),
        *(Input(name, "movie", "number", name) for name in MOVIE_NUMBERS),
    )
}
"""Input name → input."""

MOVIE_GENRES: Final = 8
"""Genres of a movie that a model sees."""


def person_inputs(names: Sequence[str]) -> tuple[str, ...]:
    """Those that describe the person."""
    return tuple(name for name in names if INPUTS[name].about == "person")


def movie_inputs(names: Sequence[str]) -> tuple[str, ...]:
    """Those that describe the candidate."""
    return tuple(name for name in names if INPUTS[name].about == "movie")


def numbers(sums: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.float32]]:
    """The number inputs of whatever exact sums (and release years) a batch carries, by name; (n,) float32 each.

    Args:
        sums: as for `definitions.finish`, and `releaseYear` (n,), 0 unknown.

    Example:
        >>> made = numbers({"movie_count": np.array([2, 0]), "movie_half_sum": np.array([18, 0]),
        ...                 "movie_half_square_sum": np.array([164, 0])})
        >>> made["movie_mean"].tolist()
        [4.5, nan]
    """
    finished: dict[str, NDArray[Any]] = {**definitions.finish(sums)}
    for name, count in NEEDS_ROWS.items():
        if name in finished:
            finished[name] = np.where(np.asarray(sums[count]) > 0, finished[name], np.nan)
    finished |= {name: sums[name] for name in ("movie_count", "user_count", "user_liked_count") if name in sums}
    if Columns.YEAR in sums:
        years = np.asarray(sums[Columns.YEAR])
        finished[Columns.YEAR] = np.where(years > 0, years, np.nan)
    return {name: np.asarray(values, dtype=np.float32) for name, values in finished.items()}


def newest(ids: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(length,) the newest of some ids, oldest first, padded in front: the one form of every list of movies.

    Example:
        >>> newest(np.array([7, 8, 9]), 2).tolist(), newest(np.array([7]), 3).tolist()
        ([8, 9], [-1, -1, 7])
    """
    kept = ids[-length:]
    return np.concatenate([np.full(length - len(kept), PAD_ID, np.int64), kept])


def first_names(lists: Sequence[Sequence[str]], length: int) -> NDArray[np.str_]:
    """(n, length) the first names of n lists, padded behind: the one form of every list of names.

    Example:
        >>> first_names([["Drama"], []], 2).tolist()
        [['Drama', ''], ['', '']]
    """
    return np.array([[*names[:length], *[PAD_NAME] * (length - len(names))] for names in lists], dtype=np.str_).reshape(
        len(lists), length
    )
