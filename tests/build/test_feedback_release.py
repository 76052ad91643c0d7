"""Feedback through the real build: what nearline says of a person is what the batch job says, whichever release is live."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.build.lookup import find_release
from sparrow.build.material import Material
from sparrow.build.publish import build, publish, rollback
from sparrow.features.encoding import EncodingSpec
from sparrow.online.live import open_release
from sparrow.online.people import person_from_record
from sparrow.online.person_inputs import describe_person
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.schema import Columns, Rating
from sparrow.stores.clearing import forget_person
from sparrow.stores.live import LiveStore
from sparrow.stores.publishing import Pointer, read_pointer
from sparrow.stores.releases import read_manifest
from tests.conftest import Released, Silent

pytestmark = pytest.mark.slow

TWIN, LATER_TWIN = 9_001, 9_002
"""People who do here, event by event, what person 1 did in the data; the second one goes on after the build."""

HIDER = 3


@pytest.fixture(scope="module")
def home(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released.fresh(tmp_path_factory.mktemp("folded") / "home")


@pytest.fixture(scope="module")
def live(home: Path) -> Iterator[LiveStore]:
    with closing(LiveStore(home)) as store:
        yield store


@pytest.fixture(scope="module")
def history(released: Released) -> list[Rating]:
    return [rating for rating in released.world.ratings if rating.user_id == 1]


@pytest.fixture(scope="module")
def spec(released: Released) -> EncodingSpec:
    """Every input there is, as the batch job encodes it."""
    [features], [samples] = ((released.home / "work").glob(f"{stage}-*") for stage in ("features", "samples"))
    return Material(features, samples, "release", released.settings).encode.spec


def events(user: int, ratings: list[Rating]) -> list[dict[str, Any]]:
    return [
        {"type": "rating", "userId": user, "movieId": int(one.movie_id), "value": one.score, "timestamp": one.timestamp}
        for one in ratings
    ]


@pytest.fixture(scope="module")
def opened(home: Path, live: LiveStore, released: Released) -> Callable[[Pointer], Recommender]:
    return lambda pointer: open_release(home, pointer, released.settings, live)


def features(recommender: Recommender, user: int, spec: EncodingSpec) -> dict[str, list[Any]]:
    """What any ranking model is told of a person, as encoded; who they are aside."""
    person = person_from_record(recommender.catalog, user, recommender.store.user(user), recommender.later(user))
    raw = describe_person(recommender.catalog, person, spec)
    return {name: spec.fields[name].encode(raw[name]).tolist() for name in raw if name != Columns.USER}


@pytest.fixture(scope="module")
def walked(
    home: Path, live: LiveStore, released: Released, history: list[Rating], opened: Callable[[Pointer], Recommender]
) -> dict[str, Recommender]:
    """Events come in, a release that holds them is built and published, more come in, it is rolled back."""
    first = read_pointer(home)
    assert first is not None
    half = len(history) // 2
    # In no order: what counts is when things happened, not when they arrived.
    live.append(events(TWIN, history[::-1]) + events(LATER_TWIN, history[:half]))
    live.append([{"type": "dislike", "userId": HIDER, "movieId": 8, "timestamp": 1_700_000_000}])
    before = opened(first)
    built = build(home, str(released.dataset), released.settings, Silent(), with_events=True)
    second = publish(home, built.manifest.release, released.settings)
    live.append(events(LATER_TWIN, history[half:]))
    return {"before": before, "after": opened(second), "rolled back": opened(rollback(home, released.settings))}


WHEN = ("before", "after", "rolled back")


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("twin", [TWIN, LATER_TWIN])
def test_nearline_features_are_the_batch_jobs_to_the_last_bit(
    walked: dict[str, Recommender], spec: EncodingSpec, twin: int, when: str
) -> None:
    told, wanted = (features(walked[when], user, spec) for user in (twin, 1))
    assert len(wanted) >= 8
    assert any(np.any(np.array(value) > 1) for value in wanted.values())
    assert told == wanted


def test_the_release_holds_the_twin_as_the_batch_job_writes_anybody(walked: dict[str, Recommender]) -> None:
    assert walked["before"].store.user(TWIN) is None
    [twin, original] = (walked["after"].store.user(user) for user in (TWIN, 1))
    assert twin is not None and original is not None
    for name in twin.__dataclass_fields__:
        assert name == "userId" or getattr(twin, name) == getattr(original, name), name
    assert not walked["after"].later(TWIN), "what the release holds counts once"
    assert len(walked["rolled back"].later(TWIN).ratings) == original.user_count, "and again after a rollback"


@pytest.mark.parametrize("when", WHEN)
def test_not_for_me_outlives_publish_and_rollback(walked: dict[str, Recommender], when: str) -> None:
    answer = walked[when].for_user(HIDER, Wanted(100))
    movies = [int(item.movie.movie_id) for item in asyncio.run(answer).items]
    assert movies
    assert 8 not in movies


def test_the_manifest_says_how_far_it_reads_and_a_restart_builds_nothing(
    walked: dict[str, Recommender], home: Path, live: LiveStore, released: Released
) -> None:
    manifest = read_manifest(home, walked["after"].release)
    assert manifest.events_through == live.last_seq() - len(walked["after"].later(LATER_TWIN).ratings)
    assert manifest.dataset["feedback"]
    publish(home, manifest.release, released.settings)
    assert find_release(home, str(released.dataset), released.settings) == manifest
    rollback(home, released.settings)
    found = find_release(home, str(released.dataset), released.settings)
    assert found is not None
    assert found.release == released.release


def test_whoever_is_forgotten_is_in_no_release_built_later(
    walked: dict[str, Recommender],
    home: Path,
    live: LiveStore,
    released: Released,
    opened: Callable[[Pointer], Recommender],
) -> None:
    assert walked
    for user in (2, LATER_TWIN):
        forget_person(home, user, 1_800_000_000)
    assert not opened(Pointer(released.release, {})).later(LATER_TWIN), "live state is gone at once"
    manifest = build(home, str(released.dataset), released.settings, Silent(), with_events=True).manifest
    store = opened(Pointer(manifest.release, {})).store
    assert [store.user(user) is None for user in (1, 2, TWIN, LATER_TWIN)] == [False, True, False, True]
    raters = {user for movie in store.movies() for user, _, _ in movie.top_ratings}
    assert not {2, LATER_TWIN} & raters
