"""The choice set: who is a negative, how often, and at which moment."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sparrow.config import Samples
from sparrow.features.jobs import FITS, Fit
from sparrow.features.samples import NegativeSampler
from sparrow.schema import MAX_ID
from tests.features.prepared import SETTINGS, rows, write_fit
from tests.worlds import random_world


@pytest.mark.parametrize("fit", FITS)
def test_negatives_are_unseen_and_stand_beside_their_positive(tmp_path: Path, fit: Fit) -> None:
    world = random_world(users=40, seed=4)
    settings = SETTINGS.model_copy(update={"samples": Samples(negatives=3)})
    write_fit(tmp_path, world.ratings, world.movies, fit, settings)
    choice = rows(tmp_path / "choice.parquet")
    taken = {(row["userId"], row["movieId"]) for row in choice if row["label"] == 1}
    moments = Counter((row["userId"], row["timestamp"]) for row in choice if row["label"] == 1)
    drawn = Counter((row["userId"], row["timestamp"]) for row in choice if row["label"] == 0)
    assert not [row for row in choice if row["label"] == 0 and (row["userId"], row["movieId"]) in taken]
    assert all(drawn[moment] <= 3 * moments[moment] for moment in drawn)
    assert drawn.total() >= 0.97 * 3 * moments.total(), "an entry is given up only after many seen movies in a row"
    assert {row["movieId"] for row in choice} == {movie for _, movie in taken}, "what nobody rated is no fair negative"


def test_the_same_seed_draws_the_same_and_another_does_not(tmp_path: Path) -> None:
    world = random_world(seed=5)
    drawn = []
    for place, seed in enumerate((1, 1, 2)):
        settings = SETTINGS.model_copy(update={"samples": Samples(seed=seed)})
        write_fit(tmp_path / str(place), world.ratings, world.movies, "judging", settings)
        draws = rows(tmp_path / str(place) / "draws.parquet")
        drawn.append([(row["userId"], row["movieId"], row["label"]) for row in draws])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_negatives_follow_popularity_to_the_exponent(exponent: float) -> None:
    counts = np.array([1, 2, 5, 10, 40, 100])
    movies = np.repeat(np.array([3, 5, 8, 2**40, 2**62, MAX_ID]), counts)
    users = 10 + np.concatenate([np.arange(count) for count in counts])  # person 10 saw all, 11 all but movie 3, …
    sampler = NegativeSampler(np.append(users, 1), np.append(movies, 5), exponent)
    draws, kept = sampler.draw(np.full(20_000, 1), np.random.default_rng(1), tries=30)
    assert kept.all()
    weights = (counts + np.array([0, 1, 0, 0, 0, 0])).astype(float) ** exponent
    weights[1] = 0.0  # movie 5 is the one that person 1 saw
    expected = 20_000 * weights / weights.sum()
    found = np.array([np.count_nonzero(draws == movie) for movie in np.unique(movies)])
    assert found[1] == 0
    unseen = expected > 0
    chi_square = float(((found - expected)[unseen] ** 2 / expected[unseen]).sum())
    assert chi_square < 18.5, "4 degrees of freedom: exceeded once in a thousand worlds"


def test_someone_who_saw_everything_gets_no_negatives() -> None:
    users, movies = np.repeat([1, 2], [3, 1]), np.array([7, 8, MAX_ID, 8])
    sampler = NegativeSampler(users, movies, 0.75)
    draws, kept = sampler.draw(np.array([1, 2, 1, 2]), np.random.default_rng(1), tries=50)
    assert kept.tolist() == [False, True, False, True]
    assert set(draws[kept].tolist()) <= {7, MAX_ID}


def test_a_person_who_saw_everything_keeps_the_positives_in_the_files(tmp_path: Path) -> None:
    world = random_world(users=6, movies=8, seed=6)
    everything = {rating.movie_id for rating in world.ratings}
    fan = [rating for rating in world.ratings if rating.user_id == 7]
    missing = sorted(everything - {rating.movie_id for rating in fan})
    template = fan[0]
    extra = tuple(type(template)(template.user_id, movie, 5.0, template.timestamp) for movie in missing)
    write_fit(tmp_path, world.ratings + extra, world.movies, "release")
    mine = [row for row in rows(tmp_path / "choice.parquet") if row["userId"] == 7]
    assert [row["label"] for row in mine] == [1] * len(everything)


def test_is_seen_is_exact_at_both_ends_of_the_ids() -> None:
    users, movies = np.array([1, MAX_ID]), np.array([MAX_ID, 1])
    sampler = NegativeSampler(users, movies, 1.0)
    asked = sampler.is_seen(np.array([1, 1, MAX_ID, MAX_ID]), np.array([1, MAX_ID, 1, MAX_ID]))
    assert asked.tolist() == [False, True, True, False]


def test_drawing_for_nobody_is_empty() -> None:
    sampler = NegativeSampler(np.array([1]), np.array([2]), 1.0)
    draws, kept = sampler.draw(np.array([], dtype=np.int64), np.random.default_rng(1))
    assert draws.shape == kept.shape == (0,)
