"""Lists of similar movies that are asked for again: the same list, as long as nothing it was made of has changed."""

import asyncio

import numpy as np
import pytest

from sparrow.config import Candidates, Rules, Settings
from sparrow.online.answers import Listing
from sparrow.online.recommender import Recommender
from sparrow.online.remembered import Remembered, is_plain
from sparrow.online.wanted import Wanted
from tests.online.memory import make_recommender
from tests.worlds import checkerboard

BOARD = make_recommender(checkerboard(), Settings())


def similar(board: Recommender, wanted: Wanted = Wanted(5), movie: int = 2) -> Listing:
    return asyncio.run(board.similar(movie, wanted))


def ids(listing: Listing) -> list[int]:
    return [item.movie.movie_id for item in listing.items]


def test_the_same_question_has_the_same_list_under_another_id() -> None:
    first, again = similar(BOARD), similar(BOARD)
    assert again.items is first.items, "remembered"
    assert first.recommendation_id != again.recommendation_id
    assert (again.pipeline, again.routes, again.timings) == (first.pipeline, first.routes, {})
    assert ids(similar(BOARD, Wanted(3))) == ids(first)[:3]
    assert ids(similar(BOARD, movie=3)) != ids(first)


def test_what_somebody_names_themselves_is_made_for_them() -> None:
    first = ids(similar(BOARD))
    assert first[0] not in ids(similar(BOARD, Wanted(5, frozenset({first[0]}))))
    assert similar(BOARD, Wanted(5, explain=True)).items[0].trace is not None
    assert similar(BOARD, Wanted(5, explain_movie=first[1])).told
    assert ids(similar(BOARD)) == first


def test_new_rules_and_offers_forget_the_old_lists() -> None:
    first = ids(similar(BOARD))
    hidden = BOARD.with_rules(Rules(candidates=Candidates(hidden=frozenset({first[0]}))))
    assert ids(similar(hidden))[0] == first[1]
    assert ids(similar(BOARD.with_offered(frozenset(first[1:]))))[0] == first[1]
    assert ids(similar(BOARD)) == first


@pytest.mark.parametrize("own", [{"exclude": frozenset({1})}, {"explain": True}, {"age": 12}, {"explain_movie": 4}])
def test_a_question_of_one_s_own_is_not_plain(own: dict[str, object]) -> None:
    assert is_plain(Wanted(5, region="DE"))
    assert not is_plain(Wanted(500)), "long lists are made anew"
    assert not is_plain(Wanted(5, **own))  # type: ignore[arg-type]


def test_the_oldest_list_goes_first_and_another_mask_asks_anew() -> None:
    memory, mask, other = Remembered(2), np.ones(3, np.bool_), np.ones(3, np.bool_)
    for number in range(3):
        memory.keep(number, mask, Listing("a", str(number), "similar", "", ()))
        assert memory.find(1, mask) is not None or number < 1
    assert [memory.find(number, mask) is not None for number in range(3)] == [False, True, True]
    assert memory.find(2, other) is None, "equal, but not the very one"


def test_a_list_that_lacks_something_is_not_remembered() -> None:
    memory, mask = Remembered(), np.ones(3, np.bool_)
    memory.keep(1, mask, Listing("a", "x", "similar", "", (), degraded=("recall",)))
    assert memory.find(1, mask) is None
