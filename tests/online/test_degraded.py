"""Whatever fails, somebody gets the next best list, and the answer names what was not there."""

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, StoreUnavailable
from sparrow.online.answers import Listing
from sparrow.online.later_events import LaterEvents
from sparrow.online.people import person_from_history
from sparrow.online.pipeline import Pipeline
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from tests.conftest import small_world
from tests.online.memory import Dictionary, ParityNetwork, make_recommender, out_of_order

WORLD = small_world()


def ask(board: Recommender, user: int = 1) -> Listing:
    return asyncio.run(board.for_user(user, Wanted(10, explain=True)))


def spoil_one(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.arange(len(scores)) == 3, np.nan, scores)


LIES = {
    "down": out_of_order,
    "NaN": spoil_one,
    "infinite": lambda scores: scores / np.float32(0),
    "too short": lambda scores: scores[:-1],
    "too long": lambda scores: np.append(scores, scores[0]),
    "a matrix": lambda scores: scores[:, None],
    "nothing": lambda scores: scores[:0],
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_dead_or_lying_network_is_replaced_by_history(lie: str) -> None:
    listing = ask(make_recommender(WORLD, network=ParityNetwork(LIES[lie])))
    assert listing.degraded == ("ranker",)
    assert len(listing.items) == 10
    assert all(item.trace is not None and item.trace["ranker"] == "history" for item in listing.items)
    assert all(item.movie.movie_id % 2 == 1 for item in listing.items[:8]), "history still knows the parity"


def test_a_healthy_network_is_not_degraded() -> None:
    network = ParityNetwork()
    listing = ask(make_recommender(WORLD, network=network))
    assert (listing.pipeline, listing.degraded, network.asked) == ("for_you:blend", (), 1)
    assert [item.movie.movie_id % 2 for item in listing.items[:8]] == [1] * 8


def test_without_vectors_popularity_stands_in_for_the_network() -> None:
    listing = ask(make_recommender(WORLD, network=ParityNetwork(out_of_order), with_vectors=False))
    assert listing.degraded == ("ranker",)
    assert {item.trace["ranker"] for item in listing.items if item.trace} == {"popularity"}


def test_without_the_store_a_known_person_still_gets_a_list() -> None:
    backend = Dictionary()
    board = make_recommender(WORLD, network=ParityNetwork(), backend=backend)
    backend.down = True
    listing = ask(board)
    assert (listing.degraded, len(listing.items)) == (("store",), 10)
    backend.down = False
    assert ask(board).degraded == (), "it heals by itself"


def test_without_the_event_log_the_release_still_keeps_seen_movies_out() -> None:
    def broken(user_id: int) -> LaterEvents:
        raise StoreUnavailable("no disk")

    listing = ask(make_recommender(WORLD, network=ParityNetwork(), later=broken))
    assert listing.degraded == ("store",)
    assert not {item.movie.movie_id for item in listing.items} & WORLD.rated_by(1)


def test_without_the_store_later_events_still_keep_seen_movies_out() -> None:
    backend = Dictionary()
    seen = frozenset(range(1, 30))
    board = make_recommender(WORLD, network=ParityNetwork(), later=lambda _: LaterEvents(seen=seen), backend=backend)
    backend.down = True
    listing = ask(board)
    assert listing.degraded == ("store",)
    assert listing.items
    assert not {item.movie.movie_id for item in listing.items} & seen


def test_both_may_fail_at_once() -> None:
    backend = Dictionary()
    board = make_recommender(WORLD, network=ParityNetwork(out_of_order), backend=backend)
    backend.down = True
    assert ask(board).degraded == ("store", "ranker")


def test_a_pipeline_whose_last_resort_fails_says_which() -> None:
    class Dead:
        name = "dead"
        needs_known_user = False

        async def rank(self, _request: Request, _candidates: NDArray[np.int32]) -> NDArray[np.float32]:
            raise RankerUnavailable("gone")

    board = make_recommender(WORLD)
    request = Request(0, person_from_history(board.catalog, ()), np.ones(len(board.catalog), np.bool_))
    with pytest.raises(RankerUnavailable, match=r"No ranker of the pipeline p could answer \(dead\)"):
        asyncio.run(Pipeline("p", (), {}, [Dead()]).run(request))


class Hanging(Dictionary):
    """A store behind a network that answers when it is let go."""

    waits = True

    def __init__(self) -> None:
        super().__init__()
        self.let_go, self.filled = threading.Event(), False

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if self.filled:
            assert self.let_go.wait(20)
        return super().get_many(keys)


def test_while_one_waits_for_the_store_others_are_answered() -> None:
    store = Hanging()
    board = make_recommender(WORLD, backend=store)
    store.filled = True

    async def scenario() -> None:
        waiting = asyncio.create_task(board.for_user(1, Wanted(5)))
        await asyncio.sleep(0.05)
        similar = await board.similar(8, Wanted(5))
        assert (len(similar.items), waiting.done()) == (5, False)
        store.let_go.set()
        assert len((await waiting).items) == 5

    asyncio.run(scenario())
