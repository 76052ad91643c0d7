"""Who won an interleaving (`evaluation.team_draft`): each person has one voice, for the team whose movies they chose more often.

Everyone sees both rankings, so what people and days differ in falls away: far fewer people are needed than by A/B. What it cannot
say is by how much a metric moves.
"""

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

import numpy as np

from sparrow.feedback.statistics.power import quantile, two_sided_p
from sparrow.feedback.statistics.ratios import Values, error_of


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p of a fair coin; for who looks only once (Dixon & Mood, 1946).

    Example:
        >>> sign_test(8, 2), sign_test(5, 5), sign_test(0, 0)
        (0.109375, 1.0, 1.0)
    """
    number, least = wins + losses, min(wins, losses)
    tail = (lgamma(number + 1) - lgamma(k + 1) - lgamma(number - k + 1) - number * log(2) for k in range(least + 1))
    return min(1.0, round(2 * sum(exp(one) for one in tail), 12))


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
