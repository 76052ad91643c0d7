"""The served pipeline as a contender: built from train rows alone, asked as the site asks, whatever columns a file has."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sparrow.cli import for_you as contender
from sparrow.cli.for_you import for_you, stars_of
from sparrow.cli.trial_times import BEGIN, SPAN, dealt_out, order_tells, times_of, trial_times
from sparrow.config import Settings, load_settings
from sparrow.evaluation.cases import Case, make_case
from sparrow.evaluation.rows import Rows
from sparrow.online.recommender import Recommender
from sparrow.schema import Movie, MovieId
from tests.cli.commands import Command
from tests.conftest import SMALL
from tests.online.memory import make_recommender
from tests.worlds import checkerboard

WORLD = checkerboard()
ODD_IDS = -7
"""What is added to a hundred times each id: any int64 will do in a file."""


def liked_rows() -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(train, test) pairs of the liked rows, each person's last three being test, with ids that no dataset would allow."""
    train: list[tuple[int, int]] = []
    test: list[tuple[int, int]] = []
    for user in range(1, 61):
        own = [(100 * user + ODD_IDS, 100 * row.movie_id + ODD_IDS)
               for row in WORLD.ratings if row.user_id == user and row.score > 3]  # fmt: skip
        train, test = train + own[:-3], test + own[-3:]
    return train, test


def write(path: Path, rows: Sequence[tuple[int, ...]]) -> Path:
    path.write_text("userId,movieId\n" + "\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_bare_pairs_are_enough_and_the_parity_is_found(sparrow: Command, tmp_path: Path) -> None:
    train, test = liked_rows()
    settings = tmp_path / "small.toml"
    settings.write_text(SMALL, encoding="utf-8")
    words = ("evaluate", "--train", write(tmp_path / "train.csv", train), "--test", write(tmp_path / "test.csv", test))
    ended = sparrow(*words, "--recommenders", "popular,for_you", "--k", "5", "--config", settings, "--json")
    assert ended.code == 0, ended
    popular, served = ended.json["rows"]
    assert (served["recommender"], served["people"]) == ("for_you", 60)
    assert served["metrics"]["ndcg@5"] > 1.3 * popular["metrics"]["ndcg@5"], "only the parity is personal"
    assert "assemble" in ended.err, "the stages of the build are told"


def case_of(valid: Rows | None = None) -> Case:
    """Train and test of the whole checkerboard, in file order, ratings and times told."""
    rows = Rows(*(np.array([getattr(row, name) for row in WORLD.ratings])
                  for name in ("user_id", "movie_id", "score", "timestamp")))  # fmt: skip
    test = np.arange(len(rows)) >= len(rows) - 120
    return make_case(rows.take(~test), rows.take(test), valid)


def asked_with(monkeypatch: pytest.MonkeyPatch, case: Case, settings: Settings) -> tuple[dict[str, object], np.ndarray]:
    """What the build is given, and the lists of the case's people, with a recommender in memory in the build's place."""
    given: dict[str, object] = {}

    def build(_home: Path, source: str, wanted: Settings, _reporter: object) -> Recommender:
        import pyarrow.parquet as pq

        given["ratings"] = pq.read_table(Path(source) / "ratings.parquet")
        given["movies"] = pq.read_table(Path(source) / "movies.parquet")
        return make_recommender(WORLD, wanted)

    monkeypatch.setattr(contender, "build_trial", build)
    known = {1: Movie(MovieId(1), "The First", 1999, ("Drama",), "7", "8")}
    asker = for_you(settings, lambda: known).fit(case, {})
    return given, asker(case, case.test, 10).lists


def test_the_build_sees_train_rows_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of()
    given, lists = asked_with(monkeypatch, case, Settings())
    ratings, movies = given["ratings"], given["movies"]
    assert ratings.num_rows == len(case.train)  # type: ignore[attr-defined]
    assert ratings["timestamp"].to_pylist() == case.train.times().tolist()  # type: ignore[index]
    assert movies["title"].to_pylist()[:2] == ["The First", "Movie 2"]  # type: ignore[index]
    assert movies["movieId"].to_pylist() == list(range(1, len(case.movies) + 1))  # type: ignore[index]
    assert lists.shape == (len(np.unique(case.test.users)), 10)


def test_masked_and_hidden_movies_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = case_of()
    _, lists = asked_with(monkeypatch, plain, Settings())
    first = plain.movies[lists[:, 0]]
    people = np.unique(plain.test.users)
    masked = case_of(Rows(people, first))
    _, without = asked_with(monkeypatch, masked, Settings())
    assert not (masked.movies[without] == first[:, None]).any()
    _, hidden = asked_with(monkeypatch, plain, Settings.model_validate({"candidates": {"hidden": [int(first[0])]}}))
    assert not (plain.movies[hidden] == first[0]).any()


def test_ratings_become_stars() -> None:
    users, movies = np.array([1, 1, 2, 2]), np.array([5, 6, 5, 6])
    for told in (None, np.full(4, 3.0)):
        assert stars_of(Rows(users, movies, told)).tolist() == [5, 5, 5, 5], "met is liked where nothing else is said"
    assert stars_of(Rows(users, movies, np.array([1.0, 3.7, 4.0, 5.0]))).tolist() == [1, 3.5, 4, 5]
    assert stars_of(Rows(users, movies, np.array([-1.0, 0.0, 0.0, 1.0]))).tolist() == [0.5, 3, 3, 5]


def test_times_cut_everybody_alike_where_there_are_none_and_keep_their_order_where_they_are_odd() -> None:
    users, movies = np.array([2, 1, 2, 2, 1, 2]), np.arange(6)
    times = times_of(Rows(users, movies))
    assert times[users == 1].tolist() == [BEGIN + SPAN // 2, BEGIN + SPAN]
    assert times[users == 2].tolist() == [BEGIN + SPAN * part // 4 for part in (1, 2, 3, 4)]
    sound = np.array([5, 9, 7, 6, 8, 0])
    assert times_of(Rows(users, movies, None, sound)).tolist() == sound.tolist()
    for odd in (sound - 3, sound + 10**12):
        assert np.array_equal(np.argsort(times_of(Rows(users, movies, None, odd))), np.argsort(sound))


def test_a_random_split_deals_out_the_times_and_a_later_test_keeps_them() -> None:
    """By chance a person's held-back rows are then a random part of train; what they are dealt is theirs."""
    everything = case_of().train
    rng = np.random.default_rng(5)
    tested = rng.random(len(everything)) < 0.25
    random = everything.take(~tested), everything.take(tested)
    order = everything.in_time()
    last = np.append(np.diff(everything.users[order]) != 0, True)
    later = everything.take(order[~last]), everything.take(order[last])
    assert not order_tells(*random)
    assert order_tells(*later)
    train, test = random
    times = trial_times(train, test)
    assert (times != train.times()).mean() > 0.8
    dealt = dealt_out(train.times(), train.users)
    for user in np.unique(train.users):
        assert sorted(dealt[train.users == user]) == sorted(train.times()[train.users == user])
    assert trial_times(*later).tolist() == later[0].times().tolist()


def test_what_one_second_holds_keeps_its_order() -> None:
    rows = Rows(np.array([1, 2, 1, 1, 2]), np.array([9, 9, 3, 5, 1]), None, np.array([7, 7, 7, 8, 7]))
    times = trial_times(rows, rows.take(np.array([0])))
    assert times[rows.users == 1].tolist() == [7, 8, 9]
    assert times[rows.users == 2].tolist() == [7, 8]


def test_the_settings_of_the_small_release_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert load_settings(path, environ={}).collaborative.dim == 8
