"""Every model trained once, by the real build, for the folder."""

import pytest

from sparrow.build.publish import build, publish
from sparrow.models import ARCHITECTURES
from sparrow.online.live import open_release
from sparrow.stores.publishing import read_pointer
from tests.conftest import Silent
from tests.models.board import MOVIES, SETTINGS, USERS, Board
from tests.worlds import checkerboard, write_movielens


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """The checkerboard as a live release with every model."""
    folder = tmp_path_factory.mktemp("board")
    home, world = folder / "home", checkerboard(users=USERS, movies=MOVIES)
    dataset = write_movielens(folder / "dataset", world.ratings, world.movies)
    built = build(home, str(dataset), SETTINGS, Silent())
    publish(home, built.manifest.release, SETTINGS)
    pointer = read_pointer(home)
    assert pointer is not None
    return Board(home, world, open_release(home, pointer, SETTINGS))


@pytest.fixture(params=sorted(ARCHITECTURES))
def name(request: pytest.FixtureRequest) -> str:
    """Each model in turn."""
    return str(request.param)
