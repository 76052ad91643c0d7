"""The whole pipeline as a contender: a temporary release from the train rows alone, asked exactly as the site asks it.

Nothing but train rows is learnt from or judged by: the build's cuts in time, its validation rows, the weights and the default
ranker that it chooses all lie inside (`trial_times` says by which clock). People and movies are numbered anew, so that any ids
will do.
"""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from sparrow.build.trial import build_trial
from sparrow.cli.evaluation_data import Catalogue
from sparrow.cli.progress import BuildProgress
from sparrow.cli.trial_times import trial_times
from sparrow.config import Experiments, Settings
from sparrow.datasets.about import About
from sparrow.datasets.in_memory import write_dataset
from sparrow.datasets.rows import Ratings
from sparrow.evaluation.cases import Case
from sparrow.evaluation.comparison import Asker, Contender, by_lists
from sparrow.evaluation.rows import Ids, Rows
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.schema import MAX_RATING, MIN_RATING, Movie, MovieId, untitled

ABOUT: Final = About("train rows", "Train rows of an evaluation", "", "", "", "")


def for_you(settings: Settings, catalogue: Catalogue, in_order: bool | None = None) -> Contender:
    """The pipeline with these settings. It chooses what it needs by itself, so there is no grid.

    Args:
        settings: of the build and of serving.
        catalogue: what is known of movies.
        in_order: whether test rows follow train rows in time; None where nobody knows (`trial_times`).
    """
    return Contender("for_you", lambda case, _: _fit(case, settings, catalogue(), in_order))


def _fit(case: Case, settings: Settings, catalogue: Mapping[int, Movie], in_order: bool | None) -> Asker:
    home = Path(mkdtemp(prefix="sparrow-for-you-"))
    try:
        times = trial_times(case.train, case.test, in_order)
        recommender = _build(case, times, home, settings, catalogue)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    people, kept_out = np.unique(case.train.users), _by_person(case.masked, case.movies)

    def recommend(user: int, k: int) -> Ids:
        number = int(np.searchsorted(people, user)) + 1
        return case.movies[_ask(recommender, number, k, kept_out.get(user, frozenset())) - 1]

    finalize(recommend, shutil.rmtree, home, ignore_errors=True)  # the folder stays as long as it may be asked for
    return by_lists(recommend)


def _build(case: Case, times: Ids, home: Path, settings: Settings, catalogue: Mapping[int, Movie]) -> Recommender:
    people = np.unique(case.train.users)
    movies = (_renumbered(catalogue, raw, number) for number, raw in enumerate(case.movies.tolist(), start=1))
    ratings = _ratings(case.train, times, people, case.movies)
    data = write_dataset(home / "data", ratings, movies, ABOUT)
    with BuildProgress() as reporter:
        return build_trial(home, str(data), _with_hidden(settings, case.movies), reporter)


def _ask(recommender: Recommender, user: int, k: int, exclude: frozenset[int]) -> Ids:
    listing = asyncio.run(recommender.for_user(user, Wanted(k, exclude)))
    return np.array([item.movie.movie_id for item in listing.items], dtype=np.int64)


def _renumbered(catalogue: Mapping[int, Movie], raw: int, number: int) -> Movie:
    known = catalogue.get(raw) or Movie(MovieId(raw), untitled(raw), 0, ())
    return replace(known, movie_id=MovieId(number))


def _with_hidden(settings: Settings, movies: Ids) -> Settings:
    """Hidden movies go by their new numbers; what else may name movies or asks for facts that a file has not (pairs kept apart,
    windows, conditions) is left out, and experiments are."""
    named = [one for one in settings.candidates.hidden if isinstance(one, int)]
    hidden = np.flatnonzero(np.isin(movies, named)) + 1
    return settings.model_copy(
        update={
            "candidates": settings.candidates.model_copy(
                update={"hidden": frozenset(hidden.tolist()), "windows": (), "where": ""}
            ),
            "similar": settings.similar.model_copy(update={"apart": ()}),
            "experiments": Experiments(),
        }
    )


def _by_person(rows: Rows, movies: Ids) -> dict[int, frozenset[int]]:
    """Raw user id → new numbers of the movies that they are not to be offered."""
    found: dict[int, set[int]] = {}
    known = np.isin(rows.movies, movies)
    numbers = np.searchsorted(movies, rows.movies[known]) + 1
    for user, number in zip(rows.users[known].tolist(), numbers.tolist(), strict=True):
        found.setdefault(user, set()).add(number)
    return {user: frozenset(numbers) for user, numbers in found.items()}


def _ratings(rows: Rows, times: Ids, people: Ids, movies: Ids) -> Ratings:
    """Train rows as a dataset holds them."""
    users, columns = np.searchsorted(people, rows.users) + 1, np.searchsorted(movies, rows.movies) + 1
    no = np.zeros(len(rows), dtype=np.bool_)
    return Ratings(np.arange(len(rows)), users, columns, stars_of(rows), times, no)


def stars_of(rows: Rows) -> NDArray[np.float64]:
    """(n,) stars, 0.5-5.0 in half steps: 5 where ratings are absent or all the same, another scale stretched to ours.

    Example:
        >>> stars_of(Rows(np.array([1, 1, 2]), np.array([5, 6, 5]), np.array([0.0, 50.0, 100.0]))).tolist()
        [0.5, 3.0, 5.0]
    """
    if rows.stars is None or not len(rows) or np.ptp(rows.stars) == 0:
        return np.full(len(rows), MAX_RATING)
    stars, low, high = rows.stars, float(rows.stars.min()), float(rows.stars.max())
    if low < MIN_RATING or high > MAX_RATING:
        stars = MIN_RATING + (MAX_RATING - MIN_RATING) * (stars - low) / (high - low)
    return np.asarray(np.floor(2 * stars + 0.5) / 2, dtype=np.float64)
