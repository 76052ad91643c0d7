"""The whole way: lists as the request path makes them, noted, clicked, and told by the report."""

import asyncio
from pathlib import Path

import pytest

from sparrow.config import Experiments, Settings
from sparrow.errors import NotFound, StoreUnavailable
from sparrow.feedback.experiment_log import experiment_report
from sparrow.online.answers import Listing
from sparrow.online.wanted import Wanted
from sparrow.stores.live import FILE, LiveStore
from sparrow.stores.served import ServedList, ServedLog
from tests.online.memory import ParityNetwork, make_recommender
from tests.worlds import checkerboard

NOW = 1_700_000_000

RULES = Experiments.model_validate(
    {
        "min_people": 5,
        "running": {
            "deep": {
                "layer": "one",
                "arms": [
                    {"name": "pop", "share": 0.5, "ranker": "popularity"},
                    {"name": "net", "share": 0.5, "ranker": "neural_cf"},
                ],
            },
            "draw": {
                "layer": "two",
                "arms": [{"name": "off", "share": 0.5}, {"name": "on", "share": 0.5, "explore": 1.0}],
            },
        },
    }
)


def as_served(listing: Listing, user: int) -> ServedList:
    movies = tuple(int(item.movie.movie_id) for item in listing.items)
    named = (listing.recommendation_id, NOW, user, listing.release, listing.pipeline, listing.arm)
    return ServedList(*named, movies, listing.propensities)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """60 people were shown a list each; who liked what stood there clicked it: even movies for even people."""
    board = make_recommender(checkerboard(), Settings(experiments=RULES), ParityNetwork())
    served, live = ServedLog(tmp_path), LiveStore(tmp_path)
    for user in range(1, 61):
        listing = asyncio.run(board.for_user(user, Wanted(6)))
        served.append([as_served(listing, user)])
        shown = [int(item.movie.movie_id) for item in listing.items]
        about = {"userId": user, "recommendationId": listing.recommendation_id, "timestamp": NOW + 5}
        live.append(
            [{"type": "impression", "movieId": movie, "position": at, **about} for at, movie in enumerate(shown)]
        )
        live.append([{"type": "click", "movieId": movie, **about} for movie in shown if movie % 2 == user % 2])
    served.close()
    live.close()
    return tmp_path


def test_lists_clicks_and_arms_meet_in_the_report(home: Path) -> None:
    found = experiment_report(home, "deep", RULES)
    assert sum(arm.people for arm in found.arms) == 60
    assert [arm.days[0].impressions for arm in found.arms] == [6 * arm.people for arm in found.arms]
    popular, network = (arm.values["click_rate"] for arm in found.arms)
    assert popular is not None
    assert network is not None
    assert network > popular, "the network knows who likes which movies"
    assert found.against_control[0].verdict in ("better", "open")


def test_each_layer_has_its_own_report_of_the_same_lists(home: Path) -> None:
    found = experiment_report(home, "draw", RULES)
    assert sum(arm.people for arm in found.arms) == 60
    drawn = [one for one in ServedLog(home).since() if one.propensities is not None]
    assert len(drawn) == found.arms[1].people
    assert all(0 < chance <= 1 for one in drawn for chance in one.propensities or ())


def test_later_events_only_and_unknown_names(home: Path) -> None:
    whole, later = (experiment_report(home, "deep", RULES, since=since) for since in (NOW + 5, NOW + 6))
    assert whole == experiment_report(home, "deep", RULES)
    assert (later.verdict, [arm.people for arm in later.arms]) == ("few", [arm.people for arm in whole.arms])
    assert [arm.days for arm in later.arms] == [[], []]
    with pytest.raises(NotFound, match=r"'deeper' in the settings; there are: deep, draw"):
        experiment_report(home, "deeper", RULES)


def test_a_home_without_a_log_stays_without_and_a_broken_log_is_told(tmp_path: Path) -> None:
    assert experiment_report(tmp_path / "none", "deep", RULES).verdict == "nobody"
    assert not (tmp_path / "none").exists()
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be"):
        experiment_report(tmp_path, "deep", RULES)
