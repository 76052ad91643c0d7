"""Who takes part in `sparrow evaluate`: retrieval's table, and whatever needs more than one room.

`for_you` is the whole served pipeline (`cli.for_you`).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from sparrow.cli.evaluation_data import Catalogue
from sparrow.cli.for_you import for_you
from sparrow.cli.sequence_contenders import EVALUATED, fit_sequences
from sparrow.config import Item2vec, Settings
from sparrow.embeddings.word2vec import train_item2vec
from sparrow.errors import InvalidInput
from sparrow.evaluation.cases import Case
from sparrow.evaluation.comparison import Asker, Contender, by_scores
from sparrow.evaluation.tuning import Settings as Chosen
from sparrow.retrieval.interactions import Interactions
from sparrow.retrieval.model import Model
from sparrow.retrieval.recommenders import RECOMMENDERS
from sparrow.retrieval.vectors import NearHistory

DEFAULT: Final = ("popular", "item_knn", "ease", "als")
IN_ORDER: Final = (*DEFAULT, "next_item")
"""Where the order of things is part of the question."""

IN_TIME: Final = {"random": False, "microsoft-ml100k": False, "leave-last-out": True, "time-split": True}
"""Protocol → whether test rows follow train rows; of files that others cut it does not say."""


def choose_contenders(names: str | None, protocol: str, settings: Settings, catalogue: Catalogue) -> list[Contender]:
    """The named ones, or those that suit the protocol.

    Args:
        settings: of the pipeline, where it takes part.
        catalogue: what is known of movies, for the pipeline too.

    Raises:
        InvalidInput: a name that is not in the table.
    """
    table = {**contenders(), "for_you": for_you(settings, catalogue, IN_TIME.get(protocol))}
    wanted = IN_ORDER if IN_TIME.get(protocol) else DEFAULT
    asked = tuple(name.strip() for name in names.split(",")) if names else wanted
    for name in asked:
        if name not in table:
            raise InvalidInput(f"There is no recommender {name!r}; there are: {', '.join(table)}.")
    return [table[name] for name in dict.fromkeys(asked)]


def contenders() -> Mapping[str, Contender]:
    """Name → contender, of all that learn a model of scores."""
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


def _fitting(fit: Callable[..., Model]) -> Callable[[Case, Chosen], Asker]:
    def fitted(case: Case, settings: Chosen) -> Asker:
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
