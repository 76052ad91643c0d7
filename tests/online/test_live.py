"""The live release: swapped on publish without failing a request, kept when the next one is broken."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from sparrow.build.publish import publish
from sparrow.errors import ReleaseError
from sparrow.online.live import LiveRelease
from sparrow.online.wanted import Wanted
from sparrow.stores.live import LiveStore
from sparrow.stores.publishing import rollback
from sparrow.stores.releases import releases_folder
from tests.conftest import Released

SECOND = "20990101-000000-second"


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    """A home with the small release live and an equal second one beside it."""
    home = released.fresh(tmp_path / "home")
    add_release(home, released.release, SECOND)
    return home


def add_release(home: Path, source: str, name: str) -> Path:
    """The same content under another id; nothing is shared, so that it can be broken."""
    folder = Path(shutil.copytree(releases_folder(home) / source, releases_folder(home) / name))
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest | {"release": name}))
    return folder


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_true():
            await asyncio.sleep(0.01)


def test_a_publish_swaps_under_requests_and_a_rollback_swaps_back(home: Path, released: Released) -> None:
    async def scenario() -> None:
        live = LiveRelease(home, released.settings)
        await live.start()
        assert live.ready() == (True, {"release": released.release, "models": {"recmodel": 1}, "rules": 0})
        held, served = live.recommender, set()

        async def visit() -> None:
            while True:
                recommender = live.recommender
                listing = await recommender.for_user(1, Wanted(5))
                assert listing.release == recommender.release
                assert listing.degraded == ()
                served.add(listing.release)
                await asyncio.sleep(0)

        visitor = asyncio.create_task(visit())
        await asyncio.to_thread(publish, home, SECOND, released.settings)
        await until(lambda: SECOND in served)
        await asyncio.to_thread(rollback, home, 3)
        served.clear()
        await until(lambda: live.ready()[1]["models"] == {"recmodel": 3} and released.release in served)
        assert not visitor.done(), "no request failed"
        visitor.cancel()
        old = await held.similar(1, Wanted(5))
        assert (old.release, len(old.items)) == (released.release, 5)
        await live.stop()

    asyncio.run(scenario())


BREAKS = {
    "a missing file": lambda folder: (folder / "recmodel.onnx").unlink(),
    "a cut file": lambda folder: (folder / "features.lmdb").write_bytes(b"short"),
    "rubbish of the right length": lambda folder: overwrite(folder / "recmodel.onnx"),
    "a store of rubbish": lambda folder: overwrite(folder / "features.lmdb"),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "an encoding of rubbish": lambda folder: overwrite(folder / "recmodel.encoding.json"),
}


def overwrite(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


@pytest.mark.parametrize("how", sorted(BREAKS))
def test_a_broken_release_never_replaces_a_good_one(home: Path, released: Released, how: str) -> None:
    async def scenario() -> None:
        live = LiveRelease(home, released.settings)
        await live.start()
        publish(home, SECOND, released.settings)
        BREAKS[how](releases_folder(home) / SECOND)
        await until(lambda: "problem" in live.ready()[1])
        ready, facts = live.ready()
        assert (ready, facts["release"]) == (True, released.release)
        assert facts["problem"]
        listing = await live.recommender.for_user(1, Wanted(3))
        assert listing.release == released.release
        rollback(home, 3)
        await until(lambda: "problem" not in live.ready()[1])
        await live.stop()

    asyncio.run(scenario())


def test_an_unreadable_pointer_is_told_and_forgotten_once_it_is_mended(home: Path, released: Released) -> None:
    async def scenario() -> None:
        live, pointer = LiveRelease(home, released.settings), home / "current"
        await live.refresh()
        whole = pointer.read_bytes()
        pointer.write_bytes(whole[:10])
        await live.refresh()
        assert "current cannot be read" in live.ready()[1]["problem"]
        pointer.write_bytes(whole)
        await live.refresh()
        assert live.ready() == (True, {"release": released.release, "models": {"recmodel": 1}, "rules": 0})

    asyncio.run(scenario())


def test_before_the_first_publish_it_is_not_ready_and_names_the_cure(released: Released, tmp_path: Path) -> None:
    async def scenario() -> None:
        live = LiveRelease(tmp_path, released.settings)
        await live.start()
        assert live.ready() == (False, {"release": None})
        with pytest.raises(ReleaseError, match="run `sparrow build` and `sparrow publish`"):
            _ = live.recommender
        await live.stop()

    asyncio.run(scenario())


def test_events_reach_the_next_request_and_survive_a_swap(home: Path, released: Released) -> None:
    async def scenario() -> None:
        store = LiveStore(home)
        live = LiveRelease(home, released.settings, store)
        await live.refresh()

        async def shown() -> list[int]:
            listing = await live.recommender.for_user(1, Wanted(5))
            return [item.movie.movie_id for item in listing.items]

        first = (await shown())[0]
        store.append([{"type": "rating", "userId": 1, "movieId": first, "value": 5.0, "timestamp": 2_000_000_000}])
        assert first not in await shown()
        publish(home, SECOND, released.settings)
        await live.refresh()
        assert live.recommender.release == SECOND
        assert first not in await shown()
        assert live.recommender.user(1).ratings[0].movie_id == first
        store.close()

    asyncio.run(scenario())


def test_a_remote_ranker_that_nobody_runs_degrades(home: Path, released: Released) -> None:
    async def scenario() -> None:
        online = released.settings.online.model_copy(update={"ranker_url": "http://127.0.0.1:9"})
        live = LiveRelease(home, released.settings.model_copy(update={"online": online}))
        await live.refresh()
        listing = await live.recommender.for_user(1, Wanted(5), "blend")
        assert (listing.degraded, len(listing.items)) == (("ranker",), 5)

    asyncio.run(scenario())


def test_a_release_opens_without_its_network(home: Path, released: Released) -> None:
    from sparrow.online.live import open_folder
    from sparrow.stores.releases import read_manifest

    manifest = replace(read_manifest(home, SECOND), models=[])
    recommender = open_folder(releases_folder(home) / SECOND, manifest, released.settings)
    assert recommender.models == ("collaborative", "next_item", "history", "popularity")
