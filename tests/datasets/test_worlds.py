"""The worlds themselves: what other rooms' tests rely on."""

from collections import Counter

from tests.worlds import checkerboard, random_world


def test_on_the_checkerboard_taste_is_parity_and_movies_of_the_own_parity_are_left():
    world = checkerboard(users=10, movies=40, liked=12, disliked=2)
    assert all((row.score == 5.0) == (row.user_id % 2 == row.movie_id % 2) for row in world.ratings)
    for user in range(1, 11):
        assert len(world.rated_by(user)) == 14
        assert sum(movie % 2 == user % 2 for movie in set(range(1, 41)) - world.rated_by(user)) == 8


def test_worlds_repeat_by_seed_and_tell_time_in_order():
    world = checkerboard()
    times = [row.timestamp for row in world.ratings]
    assert world == checkerboard()
    assert world != checkerboard(seed=2)
    assert times == sorted(set(times))


def test_the_random_world_is_awkward():
    world = random_world()
    moments = Counter((row.user_id, row.timestamp) for row in world.ratings)
    rated = {row.movie_id for row in world.ratings}
    assert world == random_world()
    assert sum(count for count in moments.values() if count > 1) > len(world.ratings) / 3
    assert 1 in Counter(row.user_id for row in world.ratings).values()
    assert any(movie.movie_id not in rated for movie in world.movies)
    assert any(not movie.release_year for movie in world.movies)
    assert any(not movie.genres for movie in world.movies)
    assert max(movie.movie_id for movie in world.movies) > 2**31
