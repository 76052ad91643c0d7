"""What a regression or a tree is told of a rated row: every number as it is, all of it as of just before the row.

What the sample row holds (sums of the person and the movie, favourite genres), what the catalogue holds (genres, year), and
what the person's earlier ratings say of the candidate: their ratings of each of its genres, how they rate beside the movies'
means, how long ago they rated last. Rows of one second do not see each other. NaN is "nothing to tell".
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.features.definitions import MOVIE_SUMS, USER_SUMS
from sparrow.features.grouped import run_starts, sums_before
from sparrow.features.inputs import numbers
from sparrow.features.people import favourite_columns
from sparrow.schema import Columns

Plain = Mapping[str, NDArray[Any]]
"""Feature name → (n,) float32."""

SMOOTHING: Final = 5.0
"""Ratings of no opinion that a person's mean of a genre starts from."""


def in_order(rows: pa.Table) -> pa.Table:
    """By person, then time, then movie: the order in which `plain_features` reads."""
    return rows.sort_by([(name, "ascending") for name in (Columns.USER, Columns.TIMESTAMP, Columns.MOVIE)])


def plain_features(rows: pa.Table, catalogue: pa.Table, genres: tuple[str, ...], favourites: int) -> Plain:
    """Every feature of rated rows.

    Args:
        rows: `in_order`, each rating once, with `row_columns` and `half`.
        catalogue: `movieId`, `releaseYear`, `genres`.
        genres: names that count.
        favourites: favourite genres a row tells.
    """
    user, time, half = (_ints(rows, name) for name in (Columns.USER, Columns.TIMESTAMP, "half"))
    ids = _ints(catalogue, Columns.MOVIE)
    order = np.argsort(ids)
    place = order[np.searchsorted(ids[order], _ints(rows, Columns.MOVIE))]
    of_genre = _one_hot(catalogue, genres)[place]  # (n, genres)
    sums = {name: _ints(rows, name) for name in (*MOVIE_SUMS, *USER_SUMS)}
    told: dict[str, NDArray[Any]] = {**numbers(sums | {Columns.YEAR: _ints(catalogue, Columns.YEAR)[place]})}
    person, second = run_starts(user), run_starts(user, time)
    told |= _own_genres(half, of_genre, told["user_mean"], second, person)
    told |= _beside_the_movies(half, told, second, person)
    told["age"] = told["user_mean_year"] - told[Columns.YEAR]
    told["since_last"] = np.log1p(time - np.where(person == second, time, time[np.maximum(second - 1, 0)]))
    told |= {f"genre {name}": of_genre[:, at] for at, name in enumerate(genres)}
    first = np.stack([_ints(rows, name) for name in favourite_columns(favourites)], axis=1)
    told |= {f"favourite {name}": (first == at + 1).any(axis=1) for at, name in enumerate(genres)}
    return {name: np.asarray(values, np.float32) for name, values in told.items()}


def _own_genres(
    half: NDArray[Any], of_genre: NDArray[Any], mean: NDArray[Any], second: NDArray[Any], person: NDArray[Any]
) -> Plain:
    """How the person rated each genre of the candidate before: means drawn towards their own mean, their average and extremes."""
    counts = sums_before(np.ascontiguousarray(of_genre.T, np.int64), second, person).T
    halves = sums_before(np.ascontiguousarray((of_genre * half[:, None]).T, np.int64), second, person).T
    prior = np.nan_to_num(mean, nan=3.5)[:, None]
    over = np.where(of_genre & (counts > 0), (halves / 2 - counts * prior) / (counts + SMOOTHING), 0.0)
    many = np.maximum(of_genre.sum(axis=1), 1)
    return {
        "own_genres_over_mean": over.sum(axis=1) / many,
        "own_genres_least": np.where(of_genre, over, 9).min(axis=1, initial=9),
        "own_genres_most": np.where(of_genre, over, -9).max(axis=1, initial=-9),
        "own_genres_seen": (counts * of_genre).sum(axis=1) / many,
    }


def _beside_the_movies(half: NDArray[Any], told: Plain, second: NDArray[Any], person: NDArray[Any]) -> Plain:
    """The person's mean rating above the movies' means as they were, and what that makes of this movie."""
    known = ~np.isnan(told["movie_mean"])
    over = np.where(known, half / 2 - np.nan_to_num(told["movie_mean"]), 0.0)
    total, count = sums_before(np.stack([np.rint(over * 1e6).astype(np.int64), known.astype(np.int64)]), second, person)
    bias = total / 1e6 / (count + 2.0)
    return {"user_over_movies": bias, "movie_mean_and_bias": told["movie_mean"] + bias}


def _one_hot(catalogue: pa.Table, genres: tuple[str, ...]) -> NDArray[np.bool_]:
    lists = catalogue[Columns.GENRES].to_pylist()
    return np.array([[name in (names or ()) for name in genres] for names in lists])


def _ints(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)
