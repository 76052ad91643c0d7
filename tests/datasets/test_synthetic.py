"""The synthetic world: exact in its counts, equal by seed, MovieLens-shaped, and hiding a taste that can be found."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from sparrow.datasets import import_dataset, synthetic_people
from sparrow.datasets.synthetic import Truth, synthesize
from sparrow.datasets.synthetic_catalogue import make_catalogue
from sparrow.datasets.synthetic_choices import draw_ratings
from sparrow.datasets.synthetic_people import blocks_of, draw_activity, draw_people
from sparrow.datasets.synthetic_plan import END, START, make_plan
from sparrow.errors import DataError, InvalidInput
from sparrow.schema import NO_GENRES

RATINGS, SEED = 60_000, 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One world of MovieLens' proportions: its folder, what was told, its columns, its truth."""
    folder = tmp_path_factory.mktemp("synthetic") / "world"
    told = synthesize(folder, RATINGS, seed=SEED)
    table = pyarrow.csv.read_csv(folder / "ratings.csv")
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return SimpleNamespace(folder=folder, told=told, truth=Truth.load(folder), **columns)


def gini(counts: np.ndarray) -> float:
    """0: all equal; 1: one has everything."""
    ordered = np.sort(counts)
    return float((2 * np.arange(1, len(ordered) + 1) - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_equal_seed_equal_bytes_and_another_seed_another_world(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_people, "BLOCK_ROWS", 2_000)
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        synthesize(tmp_path / name, 5_000, seed=seed)
    one, two, other = (digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    assert one["ratings.csv"] != other["ratings.csv"]
    assert one["movies.csv"] != other["movies.csv"]


def test_counts_are_exact_order_is_movielens_and_nobody_rates_twice(world):
    assert len(world.userId) == RATINGS == world.told.ratings
    assert (world.told.people, world.told.movies) == (len(np.unique(world.userId)), len(world.truth.movie_ids))
    person, movie = np.diff(world.userId), np.diff(world.movieId)
    assert np.all((person > 0) | ((person == 0) & (movie > 0)))
    assert set(np.unique(world.userId)) == set(range(1, world.told.people + 1))
    assert set(np.unique(2 * world.rating)) <= set(range(1, 11))
    assert world.timestamp.min() >= START
    assert world.timestamp.max() <= END


def test_an_import_finds_no_fault(world, tmp_path):
    report = import_dataset(world.folder, tmp_path)
    assert report.is_clean
    assert [file.file for file in report.files] == ["ratings.csv", "movies.csv", "links.csv", "tags.csv"]
    assert report.files[0].kept == RATINGS
    assert report.files[3].kept == world.told.tags > 0


def test_the_catalogue_is_as_awkward_as_a_real_one(world, tmp_path):
    import_dataset(world.folder, tmp_path)
    movies = pq.read_table(tmp_path / "movies.parquet").to_pydict()
    titles, text = movies["title"], (world.folder / "movies.csv").read_text(encoding="utf-8")
    assert any("," in title for title in titles)
    assert any('"' in title for title in titles)
    assert any(not title.isascii() for title in titles)
    assert NO_GENRES in text
    assert 0 < movies["releaseYear"].count(0) < len(titles) / 50
    assert 0 < movies["tmdbId"].count("") < len(titles) / 50
    years = dict(zip(movies["movieId"], movies["releaseYear"], strict=True))
    first = {}
    for movie, second in zip(world.movieId.tolist(), world.timestamp.tolist(), strict=True):
        first[movie] = min(second, first.get(movie, second))
    rated_in = {movie: 1970 + int(second // (365.25 * 86_400)) for movie, second in first.items()}
    assert all(years[movie] <= year for movie, year in rated_in.items())


def test_people_and_movies_are_long_tailed(world):
    people, movies = np.bincount(world.userId)[1:], np.unique(world.movieId, return_counts=True)[1]
    assert 0.55 < gini(people) < 0.75  # MovieLens latest small: 0.60
    assert 0.55 < gini(movies) < 0.8  # 0.72
    assert movies.max() > 0.25 * world.told.people
    assert np.mean(movies == 1) > 0.1


def test_time_runs_in_sessions_with_many_ratings_in_one_second(world):
    order = np.lexsort((world.timestamp, world.userId))
    gaps = np.diff(world.timestamp[order])[np.diff(world.userId[order]) == 0]
    assert 0.1 < np.mean(gaps == 0) < 0.4
    assert 5 < np.median(gaps) < 60
    assert 0.005 < np.mean(gaps > 86_400) < 0.2


def test_liked_genres_follow_the_planted_dirichlet(world):
    """Each person's share of the listed genres among liked movies against the planted taste, both freed of the mean."""
    rows = np.searchsorted(world.truth.movie_ids, world.movieId)
    liked = world.rating >= 4
    genres = world.truth.movie_factors[:, : world.truth.person_genres.shape[1]]
    found = np.zeros_like(world.truth.person_genres)
    np.add.at(found, world.userId[liked] - 1, genres[rows[liked]])
    known = found.sum(axis=1) >= 30
    found = found[known] / found[known].sum(axis=1, keepdims=True)
    planted = world.truth.person_genres[known]
    assert np.corrcoef((found - found.mean(axis=0)).ravel(), (planted - planted.mean(axis=0)).ravel())[0, 1] > 0.6


def test_stars_follow_what_the_truth_expects(world):
    expected = world.truth.expected_stars(world.userId, world.movieId)
    assert np.corrcoef(expected, world.rating)[0, 1] > 0.6
    assert abs(np.mean(world.rating) - np.mean(np.clip(expected, 0.5, 5.0))) < 0.1


def test_series_are_watched_in_a_row_more_often_than_chance(world):
    """A sequence model can gain: the next part of a series follows its predecessor far more often than a shuffled order tells."""
    successor = np.load(world.folder / "truth" / "movie_successor.npy")
    rows = np.searchsorted(world.truth.movie_ids, world.movieId)

    def hits(tie: np.ndarray) -> int:
        order = np.lexsort((tie, world.userId))
        same = np.diff(world.userId[order]) == 0
        return int(np.sum(successor[rows[order]][:-1][same] == rows[order][1:][same]))

    assert hits(world.timestamp) > 3 * hits(np.random.default_rng(1).random(RATINGS))


def test_tags_name_the_hidden_strand(world):
    told = json.loads((world.folder / "truth" / "world.json").read_text(encoding="utf-8"))
    topics = np.load(world.folder / "truth" / "movie_topics.npy")
    tags = pyarrow.csv.read_csv(world.folder / "tags.csv").to_pydict()
    genre = [told["genres"][topic // told["strands"]].lower() for topic in topics.tolist()]
    rows = np.searchsorted(world.truth.movie_ids, np.array(tags["movieId"])).tolist()
    named = [tag.endswith(genre[row]) for tag, row in zip(tags["tag"], rows, strict=True)]
    assert 0.5 < np.mean(named) < 0.7


def test_blocks_do_not_grow_with_the_world():
    """People come block by block: the largest block is bounded, whatever the number of ratings."""
    largest = []
    for ratings in (3_000_000, 30_000_000):
        plan = make_plan(ratings, 20_000, None, seed=1, min_ratings=1)
        counts = draw_activity(plan)
        blocks = [int(counts[place].sum()) for place in blocks_of(counts)]
        assert sum(blocks) == ratings
        largest.append(max(blocks))
    bound = synthetic_people.BLOCK_ROWS + 20_000 // 4
    assert max(largest) <= bound
    assert len(blocks) > 100


def test_a_block_is_the_same_whatever_came_before_it(monkeypatch):
    monkeypatch.setattr(synthetic_people, "BLOCK_ROWS", 1_000)
    plan = make_plan(10_000, None, None, seed=1, min_ratings=1)
    catalogue, counts = make_catalogue(plan), draw_activity(plan)
    last = blocks_of(counts)[-1]
    one, two = (draw_ratings(plan, catalogue, draw_people(plan, catalogue, last, counts[last])) for _ in range(2))
    assert np.array_equal(one.movie, two.movie)
    assert np.array_equal(one.time, two.time)


@pytest.mark.parametrize(
    ("ratings", "movies", "people", "fewest"),
    [
        (1, None, None, 1),
        (7, None, 7, 1),
        (2_000, 20, 200, 10),
        (2_000, 40, 100, 20),
        (3_000, 400, 100, 20),
        (64, 8, 16, 1),
    ],
)
def test_small_and_dense_worlds_are_exact_too(tmp_path, ratings, movies, people, fewest):
    told = synthesize(tmp_path / "world", ratings, movies, people, min_ratings=fewest)
    table = pyarrow.csv.read_csv(tmp_path / "world" / "ratings.csv").to_pandas()
    assert len(table) == ratings
    assert not table.duplicated(["userId", "movieId"]).any()
    assert table.groupby("userId").size().min() >= fewest
    assert table["userId"].nunique() == told.people
    assert import_dataset(tmp_path / "world", tmp_path / "imported").files[0].dropped == 0


def test_progress_is_told_up_to_the_end(tmp_path):
    told: list[tuple[int, int]] = []
    synthesize(tmp_path / "world", 1_000, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (1_000, 1_000)
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"ratings": 0}, "number of ratings must be at least 1, not 0"),
        ({"ratings": -5}, "number of ratings must be at least 1, not -5"),
        ({"ratings": 100, "movies": 0}, "number of movies must be at least 1, not 0"),
        ({"ratings": 100, "movies": 2_000_000}, "at most 1,000,000"),
        ({"ratings": 100, "people": -1}, "number of people must be at least 1, not -1"),
        ({"ratings": 100, "people": 101}, "100 ratings are too few for 101 people"),
        ({"ratings": 100, "people": 10, "min_ratings": 20}, "ask for 200 or more"),
        ({"ratings": 100, "people": 2, "movies": 50}, "100 ratings are too many for 2 people and 50 movies"),
        ({"ratings": 100, "min_ratings": 0}, "fewest ratings of a person must be at least 1, not 0"),
        ({"ratings": 100, "seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_sizes_that_cannot_be_are_refused_in_words(tmp_path, sizes, words):
    with pytest.raises(InvalidInput, match=words):
        synthesize(tmp_path / "world", **sizes)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    for place in (tmp_path / "full", tmp_path / "full" / "mine.txt"):
        with pytest.raises(InvalidInput, match="name a new or an empty folder with --out"):
            synthesize(place, 100)
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    assert synthesize(tmp_path / "empty", 100).ratings == 100


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match=r"10,000,000,000,000 ratings need about .* are free"):
        synthesize(tmp_path / "world", 10**13, movies=1_000_000, people=10**9)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_world_never_appears(tmp_path):
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "world", 1_000, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
