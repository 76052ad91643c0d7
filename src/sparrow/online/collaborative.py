"""iALS and EASE over the whole catalogue for whoever asks: folded in from rated movies and stars, in NumPy alone.

    w = (alpha V'V + λ I + Σ c_i v_i v_i')⁻¹ Σ c_i v_i,   λ = reg (Σ c_i + alpha |movies|)^nu,   c_i = exp(als_stars * above_i)
    als_j = w·v_j,   ease_j = Σ_i (1 + ease_stars * above_i) B_ij,   i over what they rated, above_i: stars above i's mean
    score = als_weight z(als) + z(ease),   z: mean 0 and deviation 1 over the movies they have not rated

The same for people of the release, with later events, newcomers and guests. `retrieval.fusion` says the same offline, and a
contract test holds the two equal. Movies that nobody met have vectors and weights of zero.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, ReleaseError
from sparrow.online.answers import ReasonKind
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.item_weights import ItemWeights
from sparrow.online.people import Person
from sparrow.online.recall import Found, Request, nothing_found, top_rows
from sparrow.stores.collaborative_model import CollaborativeModel

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Taste:
    """One person's scores of the whole catalogue, (n,) each.

    Attributes:
        parts: "als" and "ease", standardised.
        summed: the weighted sum.
    """

    parts: Mapping[str, Scores]
    summed: Scores


class Collaborative:
    """The release's model in catalogue rows. Memory: (4 dim + 8 kept) bytes a movie."""

    def __init__(self, catalog: Catalog, model: CollaborativeModel) -> None:
        """Raises ReleaseError when the model knows movies that the catalogue lacks."""
        rows, known = catalog.known_rows(model.movie_ids)
        if not known.all():
            raise ReleaseError(
                f"The collaborative model knows {(~known).sum()} movies that its release lacks; publish another release."
            )
        self._model, self._movies = model, len(model.movie_ids)
        self._means = np.full(len(catalog), np.nan)
        self._vectors = np.zeros((len(catalog), model.vectors.shape[1]), dtype=np.float32)
        self._met = np.zeros(len(catalog), dtype=np.bool_)
        self._means[rows], self._vectors[rows], self._met[rows] = model.means, model.vectors, True
        exact = self._vectors.astype(np.float64)
        self._shared = model.alpha * (exact.T @ exact)
        self._ease_weights = ItemWeights(len(catalog), rows[model.inputs], rows[model.outputs], model.weights)
        self._latest: tuple[Person, Taste] | None = None

    def knows(self, person: Person) -> bool:
        """Whether they liked something that somebody else met, too."""
        return bool(self._met[person.liked].any())

    def taste(self, person: Person) -> Taste | None:
        """Scores for someone; None if nothing they like is known. Recall and ranking of one request ask for the same."""
        latest = self._latest
        if latest is not None and latest[0] is person:
            return latest[1]
        if not self.knows(person):
            return None
        rated, above = self._history(person)
        fresh = self._met.astype(np.float64)
        fresh[rated] = 0
        parts = {
            "als": _standardised(self._als(rated, above), fresh),
            "ease": _standardised(self._ease_weights.summed(rated, 1 + self._model.ease_stars * above), fresh),
        }
        taste = Taste(parts, np.float32(self._model.als_weight) * parts["als"] + parts["ease"])
        self._latest = (person, taste)
        return taste

    def nearest_liked(self, person: Person, candidates: Rows) -> Rows:
        """(c,) of what they like the row that speaks most for each candidate by EASE; -1 where none does."""
        return self._ease_weights.nearest(person.liked, candidates)

    def _history(self, person: Person) -> tuple[Rows, NDArray[np.float64]]:
        """(h,) known movies they rated, and how many stars above its mean each got."""
        counts = self._met[person.rated]
        rated = person.rated[counts]
        return rated, np.nan_to_num(person.halves[counts] / 2 - self._means[rated])

    def _als(self, rated: Rows, above: NDArray[np.float64]) -> Scores:
        model = self._model
        weights, near = np.exp(model.als_stars * above), self._vectors[rated].astype(np.float64)
        normal = self._shared + (near * weights[:, None]).T @ near
        normal.flat[:: len(normal) + 1] += model.reg * (weights.sum() + model.alpha * self._movies) ** model.nu
        person = np.linalg.solve(normal, near.T @ weights)
        scores: Scores = self._vectors @ person.astype(np.float32)
        return scores


def _standardised(scores: Scores, fresh: NDArray[np.float64]) -> Scores:
    """(n,) with mean 0 and deviation 1 over those where `fresh` is 1; constant scores become 0."""
    among, exact = float(fresh.sum()), scores.astype(np.float64)
    if not among:
        return np.zeros_like(scores)
    mean = exact @ fresh / among
    apart = (exact - mean) * fresh
    spread = math.sqrt(apart @ apart / among)
    standard: Scores = ((scores - mean) / (spread if spread > 1e-12 else np.inf)).astype(np.float32)
    return standard


class CollaborativeRecall:
    """The best by taste. Each candidate is near to the liked movie that speaks most for it."""

    name = "collaborative"

    def __init__(self, collaborative: Collaborative) -> None:
        self._collaborative = collaborative
        self.reason: ReasonKind = "because_liked"

    def recall(self, request: Request, quota: int) -> Found:
        taste = self._collaborative.taste(request.person) if request.movie is None else None
        if taste is None:
            return nothing_found()
        scores = np.where(request.allowed, taste.summed, -np.inf).astype(np.float32)
        rows = top_rows(scores, quota)
        rows = rows[scores[rows] > -np.inf]
        return Found(rows, scores[rows], partial(self._collaborative.nearest_liked, request.person))


class CollaborativeRanker:
    """The same scores, for whatever other routes bring, too."""

    name = "collaborative"
    needs_known_user = False

    def __init__(self, collaborative: Collaborative) -> None:
        self._collaborative = collaborative

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        return self._taste(request.person).summed[candidates]

    async def parts(self, request: Request, candidates: Rows) -> Mapping[str, Scores]:
        """What iALS and EASE say apart, both standardised."""
        return {name: scores[candidates] for name, scores in self._taste(request.person).parts.items()}

    def _taste(self, person: Person) -> Taste:
        taste = self._collaborative.taste(person)
        if taste is None:
            raise RankerUnavailable("Nothing they like is known to the collaborative model; rank by popularity.")
        return taste
