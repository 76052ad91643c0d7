"""Cuts in global time, folds in each person's own, and what each fit may know of them."""

from collections import defaultdict
from pathlib import Path

import pytest

from sparrow.config import Settings, Split
from sparrow.errors import BuildError
from sparrow.features.genres import MAX_GENRES, Genres
from sparrow.features.jobs import Cuts
from sparrow.schema import Movie, MovieId, Rating, UserId
from tests.features.prepared import SETTINGS, Row, engine_with_events, rows, write_fit
from tests.features.prepared import events as events_of
from tests.worlds import START, checkerboard, random_world

MOVIES = tuple(Movie(MovieId(number), f"M{number}", 2000, ("Drama",)) for number in range(1, 101))


def events(folder: Path, ratings: list[Rating], settings: Settings = SETTINGS) -> list[Row]:
    with engine_with_events(folder, ratings, MOVIES, settings):
        return events_of(folder)


def test_shares_are_as_asked_and_no_second_is_torn(tmp_path: Path) -> None:
    ratings = [Rating(UserId(1 + at % 7), MovieId(1 + at % 100), 4.0, START + at // 4) for at in range(1000)]
    settings = Settings(split=Split(valid=0.2, test=0.1))
    found = events(tmp_path, ratings, settings)
    seconds: dict[str, set[int]] = defaultdict(set)
    for row in found:
        seconds[row["split"]].add(row["timestamp"])
    shares = {name: sum(row["split"] == name for row in found) / len(found) for name in seconds}
    assert shares == pytest.approx({"train": 0.7, "valid": 0.2, "test": 0.1}, abs=0.005)
    assert max(seconds["train"]) < min(seconds["valid"]) <= max(seconds["valid"]) < min(seconds["test"])
    cuts = Cuts.load(tmp_path / "cuts.json")
    assert (cuts.valid_from, cuts.test_from) == (min(seconds["valid"]), min(seconds["test"]))


def test_many_rows_of_the_second_of_the_cut_go_together(tmp_path: Path) -> None:
    ratings = [Rating(UserId(1), MovieId(at + 1), 4.0, START + (at if at < 50 else 50)) for at in range(100)]
    found = events(tmp_path, ratings)
    assert {row["split"] for row in found if row["timestamp"] == START + 50} == {"test"}
    assert sum(row["split"] == "train" for row in found) == 50


@pytest.mark.parametrize("seed", [1, 2])
def test_folds_follow_each_persons_own_order(tmp_path: Path, seed: int) -> None:
    world = random_world(users=60, seed=seed)
    with engine_with_events(tmp_path, world.ratings, world.movies):
        found = [row for row in events_of(tmp_path) if row["split"] == "train"]
    people: dict[int, list[Row]] = defaultdict(list)
    for row in found:
        people[row["userId"]].append(row)
    for mine in people.values():
        for row in mine:
            earlier = sum(other["timestamp"] < row["timestamp"] for other in mine) / len(mine)
            assert row["fold"] == ("last" if earlier >= 0.9 else "stop" if earlier >= 0.8 else "fit")
        assert next(iter(sorted(mine, key=lambda row: row["timestamp"])))["fold"] == "fit"
    assert {row["fold"] for row in found} == {"fit", "stop", "last"}


def test_rows_after_the_cut_have_no_fold_of_their_own(tmp_path: Path) -> None:
    world = checkerboard(users=10)
    with engine_with_events(tmp_path, world.ratings, world.movies):
        found = events_of(tmp_path)
    assert {row["fold"] for row in found if row["split"] != "train"} == {"fit"}
    assert len(found) == len(world.ratings)


def test_the_judging_fit_knows_nothing_after_the_cut_nor_of_anyones_last_rows(tmp_path: Path) -> None:
    world = random_world(users=60, seed=3)
    cuts = write_fit(tmp_path, world.ratings, world.movies, "judging")
    folds = {(row["userId"], row["movieId"]): (row["split"], row["fold"]) for row in events_of(tmp_path)}
    known = rows(tmp_path / "judging" / "known.parquet")
    assert all(row["timestamp"] < cuts.valid_from for row in known)
    assert all(folds[row["userId"], row["movieId"]][1] != "last" for row in known)
    assert len(known) == sum(split == "train" and fold != "last" for split, fold in folds.values())
    assert sum(row["movie_count"] for row in rows(tmp_path / "judging" / "movies.parquet")) == len(known)
    assert sum(row["user_count"] for row in rows(tmp_path / "judging" / "users.parquet")) == len(known)
    positives = [row for row in rows(tmp_path / "judging" / "choice.parquet") if row["label"] == 1]
    assert {folds[row["userId"], row["movieId"]] for row in positives} == {("train", "fit")}
    assert len(positives) == sum(place == ("train", "fit") for place in folds.values())


def test_the_release_fit_knows_everything(tmp_path: Path) -> None:
    world = random_world(seed=3)
    write_fit(tmp_path, world.ratings, world.movies, "release")
    assert len(rows(tmp_path / "release" / "known.parquet")) == len(world.ratings)
    positives = [row for row in rows(tmp_path / "release" / "choice.parquet") if row["label"] == 1]
    assert {(row["userId"], row["movieId"], row["timestamp"]) for row in positives} == {
        (rating.user_id, rating.movie_id, rating.timestamp) for rating in world.ratings
    }


def test_shares_that_leave_no_training_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"split\.valid \+ split\.test leave -10%"):
        events(tmp_path, [Rating(UserId(1), MovieId(1), 4.0, START)], Settings(split=Split(valid=0.6, test=0.5)))


def test_a_world_without_ratings_says_so(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="holds no rating"):
        events(tmp_path, [])


def test_one_second_of_ratings_leaves_nothing_to_learn_from(tmp_path: Path) -> None:
    ratings = [Rating(UserId(1), MovieId(number), 4.0, START) for number in (1, 2, 3)]
    with pytest.raises(BuildError, match=r"No rating lies before the cut; lower split\.valid"):
        write_fit(tmp_path, ratings, MOVIES, "judging")


def test_only_the_most_frequent_genres_get_a_sum(tmp_path: Path) -> None:
    names = [f"genre {number:02d}" for number in range(MAX_GENRES + 5)]
    movies = tuple(Movie(MovieId(at + 1), "M", 0, tuple(names[: at + 1])) for at in range(len(names)))
    with engine_with_events(tmp_path, [Rating(UserId(1), MovieId(1), 4.0, START)], movies):
        assert list(Genres.load(tmp_path / "genres.json").names) == sorted(names[:MAX_GENRES])
