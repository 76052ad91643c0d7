"""`off_policy` put to the test on a real release: people of known taste click on its lists, and the truth is added up.

A movie appeals as its genres do, each person's weights of genres being hashed from their id. So no pipeline was made from it,
and whoever asks twice is told the same.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from sparrow.evaluation.off_policy import Ids, Values
from sparrow.online.exploration import POOL, draw_order
from sparrow.online.people import person_from_record
from sparrow.online.pipeline import Outcome
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

BIAS: Final = 0.7
"""A place k is looked at with probability k ** -BIAS, whatever stands there."""

EASE_OF_CLICKS: Final = -1.0
"""Log odds of a movie that a person is indifferent to."""

START: Final = 1_767_225_600
"""Midnight, 1 January 2026, UTC; a list a second from then on."""


@dataclass(frozen=True)
class KnownTaste:
    """What everybody likes: `genres` is (m, g), 1 where a movie has a genre, by dense row."""

    genres: Values
    seed: int = 1

    def weights(self, user_id: int) -> Values:
        """(g,) how much somebody likes each genre."""
        return np.random.default_rng([self.seed, user_id]).normal(0, 1.5, (self.genres.shape[1],))

    def clicks(self, user_id: int, shown: Ids) -> Values:
        """(k,) how likely each place of a list is clicked; `shown` are dense rows, the first place first."""
        carried = np.maximum(self.genres[shown].sum(axis=1), 1)
        appeal = EASE_OF_CLICKS + self.genres[shown] @ self.weights(user_id) / np.sqrt(carried)
        return np.asarray(np.arange(1, len(shown) + 1) ** -BIAS / (1 + np.exp(-appeal)))


async def write_drawn(
    home: Path, recommender: Recommender, taste: KnownTaste, people: Sequence[int], size: int, times: int, seed: int
) -> None:
    """Draw `times` lists of `size` places for each person from the default pipeline; write them, and what is clicked, into logs.

    Args:
        home: gets the logs.
        recommender: the live release.
        taste: who clicks what.
        people: raw ids, each once.
        size: places of a list.
        times: lists of each person.
        seed: of all chance.
    """
    chance, steepness = np.random.default_rng(seed), recommender.settings.experiments.steepness
    lists: list[ServedList] = []
    clicked: list[dict[str, Any]] = []
    for user, outcome in zip(people, await outcomes(recommender, None, people), strict=True):
        for time in range(times):
            (rows, chances), at = drawn(outcome, size, steepness, chance), START + len(lists)
            movies = tuple(recommender.catalog.ids[rows].tolist())
            name = f"drawn-{user}-{time}"
            lists.append(
                ServedList(name, at, user, recommender.release, "for_you", "draw:on", movies, tuple(chances.tolist()))
            )
            about = {"type": "click", "userId": user, "recommendationId": name, "timestamp": at}
            hits = np.flatnonzero(chance.random(len(rows)) < taste.clicks(user, rows)).tolist()
            clicked += [{**about, "movieId": movies[place]} for place in hits]
    with closing(ServedLog(home)) as served, closing(LiveStore(home)) as live:
        served.append(lists)
        live.append(clicked)


async def true_value(
    recommender: Recommender,
    model: str | None,
    taste: KnownTaste,
    people: Sequence[int],
    *,
    size: int,
    places: int,
    times: int,
    seed: int,
) -> float:
    """Clicks on the first `places` of a list drawn from a pipeline, expected; the rest is as for `write_drawn`."""
    chance, steepness = np.random.default_rng(seed), recommender.settings.experiments.steepness
    found = [
        taste.clicks(user, drawn(outcome, size, steepness, chance)[0][:places]).sum()
        for user, outcome in zip(people, await outcomes(recommender, model, people), strict=True)
        for _ in range(times)
    ]
    return float(np.mean(found))


def drawn(outcome: Outcome, size: int, steepness: float, chance: np.random.Generator) -> tuple[Ids, Values]:
    """A list of `size` places as exploration draws it: dense rows, and the chance of each."""
    pool = min(POOL * size, len(outcome.ranked.rows))
    order, chances = draw_order(np.arange(1, pool + 1, dtype=np.float64) ** -steepness, min(size, pool), chance)
    return outcome.ranked.rows[order].astype(np.int64), chances


async def outcomes(recommender: Recommender, model: str | None, people: Sequence[int]) -> list[Outcome]:
    """What a pipeline ranks for everybody, as far as the release alone knows them."""
    found = []
    for user in people:
        person = person_from_record(recommender.catalog, user, recommender.store.user(user))
        request = Request(None, person, recommender.allowed(person))
        found.append((await recommender.rank(request, model))[1])
    return found
