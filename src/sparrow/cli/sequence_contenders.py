"""`sasrec` and `two_tower` in `sparrow evaluate`: networks that learn from a case's sequences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import SasRec, Trained, TwoTower
from sparrow.features.encoding import FIRST_ROW
from sparrow.features.histories import Ordered
from sparrow.retrieval.interactions import Ids, Interactions, Scores
from sparrow.schema import LIKED_RATING

if TYPE_CHECKING:
    from sparrow.training.vector_recommender import VectorRecommender

EVALUATED: Final[Mapping[str, tuple[Trained, int]]] = {
    "sasrec": (SasRec(), SasRec().length),
    "two_tower": (TwoTower(), 50),
}
"""Name → settings, and how many of the newest movies are read."""


@dataclass(frozen=True)
class SequenceModel:
    """A trained network as a `retrieval.model.Model`."""

    movie_ids: Ids
    network: "VectorRecommender"

    def scores(self, histories: Interactions) -> Scores:
        """(people, movies) float32."""
        return self.network.scores(Ordered(histories.starts, _in_order(histories)[0]))


def fit_sequences(name: str, train: Interactions, **settings: Any) -> SequenceModel:
    """Learn from interactions in order; ratings that say nothing are left out.

    Args:
        name: of `EVALUATED`.
        train: rows with their order.
        settings: instead of those of the model's section.
    """
    # TensorFlow takes seconds to import; comparisons without these models need not pay them.
    from sparrow.training.quiet import native_chatter_hidden

    with native_chatter_hidden():
        from sparrow.models import ARCHITECTURES
        from sparrow.training.sequence_samples import Sequences
        from sparrow.training.vector_recommender import fit_recommender
    section, length = EVALUATED[name]
    chosen = section.model_copy(update=settings)
    sequences = Sequences.of(train.starts, *_in_order(train))
    network = fit_recommender(ARCHITECTURES[name], chosen, name, sequences, train.movie_ids, length)
    return SequenceModel(train.movie_ids, network)


def _in_order(rows: Interactions) -> tuple[Ids, NDArray[np.bool_] | None]:
    """(n,) dense network rows of the movies, each person's oldest first, and whether each was liked, if ratings say so."""
    order = np.lexsort((-rows.recency, rows.rows()))
    liked = None if rows.stars is None else rows.stars[order] >= LIKED_RATING
    return rows.columns[order] + FIRST_ROW, liked
