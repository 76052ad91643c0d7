"""People with a known taste who look at lists: what a report says of them can be held against the truth.

Each person has a taste (a vector whose inner product with a movie's is its appeal), a habit of coming by, and looks at a list as
the examination model has it (Craswell, Zoeter, Taylor & Ramsey, "An Experimental Comparison of Click Position-Bias Models",
WSDM 2008): the place k is looked at with probability k ** -bias, whatever stands there, and a movie that is looked at is clicked
as often as it appeals. A pipeline sees the appeal through noise; an arm may also be planted to be clicked `lift` more often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.feedback.outcomes import DAY, TYPES, Events, Ids, Lists, Values

START: Final = 1_767_225_600
"""Midnight, 1 January 2026, UTC."""

DISLIKES: Final = 0.03
"""How often a movie that is looked at and does not appeal is waved away."""

WATCHES: Final = 0.6
RATES: Final = 0.3
"""How often a click leads to watching, and watching to a rating."""

MINUTES: Final = 50.0
"""The median of a watch."""

_TYPE: Final = {name: place for place, name in enumerate(TYPES)}


@dataclass(frozen=True, slots=True)
class SimulatedArm:
    """How an arm's lists are made.

    Attributes:
        share: of the people.
        noise: standard deviation of what it sees wrong, where appeal spreads by about 1 (on the logit scale).
        lift: its movies are clicked so much more often than they appeal; .05 is 5 % more.
    """

    share: float
    noise: float = 1.0
    lift: float = 0.0


@dataclass(frozen=True)
class Crowd:
    """(p,) people before (m,) movies and (k,) places.

    Attributes:
        people: vectors of taste, (p, d).
        movies: what movies are like, (m, d).
        visits: (p,) how likely each comes by on a day.
        mood: (p,) how easily each clicks, added to the appeal.
        examined: (k,) how likely a place is looked at.
    """

    people: Values
    movies: Values
    visits: Values
    mood: Values
    examined: Values

    @cached_property
    def appeal(self) -> NDArray[np.float32]:
        """(p, m) log odds that a movie which is looked at is clicked."""
        return (self.people @ self.movies.T + self.mood[:, None]).astype(np.float32)


def draw_crowd(
    chance: np.random.Generator, people: int, movies: int = 40, places: int = 10, bias: float = 0.7, dims: int = 4
) -> Crowd:
    """A crowd; with these numbers about one impression in six is clicked, and people come by every third day.

    Args:
        chance: draws it.
        people: how many there are.
        movies: candidates of a list.
        places: of a list.
        bias: of positions; 0: every place is looked at.
        dims: of taste.
    """
    return Crowd(
        people=chance.normal(0, 1, (people, dims)) / np.sqrt(dims),
        movies=chance.normal(0, 1, (movies, dims)),
        visits=chance.beta(2, 4, people),
        mood=chance.normal(-1.5, 0.5, people),
        examined=np.arange(1, places + 1, dtype=np.float64) ** -bias,
    )


@dataclass(frozen=True, slots=True)
class Simulated:
    """What happened, movies by their place among the crowd's (m,).

    Attributes:
        lists: what the experiment served.
        events: all that people did.
        about: (n,) the movie of each event.
        movies: (l, k) those shown.
    """

    lists: Lists
    events: Events
    about: Ids
    movies: Ids


def simulate(
    chance: np.random.Generator,
    crowd: Crowd,
    arms: Sequence[SimulatedArm],
    days: int,
    days_before: int = 0,
    arm_of: Ids | None = None,
) -> Simulated:
    """Let people come by.

    Args:
        chance: draws all that happens.
        crowd: who comes.
        arms: what they are shown; the first one also made the lists of the days before.
        days: how long the experiment runs.
        days_before: how long everybody was watched before it, outside of it.
        arm_of: (p,) each person's arm; None draws them by the shares.
    """
    if arm_of is None:
        shares = np.array([arm.share for arm in arms])
        arm_of = chance.choice(len(arms), size=len(crowd.visits), p=shares / shares.sum())
    visits = [_visits(chance, crowd, day) for day in range(-days_before, days)]
    user, at = (np.concatenate(column) for column in zip(*visits, strict=True))
    is_inside = at >= START
    arm = np.where(is_inside, arm_of[user], 0)
    noise = np.array([one.noise for one in arms], dtype=np.float32)[arm]
    shown = np.concatenate([rank(chance, crowd, user[rows], noise[rows]) for rows in _batches(len(user))])
    lift = np.array([one.lift for one in arms])
    events = _behave(chance, crowd, user, shown, 1 + np.where(is_inside, lift[arm], 0.0), at)
    inside = np.flatnonzero(is_inside)
    place = np.full(len(user), -1)
    place[inside] = np.arange(len(inside))
    cells, types, values, seconds = events
    of_list = cells // shown.shape[1]
    return Simulated(
        lists=Lists(user[inside], arm[inside], at[inside]),
        events=Events(user[of_list], types, values, place[of_list], seconds),
        about=shown.ravel()[cells],
        movies=shown[inside],
    )


_ROWS: Final = 20_000
"""Visits ranked at a time: bounds the memory of noise."""


def _batches(rows: int) -> list[slice]:
    return [slice(begin, begin + _ROWS) for begin in range(0, max(rows, 1), _ROWS)]


def _visits(chance: np.random.Generator, crowd: Crowd, day: int) -> tuple[Ids, Ids]:
    """(v,) who comes on a day, and when."""
    user = np.flatnonzero(chance.random(len(crowd.visits)) < crowd.visits)
    return user, START + day * DAY + chance.integers(0, DAY // 2, len(user))


def rank(chance: np.random.Generator, crowd: Crowd, user: Ids, noise: NDArray[np.float32]) -> Ids:
    """(v, k) movies for (v,) people, best first as far as somebody can see who errs by (v,) noise."""
    errors = chance.standard_normal((len(user), len(crowd.movies)), dtype=np.float32)
    seen = crowd.appeal[user] + noise[:, None] * errors
    places = len(crowd.examined)
    best = np.argpartition(-seen, places - 1, axis=1)[:, :places]
    order = np.argsort(-np.take_along_axis(seen, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)


def click_chances(crowd: Crowd, user: Ids, shown: Ids, lift: Values | float = 1.0) -> Values:
    """(v, k) how likely each place of these people's lists is clicked; `lift` multiplies, (v,) or one for all."""
    appeal = 1 / (1 + np.exp(-crowd.appeal[user[:, None], shown].astype(np.float64)))
    return np.asarray(crowd.examined * np.minimum(1.0, appeal * np.reshape(lift, (-1, 1))))


def _behave(
    chance: np.random.Generator, crowd: Crowd, user: Ids, shown: Ids, lift: Values, at: Ids
) -> tuple[Ids, Ids, Values, Ids]:
    """(n,) each: the cell of `shown`, the type, the value and the second of everything that people do."""
    clicks = np.flatnonzero(chance.random(shown.shape) < click_chances(crowd, user, shown, lift))
    watches = clicks[chance.random(len(clicks)) < WATCHES]
    ratings = watches[chance.random(len(watches)) < RATES]
    places = shown.shape[1]
    appeal = crowd.appeal[user[:, None], shown].ravel()
    waved = chance.random(shown.size) < DISLIKES * np.tile(crowd.examined, len(user)) / (1 + np.exp(appeal))
    stars = np.clip(np.round(2 * (3.2 + 0.6 * appeal[ratings] + chance.normal(0, 0.5, len(ratings)))) / 2, 0.5, 5)
    parts = [
        ("impression", np.arange(shown.size), 0.0, 0),
        ("click", clicks, 0.0, 20),
        ("watch", watches, 60 * MINUTES * chance.lognormal(0, 0.6, len(watches)), 9_000),
        ("rating", ratings, stars, 9_060),
        ("dislike", np.flatnonzero(waved), 0.0, 30),
    ]
    return (
        np.concatenate([cells for _, cells, _, _ in parts]),
        np.concatenate([np.full(len(cells), _TYPE[name]) for name, cells, _, _ in parts]),
        np.concatenate([np.broadcast_to(np.asarray(value, np.float64), len(cells)) for _, cells, value, _ in parts]),
        np.concatenate([at[cells // places] + later for _, cells, _, later in parts]),
    )
