"""Drawn orders: the chances are true, the movies are the good ones, and nothing seen comes back."""

import asyncio
from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from sparrow.config import Experiments, ForYou, People, Rules, Settings
from sparrow.online.answers import Listing
from sparrow.online.exploration import POOL, draw_order
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from tests.online.memory import ParityNetwork, make_recommender
from tests.worlds import checkerboard

WORLD = checkerboard()


def test_lists_are_drawn_as_often_as_their_chances_say() -> None:
    weights, chance = np.array([4.0, 2.0, 1.0, 1.0]), np.random.default_rng(1)
    drawn, told = Counter(), {}
    for _ in range(20_000):
        order, chances = draw_order(weights, 2, chance)
        key = tuple(order.tolist())
        drawn[key] += 1
        told[key] = float(chances.prod())
    assert sum(told.values()) == pytest.approx(1)
    assert told.keys() == set(permutations(range(4), 2))
    for key, probability in told.items():
        assert drawn[key] / 20_000 == pytest.approx(probability, abs=0.012)
    assert told[0, 1] == pytest.approx(4 / 8 * 2 / 4)


def test_all_places_can_be_drawn() -> None:
    order, chances = draw_order(np.ones(5), 5, np.random.default_rng(2))
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4]
    assert chances == pytest.approx([1 / 5, 1 / 4, 1 / 3, 1 / 2, 1])


def lists(explore: float, user: int, times: int, size: int = 4, explain_movie: int | None = None) -> list[Listing]:
    both = [{"name": name, "share": 0.5, "explore": explore} for name in "ab"]
    settings = Settings(experiments=Experiments.model_validate({"running": {"draw": {"arms": both}}}))
    board = make_recommender(WORLD, settings, ParityNetwork())
    wanted = Wanted(size, frozenset({40}), explain=True, explain_movie=explain_movie)
    return [asyncio.run(board.for_user(user, wanted)) for _ in range(times)]


def test_explored_lists_hold_the_best_movies_in_another_order_with_their_chances() -> None:
    best = [item.movie.movie_id for item in lists(0.0, 1, 1, size=4 * POOL)[0].items]
    found = lists(1.0, 1, 40)
    orders = {tuple(item.movie.movie_id for item in listing.items) for listing in found}
    assert len(orders) > 10
    assert all(set(order) <= set(best) and len(set(order)) == 4 for order in orders)
    assert not any(set(order) & (WORLD.rated_by(1) | {40}) for order in orders)
    for listing in found:
        assert listing.propensities is not None
        assert len(listing.propensities) == len(listing.items)
        assert all(0 < chance <= 1 for chance in listing.propensities)
        assert listing.items[0].trace is not None
    first = Counter(listing.items[0].movie.movie_id for listing in found)
    assert first.most_common(1)[0][0] == best[0]


def test_the_explanation_of_a_movie_tells_the_drawn_list_and_not_another() -> None:
    [plain] = lists(0.0, 1, 1)
    second = plain.items[1].movie.movie_id
    for listing in lists(1.0, 1, 30, explain_movie=second):
        shown = [item.movie.movie_id for item in listing.items]
        told, moves = listing.told, listing.told["moves"]
        if second in shown:
            assert (told["verdict"], told["position"]) == ("listed", shown.index(second) + 1)
            assert moves[-1:] == (
                [{"rule": "explored", "from": 2, "to": told["position"]}] if shown[1] != second else []
            )
        else:
            assert (told["verdict"], told["because"]) == ("removed", ["explored"])
            assert moves[-1] == {"rule": "explored", "from": 2, "to": None}
    assert [one.told["position"] for one in lists(0.0, 1, 1, explain_movie=second)] == [2]


def test_a_share_of_the_lists_is_drawn() -> None:
    drawn = [listing.propensities is not None for listing in lists(0.3, 2, 60)]
    assert 6 <= sum(drawn) <= 34
    assert not any(listing.propensities for listing in lists(0.0, 2, 5))


def board_that_draws(explore: float, **experiments: object) -> Recommender:
    settings = Settings(
        for_you=ForYou(explore=explore), experiments=Experiments.model_validate({"running": experiments})
    )
    return make_recommender(WORLD, settings, ParityNetwork())


def test_the_rules_say_how_many_lists_are_drawn_and_change_it_live() -> None:
    board, wanted = board_that_draws(1.0), Wanted(4)
    assert asyncio.run(board.for_user(1, wanted)).propensities is not None
    calm = board.with_rules(Rules(for_you=People(explore=0.0)))
    assert asyncio.run(calm.for_user(1, wanted)).propensities is None
    assert asyncio.run(calm.with_rules(board.settings.rules).for_user(1, wanted)).propensities is not None


def test_what_is_judged_is_never_drawn() -> None:
    own = {"mine": {"rankers": ["popularity"], "lists": {"explore": 1.0}}}
    settings = Settings.model_validate({"for_you": {"explore": 1.0}, "pipelines": {"people": own}})
    judged = settings.unhurried()
    board = make_recommender(WORLD, judged, ParityNetwork())
    assert asyncio.run(board.for_user(1, Wanted(4))).propensities is None
    assert judged.pipelines.people["mine"].lists == People(explore=0.0)


def test_who_names_a_ranker_or_has_no_account_gets_its_order() -> None:
    board, wanted = board_that_draws(1.0), Wanted(4)
    assert asyncio.run(board.for_user(1, wanted, "neural_cf")).propensities is None
    assert asyncio.run(board.for_history([(2, 5.0)], wanted)).propensities is None


@pytest.mark.parametrize(("own", "is_drawn"), [({}, True), ({"explore": 0.0}, False)])
def test_an_arm_s_own_share_comes_before_the_rules(own: dict[str, float], is_drawn: bool) -> None:
    both = [{"name": name, "share": 0.5, **own} for name in "ab"]
    listing = asyncio.run(board_that_draws(1.0, draw={"arms": both}).for_user(1, Wanted(4)))
    assert (listing.propensities is not None) == is_drawn
