"""The choice set: who is a negative, how often, and at which moment."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sparrow.config import Samples
from sparrow.features import samples
from sparrow.features.definitions import USER_SUMS
from sparrow.features.draws import DrawChoices, Popularity
from sparrow.features.jobs import FITS, Cuts, Fit
from sparrow.schema import MAX_ID
from tests.features.prepared import SETTINGS, Row, events, rows, write_fit
from tests.worlds import random_world


@pytest.mark.parametrize("fit", FITS)
def test_negatives_are_unseen_and_stand_beside_their_positive(tmp_path: Path, fit: Fit) -> None:
    world = random_world(users=40, seed=4)
    settings = SETTINGS.model_copy(update={"samples": Samples(negatives=3)})
    write_fit(tmp_path, world.ratings, world.movies, fit, settings)
    choice = rows(tmp_path / fit / "choice.parquet")
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
        draws = rows(tmp_path / str(place) / "judging" / "choice.parquet")
        drawn.append(sorted((row["userId"], row["movieId"], row["label"]) for row in draws))
    assert drawn[0] == drawn[1] != drawn[2]


def draw(users: list[int], movies: list[int], exponent: float, negatives: int, seed: int = 1) -> list[Row]:
    """What `DrawChoices` makes of liked rows, each person's in seconds of their own."""
    table = sorted(zip(users, movies, strict=True))
    user, movie = np.array(table, dtype=np.int64).T
    ids, counts = np.unique(movie, return_counts=True)
    kernel = DrawChoices(Popularity.of(ids, counts, exponent), negatives, newest_from=0, seed=seed, favourites=0)
    columns = {"userId": user, "movieId": movie, "timestamp": np.arange(len(user)), "fold": ["fit"] * len(user)}
    sums = {name: np.zeros(len(user), dtype=np.int32) for name in USER_SUMS}
    return list(kernel(pa.table({**columns, **sums})).to_pylist())


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_negatives_follow_popularity_to_the_exponent(exponent: float) -> None:
    counts = np.array([1, 2, 5, 10, 40, 100])
    ids = np.array([3, 5, 8, 2**40, 2**62, MAX_ID])
    users = 10 + np.concatenate([np.arange(count) for count in counts])  # person 10 saw all, 11 all but movie 3, …
    mine = draw([*users.tolist(), 1], [*np.repeat(ids, counts).tolist(), 5], exponent, negatives=20_000)
    drawn = np.array([row["movieId"] for row in mine if row["userId"] == 1 and row["label"] == 0])
    weights = (counts + np.array([0, 1, 0, 0, 0, 0])).astype(float) ** exponent
    weights[1] = 0.0  # movie 5 is the one that person 1 saw
    expected = len(drawn) * weights / weights.sum()
    found = np.array([np.count_nonzero(drawn == movie) for movie in ids])
    assert len(drawn) > 19_000
    assert found[1] == 0
    unseen = expected > 0
    chi_square = float(((found - expected)[unseen] ** 2 / expected[unseen]).sum())
    assert chi_square < 18.5, "4 degrees of freedom: exceeded once in a thousand worlds"


def test_someone_who_saw_everything_gets_no_negatives() -> None:
    found = draw([1, 1, 1, 2], [7, 8, MAX_ID, 8], 0.75, negatives=50)
    assert not [row for row in found if row["userId"] == 1 and row["label"] == 0]
    assert {row["movieId"] for row in found if row["userId"] == 2 and row["label"] == 0} == {7, MAX_ID}


@pytest.mark.parametrize("fit", FITS)
def test_only_the_newest_ratings_become_rows_and_these_are_the_same_as_among_all(tmp_path: Path, fit: Fit) -> None:
    world = random_world(users=30, seed=7)
    limited = SETTINGS.model_copy(update={"samples": Samples(max_positives=100)})
    write_fit(tmp_path / "all", world.ratings, world.movies, fit)
    write_fit(tmp_path / "newest", world.ratings, world.movies, fit, limited)
    cuts = Cuts.load(tmp_path / "all" / "cuts.json")
    trained = [
        event for event in events(tmp_path / "all")
        if fit == "release" or (event["timestamp"] < cuts.valid_from and event["fold"] == "fit")
    ]  # fmt: skip
    begins = sorted(event["timestamp"] for event in trained)[-100]
    for name in ("liking", "choice"):
        every, newest = (by_key(rows(tmp_path / place / fit / f"{name}.parquet")) for place in ("all", "newest"))
        assert newest == [row for row in every if row["timestamp"] >= begins]
        assert len(newest) < len(every)
    recent = {event["userId"] for event in trained if event["timestamp"] >= begins}
    older = {
        (event["userId"], event["movieId"])
        for event in trained if event["timestamp"] < begins and event["userId"] in recent
    }  # fmt: skip
    seen = rows(tmp_path / "newest" / fit / "seen.parquet")
    assert {(row["userId"], row["movieId"]) for row in seen} == older != set()
    assert not (tmp_path / "all" / fit / "seen.parquet").exists()


def by_key(sample: list[Row]) -> list[Row]:
    """In an order of their own: files are spread by chance."""
    return sorted(sample, key=lambda row: (row["userId"], row["timestamp"], row["movieId"], row["label"]))


def test_a_part_is_a_random_sample_of_its_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world(users=60, movies=40, seed=8)
    monkeypatch.setattr(samples, "ROWS_PER_PART", len(world.ratings) // 3)
    write_fit(tmp_path, world.ratings, world.movies, "release")
    for name, total in (("liking", len(world.ratings)), ("choice", 5 * len(world.ratings))):
        parts = [rows(part) for part in sorted((tmp_path / "release" / f"{name}.parquet").iterdir())]
        sizes = [len(part) for part in parts]
        assert len(parts) == 4
        assert sum(sizes) >= 0.9 * total
        assert max(sizes) < 1.5 * min(sizes)
        people = len({rating.user_id for rating in world.ratings})
        assert all(len({row["userId"] for row in part}) > 0.7 * people for part in parts)


def test_a_person_who_saw_everything_keeps_the_positives_in_the_files(tmp_path: Path) -> None:
    world = random_world(users=6, movies=8, seed=6)
    everything = {rating.movie_id for rating in world.ratings}
    fan = [rating for rating in world.ratings if rating.user_id == 7]
    missing = sorted(everything - {rating.movie_id for rating in fan})
    template = fan[0]
    extra = tuple(type(template)(template.user_id, movie, 5.0, template.timestamp) for movie in missing)
    write_fit(tmp_path, world.ratings + extra, world.movies, "release")
    mine = [row for row in rows(tmp_path / "release" / "choice.parquet") if row["userId"] == 7]
    assert [row["label"] for row in mine] == [1] * len(everything)
