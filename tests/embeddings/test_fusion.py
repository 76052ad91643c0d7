"""The fusion: an exact weighed sum, a score for every pair, and honesty where little is known."""

import numpy as np
import pytest

from sparrow.embeddings.content_files import Films, Ratings, read_films, read_ratings
from sparrow.embeddings.fusion import (
    WEIGHTS,
    co_rating_block,
    content_blocks,
    deviation,
    filled,
    join_blocks,
    pooled,
    train_content,
    train_fusion,
)
from sparrow.embeddings.fusion_co_ratings import train_co_ratings
from sparrow.embeddings.low_rank import low_rank
from sparrow.embeddings.similarity_lists import pair_scores
from sparrow.errors import BuildError
from sparrow.features.series import ALONE, series
from sparrow.stores.embedding_table import unit
from tests.embeddings.likes import write_known
from tests.worlds import World, checkerboard, random_world, write_canonical


def films_of(world: World) -> Films:
    return Films(
        ids=np.array([movie.movie_id for movie in world.movies]),
        titles=tuple(movie.title for movie in world.movies),
        years=np.array([movie.release_year for movie in world.movies]),
        genres=tuple(movie.genres for movie in world.movies),
        tagged=np.empty(0, dtype=np.int64),
        tags=(),
    )


def ratings_of(world: World) -> Ratings:
    columns = zip(*[(row.user_id, row.movie_id, row.score) for row in world.ratings], strict=True)
    users, movies, stars = (np.array(column) for column in columns)
    return Ratings(users, movies, stars.astype(float))


def test_low_rank_is_the_svd_less_what_is_skipped() -> None:
    from scipy.sparse import csr_matrix

    matrix = np.random.default_rng(3).normal(size=(30, 12))
    left, strengths, _ = np.linalg.svd(matrix, full_matrices=False)
    exact = left[:, 1:5] * np.sqrt(strengths[1:5])
    found = low_rank(csr_matrix(matrix), 4, skip=1)
    np.testing.assert_allclose(found @ found.T, exact @ exact.T, atol=1e-6)
    assert low_rank(csr_matrix(np.outer(np.ones(4), np.ones(3))), 5).shape == (4, 1), (
        "a matrix of rank 1 has one direction"
    )


def test_co_ratings_find_the_checkerboard() -> None:
    table = train_co_ratings(ratings_of(checkerboard()), dim=4)
    near = table.comparable() @ table.comparable().T
    parity = table.ids % 2
    same = parity[:, None] == parity
    np.fill_diagonal(near, np.nan)
    assert np.nanmean(near[same]) > np.nanmean(near[~same]) + 0.3


def test_co_ratings_of_one_person_or_none() -> None:
    one = train_co_ratings(Ratings(np.array([1, 1]), np.array([3, 4]), np.array([5.0, 3.0])))
    assert one.vectors.shape[0] == 2
    nobody = np.empty(0, dtype=np.int64)
    with pytest.raises(BuildError, match="need ratings"):
        train_co_ratings(Ratings(nobody, nobody, np.empty(0)))


def test_the_inner_product_is_the_weighed_sum_of_calibrated_similarities() -> None:
    chance = np.random.default_rng(5)
    blocks = {
        name: unit(chance.normal(size=(40, dim)).astype(np.float32)) for name, dim in (("genres", 3), ("years", 9))
    }
    table = join_blocks("both", np.arange(40), blocks)
    shares = {name: WEIGHTS[name] / deviation(block) for name, block in blocks.items()}
    expected = sum(share * blocks[name] @ blocks[name].T for name, share in shares.items()) / sum(shares.values())
    np.testing.assert_allclose(table.vectors @ table.vectors.T, expected, atol=1e-5)
    np.testing.assert_allclose(np.diag(expected), 1, atol=1e-5)
    assert table.similarity == "inner"


def test_what_is_missing_is_neither_like_nor_unlike() -> None:
    block = unit(np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.float32))
    whole = filled(block)
    np.testing.assert_allclose(whole[:3] @ whole[3], (block[:3] @ block[:3].T).mean(axis=1), atol=1e-6)


def test_every_film_has_a_score_with_every_other_rated_or_not() -> None:
    world = random_world()
    films = films_of(world)
    table = train_fusion(films, ratings_of(world))
    assert table.ids.tolist() == films.ids.tolist()
    assert np.all(np.isfinite(table.vectors @ table.vectors.T))
    assert np.all(np.any(train_content(films).vectors != 0, axis=1))


def test_a_film_nobody_rated_is_nearest_to_its_own_kind() -> None:
    world = checkerboard()
    films, ratings = films_of(world), ratings_of(world)
    chosen = ratings.movies != 7  # a horror film
    rest = Ratings(ratings.users[chosen], ratings.movies[chosen], ratings.stars[chosen])
    block = co_rating_block(films, rest, {"genres": content_blocks(films)["genres"]})
    at = int(np.searchsorted(films.ids, 7))
    near = block @ block[at]
    near[at] = -np.inf
    assert {films.genres[row] for row in np.argsort(-near)[:10]} == {("Horror",)}
    assert np.linalg.norm(block[at]) < np.linalg.norm(np.delete(block, at, axis=0), axis=1).min()


def test_ratings_decide_where_content_is_equal() -> None:
    world = checkerboard()
    films, ratings = films_of(world), ratings_of(world)
    plain = Films(films.ids, films.titles, np.zeros_like(films.years), ((),) * len(films.ids), films.tagged, ())
    table = train_fusion(plain, ratings)
    near = table.vectors @ table.vectors.T
    parity = films.ids % 2
    same = parity[:, None] == parity
    np.fill_diagonal(near, np.nan)
    assert np.nanmean(near[same]) > np.nanmean(near[~same]) + 0.1


def test_files_are_read_as_they_are_written(tmp_path: object) -> None:
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(str(tmp_path))
    world = random_world()
    films = read_films(write_canonical(folder, world.ratings, world.movies, world.tags))
    expected = sorted(world.movies, key=lambda movie: movie.movie_id)
    assert films.ids.tolist() == [movie.movie_id for movie in expected]
    assert films.genres == tuple(movie.genres for movie in expected)
    assert (films.ids[films.tagged].tolist(), films.tags) == ([world.tags[0].movie_id], ('a, "quoted" tag',))
    known = write_known(folder / "known.parquet", [(1, 3, 10, True), (2, 6, 11, False)])
    pq.write_table(pq.read_table(known).append_column("half", pa.array([9, 4], pa.int8())), known)
    ratings = read_ratings(known)
    assert (ratings.users.tolist(), ratings.movies.tolist(), ratings.stars.tolist()) == ([1, 2], [3, 6], [4.5, 2.0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Toy Story", "Toy Story 2"),
        ("Alien", "Alien³ (a.k.a. Alien 3)"),
        ("Godfather, The", "Godfather: Part II, The"),
        ("Rocky II", "Rocky IV"),
        ("Star Wars: Episode IV - A New Hope", "Star Wars: Episode I - The Phantom Menace"),
        ("Harry Potter and the Goblet of Fire", "Harry Potter and the Order of the Phoenix"),
        ("Mission: Impossible II", "Mission: Impossible - Ghost Protocol"),
        ("Lord of the Rings: The Two Towers, The", "Lord of the Rings, The"),
        ("Airplane!", "Airplane II: The Sequel"),
        ("Naked Gun 2 1/2: The Smell of Fear, The", "Naked Gun: From the Files of Police Squad!, The"),
    ],
)
def test_sequels_are_found_by_their_titles(one: str, other: str) -> None:
    numbers = series([one, "Heat", other, "Mission, The"])
    assert numbers[0] == numbers[2] != ALONE
    assert numbers[1] == ALONE


def test_strangers_are_no_series() -> None:
    titles = [
        "Se7en",
        "Seven Samurai",
        "Beauty and the Beast",
        "X-Men",
        "21",
        "2001: A Space Odyssey",
        "IV",
        "",
        "Movie 108583",
    ]
    assert series(titles).tolist() == [ALONE] * len(titles)


def test_a_sequel_nobody_rated_stands_where_its_series_stands() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32)
    moved = pooled(vectors, np.array([0, 0, ALONE]), np.array([10.0, 0.0, 3.0]))
    np.testing.assert_allclose(moved, [[2, 0], [1, 0], [0, 1]])


def test_pairs_of_unknown_movies_have_no_score() -> None:
    table = join_blocks("one", np.array([3, 5]), {"genres": np.eye(2, dtype=np.float32)})
    assert np.isnan(pair_scores(table, np.array([3, 1, 9]), np.array([4, 3, 9]))).all()
    assert pair_scores(table, np.array([3]), np.array([5]))[0] == 0
