"""Click rates of releases, from the logs; and how often the alarm rings where nothing has fallen."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.feedback.click_rates import ClickRate, click_rates, fall_of, rate_of
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

NOW = 1_700_000_000


def shown(name: str, user: int | None, release: str, at: int = NOW) -> ServedList:
    return ServedList(name, at, user, release, "for_you", "", (1, 2), None)


def test_clicks_count_for_the_release_that_made_the_list_and_for_whose_it_was(tmp_path: Path) -> None:
    served, live = ServedLog(tmp_path), LiveStore(tmp_path)
    served.append([shown("a", 1, "old"), shown("b", 2, "old"), shown("c", 1, "new", NOW + 50), shown("g", None, "new")])
    told = [
        ("impression", 1, "a", NOW), ("impression", 1, "a", NOW), ("click", 1, "a", NOW),
        ("impression", 2, "b", NOW), ("impression", 2, "b", NOW),
        ("impression", 1, "c", NOW + 60), ("click", 1, "c", NOW + 60),
        ("click", 1, "b", NOW), ("click", 3, "g", NOW), ("click", 1, "unknown", NOW), ("watch", 1, "a", NOW),
    ]  # fmt: skip
    live.append(
        [
            {"type": kind, "userId": user, "movieId": 1, "recommendationId": name, "timestamp": at}
            for kind, user, name, at in told
        ]
    )
    served.close()
    live.close()
    found = click_rates(tmp_path, NOW)
    assert found["old"] == ClickRate(people=2, impressions=4, clicks=1, rate=0.25, error=0.25)
    assert (found["new"].people, found["new"].rate) == (1, 1.0)
    assert set(found) == {"old", "new"}
    assert set(click_rates(tmp_path, NOW, until=NOW + 40)) == {"old"}
    assert set(click_rates(tmp_path, NOW + 10)) == {"new"}


def test_without_logs_there_is_nothing_and_none_are_made(tmp_path: Path) -> None:
    assert click_rates(tmp_path, 0) == {}
    assert not list(tmp_path.iterdir())


def test_a_fall_is_told_in_shares_of_the_rate_before() -> None:
    before, now = ClickRate(1000, 20_000, 2000, 0.1, 0.003), ClickRate(1000, 20_000, 1600, 0.08, 0.004)
    fall = fall_of(before, now, smallest=0.1, alpha=0.05)
    assert fall is not None
    assert fall.change == pytest.approx(-0.2)
    assert fall.low < -0.2 - 1.96 * 0.05 < -0.2 + 1.96 * 0.05 < fall.high, "wider than a single look's interval"
    assert fall.high - fall.change == pytest.approx(fall.change - fall.low)


def test_looking_often_raises_no_more_false_alarms_than_promised() -> None:
    """300 releases that are as good as before, each looked at after every twentieth new person."""
    chance, alarms = np.random.default_rng(3), 0
    for _ in range(300):
        rates = chance.beta(4, 36, 1600)
        people = np.stack([np.full(1600, 20), chance.binomial(20, rates)], axis=1).tolist()
        before = rate_of(people[:800])
        looks = (fall_of(before, rate_of(people[800:end]), 0.1, 0.05) for end in range(900, 1601, 20))
        alarms += any(look is not None and look.high < 0 for look in looks)
    assert alarms <= 0.05 * 300
