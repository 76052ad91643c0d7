"""Every model behind a real model server: the same list in process, over REST and over gRPC."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from sparrow.online.answers import Listing
from sparrow.online.live import open_release
from sparrow.online.people import person_from_history
from sparrow.online.wanted import Wanted
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import served_name
from tests.model_server.running import Addresses, running_with
from tests.models.board import SETTINGS, Board

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model_server(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """The real server on the home's own `models.config`."""
    config = board.home / "models" / "models.config"
    with running_with([f"--model_config_file={config}"], tmp_path_factory.mktemp("served") / "log") as addresses:
        yield addresses


def listed(board: Board, name: str, url: str) -> list[Listing]:
    """The lists of a known person and of a guest, by one model; a busy machine may take its time."""
    patient = SETTINGS.unhurried()
    online = patient.online.model_copy(update={"ranker_url": url, "ranker_timeout_ms": 10_000})
    pointer = read_pointer(board.home)
    assert pointer is not None
    assert pointer.models[served_name(name)] >= 1

    async def ask() -> list[Listing]:
        recommender = open_release(board.home, pointer, patient.model_copy(update={"online": online}))
        guest = person_from_history(recommender.catalog, [(2, 5.0), (4, 4.0), (3, 1.0)])
        found = [
            await recommender.for_user(1, Wanted(10), name),
            await recommender.for_person(guest, Wanted(10), name),
        ]
        await recommender.aclose()
        return found

    return asyncio.run(ask())


def test_lists_are_the_same_wherever_the_network_runs(board: Board, name: str, model_server: Addresses) -> None:
    here = listed(board, name, "")
    for url in (model_server.rest, f"grpc://{model_server.grpc}"):
        for ours, theirs in zip(here, listed(board, name, url), strict=True):
            assert theirs.degraded == ()
            assert ours.pipeline == theirs.pipeline
            assert [item.movie.movie_id for item in theirs.items] == [item.movie.movie_id for item in ours.items]
            np.testing.assert_allclose([i.score for i in theirs.items], [i.score for i in ours.items], atol=1e-5)
