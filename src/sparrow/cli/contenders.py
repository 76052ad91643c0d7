"""Who takes part in `sparrow evaluate`: retrieval's table, and whatever needs more than one room.

The whole served pipeline joins here: a `Contender("for_you", fit)` whose `fit(case, settings)` builds a temporary release
from `case.train` and returns `by_lists(recommend)`, `recommend(user id, k)` giving the movie ids that are served.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from sparrow.cli.sequence_contenders import EVALUATED, fit_sequences
from sparrow.config import Item2vec
from sparrow.embeddings.word2vec import train_item2vec
from sparrow.errors import InvalidInput
from sparrow.evaluation.cases import Case
from sparrow.evaluation.comparison import Asker, Contender, by_scores
from sparrow.evaluation.tuning import Settings
from sparrow.retrieval.interactions import Interactions
from sparrow.retrieval.model import Model
from sparrow.retrieval.recommenders import RECOMMENDERS
from sparrow.retrieval.vectors import NearHistory

DEFAULT: Final = ("popular", "item_knn", "ease", "als")
IN_ORDER: Final = (*DEFAULT, "next_item")
"""Where the order of things is part of the question."""

ORDERED_PROTOCOLS: Final = frozenset({"leave-last-out", "time-split"})


def choose_contenders(names: str | None, protocol: str) -> list[Contender]:
    """The named ones, or those that suit the protocol.

    Raises:
        InvalidInput: a name that is not in the table.
    """
    table = contenders()
    wanted = IN_ORDER if protocol in ORDERED_PROTOCOLS else DEFAULT
    asked = tuple(name.strip() for name in names.split(",")) if names else wanted
    for name in asked:
        if name not in table:
            raise InvalidInput(f"There is no recommender {name!r}; there are: {', '.join(table)}.")
    return [table[name] for name in dict.fromkeys(asked)]


def contenders() -> Mapping[str, Contender]:
    """Name → contender."""
    learners: dict[str, tuple[Callable[..., Model], Mapping[str, tuple[Any, ...]]]] = {
        name: (one.fit, one.grid) for name, one in RECOMMENDERS.items()
    }
    learners["item2vec"] = (_item2vec, {"decay": (0.9, 0.98), "popularity": (0.0, 0.05, 0.1, 0.2)})
    learners |= {name: (partial(fit_sequences, name), {}) for name in EVALUATED}
    return {name: Contender(name, _fitting(fit), grid) for name, (fit, grid) in learners.items()}


def interactions_of(case: Case) -> Interactions:
    """The train rows of a case over its candidates."""
    rows = case.train
    return Interactions.from_rows(rows.users, rows.movies, rows.stars, rows.timestamps, case.movies)


def _fitting(fit: Callable[..., Model]) -> Callable[[Case, Settings], Asker]:
    def fitted(case: Case, settings: Settings) -> Asker:
        train = interactions_of(case)
        model = fit(train, **settings)
        return by_scores(lambda people: model.scores(train.of(people)))

    return fitted


def _item2vec(train: Interactions, decay: float, popularity: float) -> Model:
    """Item2vec over all interactions in time order; one worker, so that figures repeat."""
    owners = train.rows()
    order = np.lexsort((-train.recency, owners))
    sequences = np.split(train.movie_ids[train.columns[order]], train.starts[1:-1])
    return NearHistory.of(train_item2vec(sequences, Item2vec(workers=1)), train, decay, popularity)
