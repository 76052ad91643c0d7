"""What the references of the benchmark are told: as of just before each row, by a plain loop; and the random clock's promise."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.liking.choices import ask_questions
from benchmarks.liking.material import Prepared
from benchmarks.liking.plain_features import SMOOTHING
from sparrow.config import Settings
from sparrow.features.genres import Genres
from tests.worlds import random_world, write_movielens


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder, world = tmp_path_factory.mktemp("rows"), random_world()
    return Prepared(folder / "home", str(write_movielens(folder / "data", world.ratings, world.movies)), Settings())


def test_a_persons_own_genres_are_those_rated_before(prepared: Prepared) -> None:
    rows, movies = prepared.rated(), prepared.material.movies
    told, names = prepared.plain(rows), Genres.load(prepared.features / "genres.json").names
    genres = dict(zip(movies["movieId"].to_pylist(), movies["genres"].to_pylist(), strict=True))
    listed = rows.select(["userId", "movieId", "timestamp", "half"]).to_pylist()
    for at, row in enumerate(listed):
        before = [one for one in listed if one["userId"] == row["userId"] and one["timestamp"] < row["timestamp"]]
        own = [name for name in names if name in (genres[row["movieId"]] or ())]
        mean = np.mean([one["half"] / 2 for one in before]) if before else 3.5
        over = []
        for name in own:
            stars = [one["half"] / 2 for one in before if name in (genres[one["movieId"]] or ())]
            over.append(sum(star - mean for star in stars) / (len(stars) + SMOOTHING))
        expected = sum(over) / len(own) if own else 0.0
        assert told["own_genres_over_mean"][at] == pytest.approx(expected, abs=1e-5)


def test_questions_ask_for_what_came_later_and_list_nothing_seen(prepared: Prepared) -> None:
    rows = prepared.rated()
    questions = ask_questions(rows)
    assert len(questions["next"].people) > 0
    for name, question in questions.items():
        for person, first, seen, relevant in zip(
            question.people, question.first["timestamp"].to_pylist(), question.seen, question.relevant, strict=True
        ):
            own = rows.filter(rows["userId"].to_numpy() == person)
            times = dict(zip(own["movieId"].to_pylist(), own["timestamp"].to_pylist(), strict=True))
            assert not set(seen.tolist()) & set(relevant.tolist()), name
            assert all(times[movie] <= first for movie in seen.tolist()), name
            assert all(times[movie] >= first for movie in relevant.tolist()), name


def test_the_random_clock_shows_a_test_row_all_training_rows_and_no_other(tmp_path: Path) -> None:
    from benchmarks.liking.like_prediction import open_likes

    source = tmp_path / "ml-100k"
    source.mkdir()
    rng = np.random.default_rng(1)
    pairs = [(user, movie) for user in range(1, 31) for movie in rng.permutation(np.arange(1, 26))[:20]]
    lines = [f"{user}\t{movie}\t{rng.integers(1, 6)}\t{at}" for at, (user, movie) in enumerate(pairs)]
    (source / "u.data").write_text("\n".join(lines) + "\n")
    flags = "|".join("1" if at in (1, 8) else "0" for at in range(19))
    items = [f"{movie}|Film {movie} (1995)|01-Jan-1995||http://x|{flags}" for movie in range(1, 26)]
    (source / "u.item").write_text("\n".join(items) + "\n", encoding="latin-1")
    likes = open_likes(tmp_path / "home", source, "random", 1)
    user, movie = (likes.rows[name].to_numpy() for name in ("userId", "movieId"))
    trained = likes.part == 0
    assert np.bincount(likes.part).tolist() == [479, 61, 60]
    for at in np.flatnonzero(~trained):
        assert likes.rows["user_count"][int(at)].as_py() == (trained & (user == user[at])).sum()
        assert likes.rows["movie_count"][int(at)].as_py() == (trained & (movie == movie[at])).sum()
