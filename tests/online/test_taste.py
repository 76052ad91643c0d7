"""Calibrated taste and variety in people's lists: what they change, and that they are off unless asked for."""

import asyncio

import numpy as np
import pytest

from sparrow.config import ForYou, Settings
from sparrow.online.people import person_from_history
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.online.reranking import Ranked
from sparrow.online.taste import Calibrated, distance, in_unit, people_rules
from sparrow.online.wanted import Wanted
from tests.conftest import small_world
from tests.online.memory import make_recommender

WORLD = small_world()
HISTORY = [(2, 5.0), (4, 5.0), (6, 5.0), (1, 5.0)]
"""Three comedies and one horror film."""


@pytest.fixture(scope="module")
def board() -> Recommender:
    return make_recommender(WORLD)


def request_of(board: Recommender, history: list[tuple[int, float]]) -> Request:
    person = person_from_history(board.catalog, history)
    return Request(None, person, board.allowed(person))


def comedies_first(board: Recommender) -> Ranked:
    """Movies 8, 10, …, then 9, 11, …, each scored a little below the one before."""
    ids = np.array([*range(8, 28, 2), *range(9, 29, 2)])
    return Ranked(board.catalog.known_rows(ids)[0], np.linspace(1, 0.9, len(ids)).astype(np.float32))


def parities(board: Recommender, ranked: Ranked) -> list[int]:
    return (board.catalog.ids[ranked.rows] % 2).tolist()


def test_every_prefix_follows_the_mix_of_the_history(board: Recommender) -> None:
    ranked = comedies_first(board)
    calibrated = Calibrated(board.catalog, 0.9).rerank(ranked, request_of(board, HISTORY))
    assert sorted(calibrated.rows.tolist()) == sorted(ranked.rows.tolist())
    odd = np.cumsum(parities(board, calibrated)[:12])
    assert odd[[3, 7, 11]].tolist() == [1, 2, 3], "a quarter of what is liked is horror"
    scores = dict(zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True))
    assert [scores[row] for row in calibrated.rows.tolist()] == calibrated.scores.tolist()
    comedies = [row for row, odd in zip(calibrated.rows.tolist(), parities(board, calibrated), strict=True) if not odd]
    assert [scores[row] for row in comedies] == sorted((scores[row] for row in comedies), reverse=True)


def test_without_weight_taste_or_candidates_nothing_moves(board: Recommender) -> None:
    ranked = comedies_first(board)
    for rule, request in (
        (Calibrated(board.catalog, 0.0), request_of(board, HISTORY)),
        (Calibrated(board.catalog, 0.9), request_of(board, [])),
    ):
        assert rule.rerank(ranked, request).rows.tolist() == ranked.rows.tolist()
    empty = Ranked(ranked.rows[:0], ranked.scores[:0])
    for rule in people_rules(board.catalog, board.similarities["item2vec"], ForYou(calibration=0.5, diversity=0.5)):
        assert len(rule.rerank(empty, request_of(board, HISTORY)).rows) == 0


def test_the_distance_of_a_mix_from_itself_is_nothing_and_grows_with_what_lacks() -> None:
    wanted = np.array([0.5, 0.3, 0.2])
    mixes = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.8, 0.2, 0.0], [0.0, 0.0, 0.0]])
    told = distance(wanted, mixes)
    assert told[0] == pytest.approx(0)
    assert np.all(np.diff(told) > 0)


def test_scores_are_stretched_to_the_scale_of_likeness() -> None:
    assert in_unit(np.array([3, 1, 2], np.float32)).tolist() == [1, 0, 0.5]
    assert in_unit(np.array([7, 7], np.float32)).tolist() == [0, 0]
    assert in_unit(np.empty(0, np.float32)).tolist() == []


def test_rules_are_off_unless_asked_for_and_vary_the_list(board: Recommender) -> None:
    assert people_rules(board.catalog, board.similarities["item2vec"], ForYou()) == []
    assert people_rules(board.catalog, None, ForYou(diversity=0.5)) == []
    varied = make_recommender(WORLD, Settings.model_validate({"for_you": {"diversity": 0.9}}))
    calibrated = make_recommender(WORLD, Settings.model_validate({"for_you": {"calibration": 0.9}}))

    def odd(recommender: Recommender) -> int:
        person = person_from_history(recommender.catalog, HISTORY)
        listing = asyncio.run(recommender.for_person(person, Wanted(8)))
        assert len(listing.items) == 8
        return sum(item.movie.movie_id % 2 for item in listing.items)

    assert odd(varied) != odd(board)
    assert odd(calibrated) == 2
