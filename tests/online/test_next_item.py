"""What is served of the next-movie model is what `retrieval` scores; its route and its place beside the other rankers."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparrow.build.collaborative import stored_next_item
from sparrow.config import Settings
from sparrow.errors import RankerUnavailable, ReleaseError
from sparrow.online.next_item import NextItem, NextItemRanker, NextItemRecall
from sparrow.online.people import person_from_history
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.retrieval import next_item as offline
from sparrow.retrieval.interactions import Interactions
from sparrow.schema import Rating
from sparrow.stores.next_item_model import NextItemModel
from tests.online.memory import make_recommender
from tests.online.test_collaborative import interactions
from tests.worlds import random_world

WORLD = random_world(users=60, movies=40)
EVERY = 40
"""Weights kept: all of them, so that nothing is cut off."""


def fitted(rows: tuple[Rating, ...] = WORLD.ratings) -> offline.NextItem:
    return offline.NextItem.fit(interactions(rows), l2=1.0, decay=0.7, window=4)


@pytest.fixture(scope="module")
def world() -> Recommender:
    plain = make_recommender(WORLD)
    return replace(plain, next_item=NextItem(plain.catalog, stored_next_item(fitted(), EVERY)))


def in_time(user: int) -> list[Rating]:
    return sorted((row for row in WORLD.ratings if row.user_id == user), key=lambda row: (row.timestamp, row.movie_id))


BUSY = sorted(
    {row.user_id for row in WORLD.ratings},
    key=lambda user: (abs(len(in_time(user)) - 12), user),
)
"""People by how near they are to a dozen ratings: neither strangers nor done with the catalogue."""


def test_served_scores_are_those_of_retrieval(world: Recommender) -> None:
    model, compared = fitted(), 0
    columns = world.catalog.known_rows(model.movie_ids)[0]
    for user in BUSY[:20]:
        own = in_time(user)
        person = person_from_history(world.catalog, [(row.movie_id, row.score) for row in own])
        order = np.arange(len(own))
        alone = Interactions.from_rows(
            np.full(len(own), user), np.array([row.movie_id for row in own]), None, order, model.movie_ids
        )
        assert world.next_item is not None
        told = world.next_item.scores(person)
        assert told is not None
        np.testing.assert_allclose(told[columns], model.scores(alone)[0], atol=1e-5)
        compared += len(own) > 4
    assert compared >= 10, "histories longer than the window are among them"


def test_the_latest_movie_counts_most(world: Recommender) -> None:
    ids = world.catalog.ids[:6].tolist()
    [first, second] = (
        world.next_item.scores(person_from_history(world.catalog, [(movie, 5.0) for movie in order]))
        for order in (ids, ids[::-1])
    )  # type: ignore[union-attr]
    assert not np.allclose(first, second), "another order of the same movies asks for others"


def test_the_route_leaves_out_what_is_not_allowed_and_says_because_of_what(world: Recommender) -> None:
    person = person_from_history(world.catalog, [(row.movie_id, 5.0) for row in in_time(BUSY[0])])
    request = Request(None, person, world.allowed(person))
    assert world.next_item is not None
    found = NextItemRecall(world.next_item).recall(request, 7)
    assert 0 < len(found.rows) <= 7
    assert request.allowed[found.rows].all()
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.near(found.rows).tolist()) - {-1} <= set(person.liked.tolist())
    assert len(NextItemRecall(world.next_item).recall(replace(request, movie=0), 7).rows) == 0, (
        "a movie has no next one"
    )


def test_strangers_get_the_next_best(world: Recommender) -> None:
    nobody = person_from_history(world.catalog, [])
    assert world.next_item is not None
    assert world.next_item.scores(nobody) is None
    with pytest.raises(RankerUnavailable, match="rank by popularity"):
        asyncio.run(NextItemRanker(world.next_item).rank(Request(None, nobody, world.allowed(nobody)), np.arange(3)))
    listing = asyncio.run(world.for_person(nobody, Wanted(3), "next_item"))
    assert len(listing.items) == 3
    assert not listing.degraded


def test_it_is_a_model_of_the_release(world: Recommender) -> None:
    assert "next_item" in world.models
    person = person_from_history(world.catalog, [(row.movie_id, row.score) for row in in_time(BUSY[1])])
    assert asyncio.run(world.for_person(person, Wanted(3), "next_item")).pipeline == "for_you:next_item"
    quotas = Settings.model_validate({"recall": {"quotas": {"next_item": 5}}})
    alone = replace(world, settings=quotas)
    assert len(asyncio.run(alone.for_person(person, Wanted(10), "next_item")).items) <= 5


def test_the_model_survives_its_file_and_another_release_refuses_it(world: Recommender, tmp_path: Path) -> None:
    model = stored_next_item(fitted(), 5)
    model.save(tmp_path / "next_item.npz")
    back = NextItemModel.load(tmp_path / "next_item.npz")
    for name, value in vars(model).items():
        assert np.array_equal(np.asarray(getattr(back, name)), np.asarray(value)), name
    assert back.weights.shape[1] == 5
    with pytest.raises(ReleaseError, match="movies that its release lacks"):
        NextItem(world.catalog, replace(model, movie_ids=model.movie_ids + 1000))
    (tmp_path / "next_item.npz").write_bytes(b"half")
    with pytest.raises(ReleaseError, match="no next-movie model"):
        NextItemModel.load(tmp_path / "next_item.npz")
