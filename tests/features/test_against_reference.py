"""Both fits' files against the slow reference: sums and lists exactly, finished floats to 1e-12."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.features.definitions import MOVIE_SUMS, USER_SUMS
from sparrow.features.jobs import FITS, Cuts, Fit
from sparrow.schema import MAX_ID, Movie, MovieId, Rating, UserId
from tests.features.prepared import Row, agree, events, rows, with_lists, write_fit
from tests.features.reference import genres_of, movie_features, user_features
from tests.worlds import World, random_world


def known_to(fit: Fit, folder: Path, world: World) -> list[Rating]:
    """The ratings a fit may know, picked out by the folds in its events."""
    folds = {(row["userId"], row["movieId"]): (row["split"], row["fold"]) for row in events(folder)}
    return [
        rating
        for rating in world.ratings
        if fit == "release"
        or (
            folds[rating.user_id, rating.movie_id][0] == "train" and folds[rating.user_id, rating.movie_id][1] != "last"
        )
    ]


def check_described(row: Row, world: World, cut: int) -> None:
    genres = genres_of(world.movies)
    agree(row, movie_features(world.ratings, row["movieId"], before=min(row["timestamp"], cut)))
    agree(row, user_features(world.ratings, world.movies, genres, row["userId"], before=row["timestamp"]))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fit", FITS)
def test_every_file_equals_the_reference(tmp_path: Path, fit: Fit, seed: int) -> None:
    world = random_world(seed=seed)
    cuts = write_fit(tmp_path, world.ratings, world.movies, fit)
    cut = cuts.valid_from if fit == "judging" else MAX_ID
    for name in ("liking", "choice"):
        for row in with_lists(rows(tmp_path / fit / f"{name}.parquet"), tmp_path):
            check_described(row, world, cut)
    known = known_to(fit, tmp_path, world)
    check_movies(rows(tmp_path / fit / "movies.parquet"), known, world)
    check_users(rows(tmp_path / fit / "users.parquet"), known, world)


def check_movies(found: list[Row], known: list[Rating], world: World) -> None:
    assert [row["movieId"] for row in found] == sorted(movie.movie_id for movie in world.movies)
    for row in found:
        expected = movie_features(known, row["movieId"], before=MAX_ID)
        agree(row, {name: expected[name] for name in MOVIE_SUMS})
        mine = [rating for rating in known if rating.movie_id == row["movieId"]]
        assert (row["spread"] or [0] * 10) == [
            sum(rating.score == half / 2 for rating in mine) for half in range(1, 11)
        ]
        best = sorted((-round(2 * rating.score), -rating.timestamp, rating.user_id) for rating in mine)[:10]
        assert [(-top["half"], -top["timestamp"], top["userId"]) for top in row["top_ratings"] or ()] == best


def check_users(found: list[Row], known: list[Rating], world: World) -> None:
    assert [row["userId"] for row in found] == sorted({rating.user_id for rating in known})
    for row in found:
        expected = user_features(known, world.movies, genres_of(world.movies), row["userId"])
        agree(row, {name: expected[name] for name in (*USER_SUMS, "favourite_genres")})
        mine = [rating for rating in known if rating.user_id == row["userId"]]
        in_order = sorted((rating.timestamp, rating.movie_id, round(2 * rating.score)) for rating in mine)
        packed = zip(
            *(
                np.frombuffer(row[name], kind).tolist()
                for name, kind in (("timestamps", "<i8"), ("rated", "<i8"), ("half_stars", "u1"))
            ),
            strict=True,
        )
        assert list(packed) == in_order


@pytest.mark.parametrize("fit", FITS)
def test_the_largest_ids_and_awkward_genres_come_through(tmp_path: Path, fit: Fit) -> None:
    movies = (
        Movie(MovieId(1), "Never rated", 1990, ("Drama",)),
        Movie(MovieId(MAX_ID - 1), "No genres, no year", 0, ()),
        Movie(MovieId(MAX_ID), "Quoted", 2000, ("Children's", 'say "cheese"', "back\\slash", "爱情")),
    )
    people = (1, MAX_ID - 1, MAX_ID)
    ratings = tuple(
        Rating(UserId(user), movie.movie_id, 5.0, 100 * place + step)
        for place, user in enumerate(people, start=1)
        for step, movie in enumerate(movies[1:])
    )
    ratings += (Rating(UserId(3), MovieId(MAX_ID), 0.5, 1),)  # the only rating of this person
    cuts = write_fit(tmp_path, ratings, movies, fit)
    world = World(ratings, movies)
    for row in with_lists(rows(tmp_path / fit / "liking.parquet"), tmp_path):
        check_described(row, world, cuts.valid_from if fit == "judging" else MAX_ID)
    known = known_to(fit, tmp_path, world)
    check_movies(rows(tmp_path / fit / "movies.parquet"), known, world)
    check_users(rows(tmp_path / fit / "users.parquet"), known, world)
    assert any(
        row["favourite_genres"] == ["Children's", "back\\slash"] for row in rows(tmp_path / fit / "users.parquet")
    )


def test_a_catalogue_without_any_genre_has_no_favourites(tmp_path: Path) -> None:
    movies = tuple(Movie(MovieId(number), f"M{number}", 0, ()) for number in (1, 2))
    ratings = [Rating(UserId(user), MovieId(movie), 5.0, 10 * user + movie) for user in range(1, 6) for movie in (1, 2)]
    write_fit(tmp_path, ratings, movies, "release")
    users = rows(tmp_path / "release" / "users.parquet")
    assert len(users) == 5
    assert all(row["favourite_genres"] == [] and row["user_year_sum"] == 0 for row in users)
    assert all(len(row["rated"]) == 16 and row["user_liked_count"] == 2 for row in users)


def test_three_stars_are_not_liked_and_three_and_a_half_are(tmp_path: Path) -> None:
    movies = (Movie(MovieId(1), "One", 1990, ("Drama",)), Movie(MovieId(2), "Two", 1991, ("Drama",)))
    ratings = [Rating(UserId(1), MovieId(1), 3.0, 10), Rating(UserId(1), MovieId(2), 3.5, 11)]
    write_fit(tmp_path, ratings, movies, "release")
    labels = {row["movieId"]: row["label"] for row in rows(tmp_path / "release" / "liking.parquet")}
    assert labels == {1: 0, 2: 1}
    [user] = rows(tmp_path / "release" / "users.parquet")
    assert (user["user_liked_count"], user["user_year_sum"]) == (1, 1991)


def test_cuts_round_trip(tmp_path: Path) -> None:
    Cuts(5, 2**62).save(tmp_path / "cuts.json")
    assert Cuts.load(tmp_path / "cuts.json") == Cuts(5, 2**62)
