"""One list of two rankings (team draft), each movie told of by the ranking that added it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from sparrow.evaluation.team_draft import team_draft
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.reranking import Ranked

Side = tuple[Pipeline, Outcome]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Drafted:
    """A drafted list.

    Attributes:
        sides: the two pipelines and what their runs gave.
        ranked: the list.
        teams: (n,) who added each movie, 0 or 1.
    """

    sides: tuple[Side, Side]
    ranked: Ranked
    teams: tuple[int, ...]

    def of(self, team: int) -> Outcome:
        """What a side's run gave, with the movies that it added; their order stays."""
        own = np.flatnonzero(np.array(self.teams, dtype=np.int64) == team)
        ranked = Ranked(self.ranked.rows[own], self.ranked.scores[own])
        return replace(self.sides[team][1], ranked=ranked)

    def side_of(self, row: int) -> Side:
        """Who is asked about a movie: the side that added it; else the first that recalled it; else the first."""
        places = np.flatnonzero(self.ranked.rows == row)
        if len(places):
            team = self.teams[int(places[0])]
        else:
            knows = [bool((outcome.candidates.rows == row).any()) for _, outcome in self.sides]
            team = knows.index(True) if any(knows) else 0
        pipeline, outcome = self.sides[team]
        return pipeline, replace(outcome, ranked=self.ranked)

    @property
    def pipeline(self) -> str:
        """Both names."""
        return "+".join(pipeline.name for pipeline, _ in self.sides)


def drafted(sides: tuple[Side, Side], size: int, chance: np.random.Generator) -> Drafted:
    """Draft a list of `size` places at most from two runs."""
    rankings = [outcome.ranked for _, outcome in sides]
    first, second = (ranked.rows.astype(np.int64) for ranked in rankings)
    rows, teams = team_draft(first, second, size, chance)
    scores = [_score(rankings[team], row) for row, team in zip(rows.tolist(), teams.tolist(), strict=True)]
    ranked = Ranked(rows.astype(rankings[0].rows.dtype), np.array(scores, dtype=np.float32))
    return Drafted(sides, ranked, tuple(teams.tolist()))


def in_order(teams: Sequence[int], items: Sequence[Sequence[Item]]) -> list[Item]:
    """Each side's items, put into the order of the teams.

    Example:
        >>> in_order([1, 0, 1], [["a"], ["x", "y"]])
        ['x', 'a', 'y']
    """
    left = [iter(own) for own in items]
    return [next(left[team]) for team in teams]


def _score(ranked: Ranked, row: int) -> float:
    return float(ranked.scores[np.flatnonzero(ranked.rows == row)[0]])
