"""Team-draft interleaving: both rankings in one list, and whose movies people choose.

Radlinski, Kurup & Joachims, "How Does Clickthrough Data Reflect Retrieval Quality?", CIKM 2008. As two captains choose teams: in
each round a coin says who is first, and each in turn adds its best movie that is not there yet. A click counts for the team
that added the movie. Everyone sees both rankings, so what people and days differ in falls away: far fewer people are needed
than by A/B. What it cannot say is by how much a metric moves.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.feedback.statistics.power import quantile, two_sided_p
from sparrow.feedback.statistics.ratios import Values, error_of

FIRST: Final = 0
SECOND: Final = 1

Ids = NDArray[np.int64]


def team_draft(first: Ids, second: Ids, size: int, chance: np.random.Generator) -> tuple[Ids, NDArray[np.int8]]:
    """One list of two rankings.

    Args:
        first: (n,) movie ids, best first, each once.
        second: (m,) those of the other ranking.
        size: places; fewer when both rankings end.
        chance: tosses the coins.

    Returns:
        (s,) movies in the order to be shown, and (s,) the team that added each: `FIRST` or `SECOND`.

    Example:
        >>> team_draft(np.array([1, 2, 3]), np.array([1, 4, 5]), 4, np.random.default_rng(3))
        (array([1, 2, 3, 4]), array([1, 0, 0, 1], dtype=int8))
    """
    rankings, at = (first, second), [0, 0]
    movies: list[int] = []
    teams: list[int] = []
    shown: set[int] = set()
    while len(movies) < size:
        starting = int(chance.integers(2))
        before = len(movies)
        for team in (starting, 1 - starting):
            ranking = rankings[team]
            while at[team] < len(ranking) and int(ranking[at[team]]) in shown:
                at[team] += 1
            if at[team] < len(ranking) and len(movies) < size:
                movies.append(int(ranking[at[team]]))
                shown.add(movies[-1])
                teams.append(team)
        if len(movies) == before:
            break
    return np.array(movies, dtype=np.int64), np.array(teams, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Preference:
    """Who won.

    Attributes:
        people: who chose anything at all.
        second_share: share of people whose choices went to the second ranking more often, a tie being half.
        low: lower end of its 95 % interval; above .5 the second ranking is better, and so is `high` below .5 for the first.
        p: two-sided, against .5.
    """

    people: int
    second_share: float
    low: float
    high: float
    p: float


def preference(first_wins: Values, second_wins: Values, alpha: float = 0.05) -> Preference:
    """Judge an interleaving by people: each has one voice, however often they clicked.

    Args:
        first_wins: (n,) clicks of each person on movies of the first team.
        second_wins: (n,) those of the second.

    Example:
        >>> judged = preference(np.zeros(60), np.array([1.0] * 40 + [0.0] * 20))
        >>> judged.people, judged.second_share
        (40, 1.0)
    """
    chose = (first_wins + second_wins) > 0
    voices = (np.sign(second_wins - first_wins)[chose] + 1) / 2
    if not len(voices):
        return Preference(0, 0.5, 0.0, 1.0, 1.0)
    share = float(voices.mean())
    # A unanimous sample has no spread of its own; nobody's voice counts less than under a fair coin then.
    error = error_of(voices) if len(voices) > 1 and voices.std() else 0.5 / sqrt(len(voices))
    width = quantile(1 - alpha / 2) * error
    return Preference(
        len(voices), share, max(0.0, share - width), min(1.0, share + width), two_sided_p((share - 0.5) / error)
    )
