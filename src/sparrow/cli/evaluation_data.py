"""From a dataset and a protocol, or from files, to the question that `sparrow evaluate` puts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sparrow.errors import DataError
from sparrow.evaluation.cases import Case, make_case
from sparrow.evaluation.protocols import MICROSOFT_ROWS, PROTOCOLS, Protocol, leave_last_out, random_split
from sparrow.evaluation.rows import Rows, read_movies, read_rows
from sparrow.schema import Movie

Catalogue = Callable[[], Mapping[int, Movie]]
"""Gives what is known of movies by raw id, when it is asked for."""


@dataclass(frozen=True)
class Question:
    """What is judged, the carve-out of train on which settings are chosen, and what is known of movies."""

    protocol: str
    case: Case
    carved: Case
    catalogue: Catalogue = dict


def from_files(
    train: Path, test: Path, valid: Path | None, items: Path | None, mask_valid: bool, refit: bool
) -> Question:
    """A split that others made.

    Args:
        mask_valid: never list validation rows either.
        refit: learn from train and valid together for the test; then both are masked.
    """
    learnt, judged = read_rows(train), read_rows(test)
    more = read_movies(items) if items else None
    if valid is None:
        fit, choose = _carve_like(learnt, judged).cut(learnt)
        return Question("files", make_case(learnt, judged, more_movies=more), make_case(fit, choose, more_movies=more))
    held = read_rows(valid)
    carved = make_case(learnt, held, more_movies=more)
    if refit:
        return Question("files", make_case(learnt.joined(held), judged, more_movies=more), carved)
    return Question("files", make_case(learnt, judged, held if mask_valid else None, more), carved)


def from_dataset(protocol: str, dataset: str, ratio: float | None, within: str, seed: int) -> Question:
    """A dataset cut by a named protocol, and its train part once more by the same rule.

    Raises:
        DataError: the Microsoft split does not have its published sizes, so this is not ML-100K in its own order.
    """
    rows = _read_dataset(dataset)
    shares = {} if ratio is None else {"ratio": ratio}
    cutter = PROTOCOLS[protocol]
    chosen: Protocol = {
        "random": lambda: cutter(within=within, seed=seed, **shares),
        "time-split": lambda: cutter(**shares),
    }.get(protocol, cutter)()
    train, test = chosen.cut(rows)
    if protocol == "microsoft-ml100k" and (len(train), len(test)) != MICROSOFT_ROWS:
        raise DataError(
            f"The split has {len(train)} train and {len(test)} test rows; ML-100K in u.data order gives "
            f"{MICROSOFT_ROWS[0]} and {MICROSOFT_ROWS[1]}. Name a folder with its u.data, or use --protocol random."
        )
    return Question(protocol, make_case(train, test), make_case(*chosen.cut(train)), partial(read_catalogue, dataset))


def _carve_like(train: Rows, test: Rows) -> Protocol:
    """The cut of train that looks most like the cut between the files."""
    if np.unique(test.users, return_counts=True)[1].max(initial=0) <= 1:
        return leave_last_out()
    return random_split(len(train) / max(len(train) + len(test), 1), "user")


def read_catalogue(name: str) -> dict[int, Movie]:
    """Raw id → movie, of those that a dataset lists with a title."""
    from sparrow.datasets import open_source
    from sparrow.datasets.report import Tally

    source = open_source(name)
    movies = (row.movie for row in source.movies(Tally(source.files["movies"])))
    return {movie.movie_id: movie for movie in movies if movie.title}


def _read_dataset(name: str) -> Rows:
    """The sound ratings of a dataset, in file order."""
    from sparrow.datasets import open_source
    from sparrow.datasets.report import Tally
    from sparrow.datasets.rules import check_ratings

    source = open_source(name)
    tally, latest = Tally(source.files["ratings"]), int(time.time())
    blocks = [check_ratings(block, tally, source.first_line, latest) for block in source.ratings(tally)]
    if not sum(len(block) for block in blocks):
        raise DataError(f"The dataset {name!r} has no usable rating; see: sparrow data check {name}")
    users, movies, stars, times = (
        np.concatenate([getattr(block, column) for block in blocks])
        for column in ("user", "movie", "stars", "timestamp")
    )
    return Rows(users, movies, stars, times)
