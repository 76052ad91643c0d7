"""What every room's tests share: real tools or a loud skip, and one small release built the real way.

`needs(tool)` starts the real tool when it is there and skips by name when it is not; where nothing may skip (CI sets
`TESTS_NEED_ALL=1`) a missing tool fails the test instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest

from sparrow.config import Settings, load_settings
from sparrow.schema import MAX_ID, Movie, MovieId, Rating, UserId
from sparrow.stores.event_store import EventStore, open_events
from tests.worlds import START, World, checkerboard, write_movielens

# A busy machine is no fault of the code: no test is timed.
hypothesis.settings.register_profile("sparrow", deadline=None)
hypothesis.settings.load_profile("sparrow")

NEED_ALL: Final = "TESTS_NEED_ALL"

UNRATED: Final = 9002
"""A comedy of the small release that nobody rated: no vector, but genres and a year."""

BARE: Final = 9003
"""A movie with neither ratings nor genres nor a year."""

FARTHEST: Final = MAX_ID
"""An unrated horror film with the largest id there can be."""

LATECOMERS: Final = range(61, 67)
"""People of the small release whose every rating lies after the cuts in time."""

SMALL: Final = """
[item2vec]
dim = 8
epochs = 30
window = 12
subsample = 0.0
workers = 1
min_count = 3
[neural_cf]
dim = 8
hidden = [16, 8]
batch = 256
epochs = 40
patience = 8
learning_rate = 0.01
[collaborative]
dim = 8
l2 = 10.0
[recall]
min_ratings = 3
[online]
poll_seconds = 0.05
ranker_timeout_ms = 5000
"""
"""Settings of the small release: enough to learn the checkerboard, and no more."""


def together(nodeid: str) -> str:
    """Which tests one process runs: those of a file; all that ask for every model; all that start Spark."""
    file = nodeid.split("::")[0]
    if file.startswith("tests/models/"):
        return "models"
    return "spark" if "spark" in file or "engines" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several processes share the tests as `together` says."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    return Together(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour `needs(tool)`."""
    for tool in (str(marker.args[0]) for marker in item.iter_markers("needs")):
        if shutil.which(tool) is None:
            message = f"{tool} is not installed: {item.nodeid} was not run"
            if os.environ.get(NEED_ALL) == "1":
                pytest.fail(f"{message}, and {NEED_ALL}=1 allows no skip", pytrace=False)
            pytest.skip(message)


class Silent:
    """A `Reporter` that remembers which stages ran and which were reused."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.reused: list[str] = []

    def started(self, stage: str) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def finished(self, stage: str, _seconds: float, _counts: Mapping[str, Any], reused: bool) -> None:
        (self.reused if reused else self.ran).append(stage)


@dataclass(frozen=True)
class Released:
    """A home with one live release. Shared by the whole session: read it, copy it (`fresh`), never change it."""

    home: Path
    dataset: Path
    release: str
    settings: Settings
    world: World

    def fresh(self, target: Path) -> Path:
        """A copy of the home to do with as one likes; hard links, since released files never change."""
        return Path(shutil.copytree(self.home, target, copy_function=_link))


def _link(source: str, target: str) -> None:
    """Released files are linked, so that a copy costs nothing; whatever changes in place is copied."""
    changes = Path(source).suffix in (".lock", ".log", ".sqlite", ".toml") or Path(source).name == "current"
    (shutil.copy2 if changes else os.link)(source, target)


def small_world() -> World:
    """The checkerboard, people who come after its end, and three movies that nobody rated."""
    board = checkerboard()
    extras = (
        Movie(MovieId(UNRATED), "Amélie: (Le Fabuleux) Destin", 1990, ("Comedy",), "0211915", "194"),
        Movie(MovieId(BARE), "Nothing Known", 0, ()),
        Movie(MovieId(FARTHEST), "Ocean's Far, Far End", 2005, ("Horror",)),
    )
    return World((*board.ratings, *_late_ratings()), (*board.movies, *extras))


def _late_ratings() -> list[Rating]:
    """Each latecomer likes ten movies of the own parity and dislikes two others, a minute apart."""
    rows = [
        (user, movie, 5.0 if movie % 2 == user % 2 else 1.0)
        for user in LATECOMERS
        for movie in [*range(2 - user % 2, 21, 2), user % 7 + 1, user % 7 + 2]
    ]
    unique = {(user, movie): stars for user, movie, stars in rows}
    start = START + 10_000_000
    return [
        Rating(UserId(user), MovieId(movie), stars, start + 60 * at)
        for at, ((user, movie), stars) in enumerate(unique.items())
    ]


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """The checkerboard, built and published once by the real build."""
    from sparrow.build.publish import build, publish

    folder = tmp_path_factory.mktemp("small")
    world, home = small_world(), folder / "home"
    dataset = write_movielens(folder / "dataset", world.ratings, world.movies)
    home.mkdir()
    (home / "sparrow.toml").write_text(SMALL, encoding="utf-8")
    settings = load_settings(home / "sparrow.toml", environ={})
    built = build(home, str(dataset), settings, Silent())
    publish(home, built.manifest.release, settings)
    return Released(home, dataset, built.manifest.release, settings, world)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One Spark session for all tests that ask for it: starting one takes seconds."""
    from sparrow.features.spark_session import open_session

    return open_session("local[2]", tmp_path_factory.mktemp("spark"), memory="1GB")


OpenStore = Callable[[], EventStore]
"""Opens the same event store again, as another worker would; closed with the test."""


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.needs("redis-server"))])
def open_events_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Every form of the event store, by name; the contract's tests run once for each."""
    from tests.stores.redis_servers import durable_redis

    with ExitStack() as stack:
        url = stack.enter_context(durable_redis(tmp_path / "redis")).url if request.param == "redis" else ""

        def opened() -> EventStore:
            store = open_events(tmp_path, url, timeout_s=10)
            stack.callback(store.close)
            return store

        yield opened


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own SPARROW_ variables must not change what is tested."""
    for name in [name for name in os.environ if name.startswith("SPARROW_")]:
        monkeypatch.delenv(name)
