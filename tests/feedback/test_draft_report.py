"""Who won an interleaving: voices of people, ties, an interval for every look, and where it is told."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.config import Experiments
from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.experiment_log import experiment_report
from sparrow.feedback.statistics.interleaving import sign_test
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

NOW = 1_700_000_000
ARMS = [{"name": "old", "share": 0.5}, {"name": "new", "share": 0.5, "ranker": "popularity"}]
RULES = Experiments.model_validate({"min_people": 20, "running": {"both": {"arms": ARMS, "interleave": True}}})


def served(user: int, name: str = "", arm: str = "both:interleaved") -> ServedList:
    """Movies 1, 2 of the old arm at places 0 and 2; 3, 4 of the new one at places 1 and 3."""
    return ServedList(name or f"r{user}", NOW, user, "r", "a+b", arm, (1, 3, 2, 4), None, (0, 1, 0, 1))


def click(user: int, movie: int, name: str = "") -> dict[str, Any]:
    about = {"recommendationId": name or f"r{user}", "timestamp": NOW + 1}
    return {"type": "click", "userId": user, "movieId": movie, **about}


def judged(home: Path, lists: list[ServedList], events: list[dict[str, Any]], since: int = 0) -> DraftReport:
    with closing(ServedLog(home)) as log, closing(LiveStore(home)) as live:
        log.append(lists)
        live.append(events)
    found = experiment_report(home, "both", RULES, since)
    assert isinstance(found, DraftReport)
    return found


def test_each_person_has_one_voice_and_ties_count_half(tmp_path: Path) -> None:
    lists = [served(user) for user in range(1, 6)] + [served(1, "again"), replace(served(9, "none"), teams=None)]
    lists.append(served(8, "other", arm="both:old"))
    events = [
        click(1, 3), click(1, 4), click(1, 3), click(1, 1), click(1, 4, "again"),      # new: 3 to 1, a movie of a list once
        click(2, 1), click(3, 1), click(3, 3), click(4, 99), click(5, 3, "r1"), click(8, 3, "other"),
    ]  # fmt: skip
    found = judged(tmp_path, lists, events)
    assert (found.arms, found.lists, found.people) == (("old", "new"), 6, 5)
    assert (found.clicks, found.wins, found.ties) == ((3, 4), (1, 1), 1)
    assert (found.share, found.verdict, found.once_p) == (0.5, "few", 1.0)


@pytest.mark.parametrize(("won", "verdict"), [(190, "better"), (10, "worse"), (104, "open")])
def test_a_difference_is_proven_or_it_is_not(tmp_path: Path, won: int, verdict: str) -> None:
    events = [click(user, 3 if user <= won else 1) for user in range(1, 201)]
    found = judged(tmp_path, [served(user) for user in range(1, 201)], events)
    assert found.verdict == verdict
    assert found.wins == (200 - won, won)
    assert found.low <= found.share <= found.high
    assert (found.p < 0.05) == (verdict != "open")
    assert found.once_p == pytest.approx(sign_test(won, 200 - won))
    assert judged(tmp_path, [], [], since=NOW + 1).verdict == "nobody"


def test_equal_rankings_looked_at_daily_raise_no_more_alarms_than_promised(tmp_path: Path) -> None:
    """300 runs of 20 looks at people whose voices are fair coins: at most 5 % may be told apart."""
    from sparrow.feedback.draft_report import _judged

    chance, alarms, fixed = np.random.default_rng(1), 0, 0
    experiment = RULES.running["both"]
    for _ in range(300):
        voices = chance.integers(2, size=1000)
        looks = [np.stack([1.0 - voices[:end], voices[:end]], axis=1) for end in range(50, 1001, 50)]
        found = [_judged("both", experiment, RULES, look, 1, 1) for look in looks]
        alarms += any(one.verdict in ("better", "worse") for one in found)
        fixed += any(one.once_p < 0.05 for one in found)
    assert alarms <= 15
    assert fixed > 40, "the exact test is for one look: daily it cries wolf"


def test_an_exact_test_of_many_voices_is_near_the_normal_one() -> None:
    assert sign_test(5_100, 4_900) == pytest.approx(0.0466, abs=0.001)
    assert sign_test(0, 3) == pytest.approx(0.25)
