"""Next movie by ridge regression: which movie follows, told linearly by the latest ones.

For every place t of a person's sequence but the first, the input z_t holds decay^(age) for each earlier movie (age 0: the one
just before; older than `window` places: nothing), the target y_t is the movie at t:

    B = (Z'Z + l2 I)⁻¹ Z'Y,      score(u, j) = sum_i z_ui B_ij,  z_u from the whole history

A linear sequential model in the family of SLIST (Choi et al., "Session-aware Linear Item-Item Models for Session-based
Recommendation", 2021). `movie_power` a multiplies targets by n_j^-a, against popularity.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

from sparrow.errors import BuildError
from sparrow.retrieval.interactions import Floats, Ids, Interactions, Scores
from sparrow.retrieval.model import Saved, check_same_movies, dense

ROWS_AT_ONCE = 200_000
"""Entries whose inputs are held together, some 400 MB."""


@dataclass(frozen=True, eq=False)
class NextItem(Saved):
    """The matrix B over the most popular movies.

    Args:
        movie_ids: (movies,) raw ids, ascending.
        inside: (m,) columns that B covers, ascending; others score 0.
        weights: (m, m) float32, B.
        decay, window: of the inputs.
    """

    kind: ClassVar[str] = "next_item"
    movie_ids: Ids
    inside: Ids
    weights: NDArray[np.float32]
    decay: float
    window: int

    @classmethod
    def fit(
        cls,
        train: Interactions,
        l2: float = 10.0,
        decay: float = 0.8,
        window: int = 30,
        movie_power: float = 0.0,
        largest: int = 12_000,
        min_count: int = 1,
    ) -> "NextItem":
        """Args: window: latest movies that count. min_count: people who met a movie that B covers; the most popular one always
        is. Work goes with n x window² and movies³.

        Raises:
            BuildError: nobody has two entries.
        """
        if not np.any(train.counts() > 1):
            raise BuildError("next_item needs someone with two movies in a row; everybody has one.")
        met = train.popularity()
        covered = max(int((met >= min_count).sum()), 1)
        inside = np.sort(np.argsort(-met, kind="stable")[: min(largest, covered)])
        gram, followed = _normal_equations(train, inside, decay, window)
        gram[np.diag_indices_from(gram)] += l2
        weights = cho_solve(cho_factor(gram, overwrite_a=True), followed, overwrite_b=True)
        weights *= np.maximum(met[inside], 1.0) ** -movie_power
        return cls(train.movie_ids, inside, weights.astype(np.float32), decay, window)

    def scores(self, histories: Interactions) -> Scores:
        check_same_movies(self, histories)
        recent = np.where(histories.recency < self.window, self.decay ** np.minimum(histories.recency, self.window), 0)
        scored = np.zeros(histories.shape, dtype=np.float32)
        scored[:, self.inside] = dense(histories.matrix(recent)[:, self.inside].astype(np.float32) @ self.weights)
        return scored


def _normal_equations(train: Interactions, inside: Ids, decay: float, window: int) -> tuple[Floats, Floats]:
    """(m, m) Z'Z and (m, m) Z'Y over the covered movies, summed over blocks of people: a row alone takes two kilobytes."""
    gram, followed = (np.zeros((len(inside), len(inside))) for _ in range(2))
    for people in _blocks(train.counts()):
        inputs, targets = (part[:, inside] for part in _transitions(train.of(train.user_ids[people]), decay, window))
        gram += inputs.T @ inputs
        followed += inputs.T @ targets
    return gram, followed


def _blocks(counts: Ids) -> list[slice]:
    """Slices of people with about `ROWS_AT_ONCE` entries together.

    Example:
        >>> _blocks(np.array([150_000, 100_000, 1, 250_000]))
        [slice(0, 2, None), slice(2, 4, None)]
    """
    number = (np.cumsum(counts) - counts) // ROWS_AT_ONCE
    ends = [*np.flatnonzero(np.diff(number)) + 1, len(counts)]
    return [slice(start, int(end)) for start, end in zip([0, *map(int, ends[:-1])], ends, strict=True)]


def _transitions(train: Interactions, decay: float, window: int) -> tuple[csr_matrix, csr_matrix]:
    """(n, movies) inputs and targets: row t of a person predicts the movie at t from those before it."""
    owners = train.rows()
    order = np.lexsort((-train.recency, owners))  # by person, oldest first
    movies, owners = train.columns[order], owners[order]
    places = np.arange(len(movies))
    rows, columns, values = [], [], []
    for age in range(1, min(window, int(train.counts().max())) + 1):
        later = places[age:][owners[age:] == owners[:-age]]
        rows.append(later)
        columns.append(movies[later - age])
        values.append(np.full(len(later), decay ** (age - 1)))
    shape = (len(movies), len(train.movie_ids))
    inputs = csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    has_past = np.flatnonzero(np.diff(inputs.indptr))
    targets = csr_matrix((np.ones(len(movies)), (places, movies)), shape=shape)
    return inputs[has_past], targets[has_past]
