"""Team-draft interleaving: both rankings in one list, and who added what.

Radlinski, Kurup & Joachims, "How Does Clickthrough Data Reflect Retrieval Quality?", CIKM 2008. As two captains choose teams: in
each round a coin says who is first, and each in turn adds its best movie that is not there yet. A click counts for the team
that added the movie.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
