"""What tends to come next: the linear next-movie model for whoever asks, in NumPy alone.

    score_j = Σ_i decay^age_i B_ij,   i over the latest `window` movies they rated, age 0 the last

The same for people of the release, with later events, newcomers and guests; `retrieval.next_item` says the same offline.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, ReleaseError
from sparrow.online.answers import ReasonKind
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.item_weights import ItemWeights
from sparrow.online.people import Person
from sparrow.online.recall import Found, Request, nothing_found, top_rows
from sparrow.stores.next_item_model import NextItemModel

Scores = NDArray[np.float32]


class NextItem:
    """The release's model in catalogue rows."""

    def __init__(self, catalog: Catalog, model: NextItemModel) -> None:
        """Raises ReleaseError when the model knows movies that the catalogue lacks."""
        rows, known = catalog.known_rows(model.movie_ids)
        if not known.all():
            raise ReleaseError(
                f"The next-movie model knows {(~known).sum()} movies that its release lacks; publish another release."
            )
        self._weights = ItemWeights(len(catalog), rows[model.inputs], rows[model.outputs], model.weights)
        self._decay, self._window = model.decay, model.window
        self._latest: tuple[Person, Scores] | None = None

    def knows(self, person: Person) -> bool:
        """Whether one of their latest movies speaks for another."""
        return bool(self._weights.covers(person.rated[-self._window :]).any())

    def scores(self, person: Person) -> Scores | None:
        """(n,) for someone; None if nothing they rated lately speaks. Recall and ranking of one request ask for the same."""
        latest = self._latest
        if latest is not None and latest[0] is person:
            return latest[1]
        if not self.knows(person):
            return None
        recent = person.rated[-self._window :]
        ages = np.arange(len(recent))[::-1]
        scores = self._weights.summed(recent, self._decay**ages)
        self._latest = (person, scores)
        return scores

    def nearest(self, person: Person, candidates: Rows) -> Rows:
        """(c,) of what they liked lately the row that speaks most for each candidate; -1 where none does."""
        return self._weights.nearest(person.liked[-self._window :], candidates)


class NextItemRecall:
    """What most tends to come next. Each candidate is near to the liked movie that speaks most for it."""

    name = "next_item"

    def __init__(self, model: NextItem) -> None:
        self._model = model
        self.reason: ReasonKind = "because_liked"

    def recall(self, request: Request, quota: int) -> Found:
        told = self._model.scores(request.person) if request.movie is None else None
        if told is None:
            return nothing_found()
        scores = np.where(request.allowed, told, -np.inf).astype(np.float32)
        rows = top_rows(scores, quota)
        rows = rows[scores[rows] > 0]
        return Found(rows, scores[rows], partial(self._model.nearest, request.person))


class NextItemRanker:
    """The same scores, for whatever other routes bring, too."""

    name = "next_item"
    needs_known_user = False

    def __init__(self, model: NextItem) -> None:
        self._model = model

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        told = self._model.scores(request.person)
        if told is None:
            raise RankerUnavailable("Nothing they rated lately speaks for another movie; rank by popularity.")
        return told[candidates]
