"""The report of an interleaved experiment: whose movies people chose more often, each person having one voice.

The interval of the share of voices holds at every look (`statistics.mixture`); the exact test beside it is for one look. Clicks
count on the person's own lists, once for each movie of a list.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sparrow.config import INTERLEAVED, Experiment, Experiments, arm_in
from sparrow.feedback.statistics.interleaving import preference, sign_test
from sparrow.feedback.statistics.mixture import half_width, mixing_variance, p_value
from sparrow.feedback.statistics.power import quantile
from sparrow.feedback.statistics.ratios import Estimate, Values
from sparrow.stores.event_rows import clicked_movies
from sparrow.stores.live import FILE
from sparrow.stores.served import ServedList, ServedLog

DraftVerdict = Literal["nobody", "few", "better", "worse", "open"]
"""Of the second arm against the first, which is the control."""


@dataclass(frozen=True, slots=True)
class DraftReport:
    """Who won.

    Attributes:
        experiment: its name.
        arms: the names, the control first.
        verdict: what the interval says; `few`: too few people with a preference.
        lists, people: that were drafted, and for whom.
        clicks: on the movies of each arm.
        wins: people who chose movies of each arm more often.
        ties: people who chose as many of both; people who chose nothing have no voice.
        share: of the voices that are the second arm's, a tie being half.
        low, high: of the share; hold at every look.
        p: below alpha where that interval leaves a half out.
        once_p: of the exact sign test, for who looks only once; ties aside.
    """

    experiment: str
    arms: tuple[str, str]
    verdict: DraftVerdict
    lists: int
    people: int
    clicks: tuple[int, int]
    wins: tuple[int, int]
    ties: int
    share: float
    low: float
    high: float
    p: float
    once_p: float

    def as_json(self) -> dict[str, Any]:
        """Plain values; names are those of the attributes."""
        return asdict(self)


def draft_report(home: Path, name: str, experiment: Experiment, rules: Experiments, since: int = 0) -> DraftReport:
    """Judge an interleaved experiment.

    Args:
        home: holds the logs; without them nobody was shown a list.
        name: of the experiment.
        experiment: its two arms.
        rules: alpha, and the people that a judgement needs.
        since: lists served before this second (UTC) do not count.

    Raises:
        StoreUnavailable: a log cannot be read.
    """
    lists = _drafted_lists(home, name, since)
    clicks = _clicks(lists, clicked_movies(home, since))
    totals = np.array(list(clicks.values()), dtype=np.float64).reshape(-1, 2)
    people = len({one.user_id for one in lists.values()})
    return _judged(name, experiment, rules, totals, len(lists), people)


def _drafted_lists(home: Path, name: str, since: int) -> Mapping[str, ServedList]:
    # Asked first: opening a log would make one.
    if not (home / FILE).is_file():
        return {}
    with closing(ServedLog(home)) as served:
        return {
            one.recommendation_id: one
            for one in served.since(since)
            if one.user_id is not None and one.teams is not None and arm_in(one.arm, name) == INTERLEAVED
        }


def _clicks(lists: Mapping[str, ServedList], clicked: Iterable[tuple[int, str, int]]) -> dict[int, list[int]]:
    """Person → clicks on movies of each team, of those who clicked."""
    found: dict[int, list[int]] = {}
    for user, shown_in, movie in sorted(set(clicked)):
        shown = lists.get(shown_in)
        if shown is not None and shown.user_id == user and shown.teams is not None and movie in shown.movies:
            found.setdefault(user, [0, 0])[shown.teams[shown.movies.index(movie)]] += 1
    return found


def _judged(
    name: str,
    experiment: Experiment,
    rules: Experiments,
    totals: Values,
    lists: int,
    people: int,
) -> DraftReport:
    first, second = totals[:, 0], totals[:, 1]
    found = preference(first, second, rules.alpha)
    error = (found.high - found.low) / 2 / quantile(1 - rules.alpha / 2)
    # A twentieth more clicks is some two or three voices of a hundred: half of the lift.
    mixing = mixing_variance(experiment.lift / 2, rules.alpha, rules.power)
    width = half_width(error, mixing, rules.alpha)
    low, high = max(0.0, found.second_share - width), min(1.0, found.second_share + width)
    wins = int((first > second).sum()), int((second > first).sum())
    enough = found.people >= rules.min_people
    return DraftReport(
        experiment=name,
        arms=(experiment.arms[0].name, experiment.arms[1].name),
        verdict=_verdict(people, enough, low, high),
        lists=lists,
        people=people,
        clicks=(int(first.sum()), int(second.sum())),
        wins=wins,
        ties=found.people - sum(wins),
        share=found.second_share,
        low=low,
        high=high,
        p=p_value(Estimate(found.second_share - 0.5, error), mixing) if enough else 1.0,
        once_p=sign_test(*wins),
    )


def _verdict(people: int, enough: bool, low: float, high: float) -> DraftVerdict:
    if not people:
        return "nobody"
    if not enough:
        return "few"
    return "better" if low > 0.5 else "worse" if high < 0.5 else "open"
