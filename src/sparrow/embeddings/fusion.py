"""One similarity from all there is: a vector whose inner product is a weighed sum of calibrated similarities.

    s(i, j) = sum_b w_b / (W d_b) <b_i, b_j> = <f_i, f_j>,     f_i = (sqrt(w_b / (W d_b)) b_i) over blocks b, side by side

b_i are rows of one aspect, of length 1 or a little less: co-ratings, genres, years, tags, attributes, posters. d_b is how far the
aspect's similarity of two random films deviates from its mean, so that a weight means the same whatever the aspect's scale; W
makes the similarity of a film that has every aspect with itself about 1. So any pair has a score, exactly, from one stored
vector a film.

Three things keep it honest where little is known:
- a film that lacks an aspect gets the aspect's mean row: neither like nor unlike anything;
- a co-rating vector is drawn towards what films of that content usually have, by PRIOR ratings' worth; a film nobody rated
  has that alone (a ridge regression from content, as in Gantner et al., "Learning Attribute-to-Feature Mappings for
  Cold-Start Recommendations", 2010);
- films of one series lend each other their vectors.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.embeddings.content import Floats, attribute_block, genre_block, poster_block, tag_block, year_block
from sparrow.embeddings.content_files import Films, Ratings
from sparrow.embeddings.fusion_co_ratings import train_co_ratings
from sparrow.features.attributes import Encoded
from sparrow.features.series import ALONE, series
from sparrow.stores.embedding_table import EmbeddingTable, unit

NAME: Final = "fusion"
CONTENT: Final = "content"

WEIGHTS: Final[Mapping[str, float]] = {
    "co_ratings": 1.0, "genres": 1.6, "years": 0.25, "tags": 0.5, "attributes": 1.0, "posters": 0.25,
}  # fmt: skip
"""What each aspect counts, in deviations of its own similarity. No data at hand has attributes or posters: theirs are guesses."""

PRIOR: Final = 5.0
"""Ratings after which a movie's own co-ratings count as much as its content's usual ones."""

TRUST: Final = 0.25
"""How much shorter the co-rating row of a film is of which little is known. 0: the unrated films are everybody's neighbours;
1: the bestsellers are. Here popularity says next to nothing about in how many lists a film stands."""

RIDGE: Final = 10.0
PAIRS: Final = 20_000
"""Random pairs that calibrate an aspect."""


def content_blocks(films: Films, attributes: Encoded | None = None, posters: Floats | None = None) -> dict[str, Floats]:
    """Aspect → (n, dim) unit rows, zeros where a film lacks it; aspects that no film has are left out.

    Args:
        films: the catalogue.
        attributes: what else is declared of films.
        posters: (n, dim) a row of `describe_pictures` for each film, zeros where it has no picture.
    """
    blocks = {"genres": genre_block(films.genres), "years": year_block(films.years), "tags": tag_block(films)}
    if attributes is not None:
        blocks["attributes"] = attribute_block(attributes, films.ids)
    if posters is not None:
        blocks["posters"] = poster_block(posters)
    return {name: block for name, block in blocks.items() if block.any()}


def train_content(films: Films, attributes: Encoded | None = None, posters: Floats | None = None) -> EmbeddingTable:
    """The fusion of content alone: every film of the catalogue has a vector."""
    return join_blocks(CONTENT, films.ids, content_blocks(films, attributes, posters))


def train_fusion(
    films: Films,
    ratings: Ratings,
    attributes: Encoded | None = None,
    posters: Floats | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> EmbeddingTable:
    """The default similarity of two movies: every film of the catalogue has a vector.

    Args:
        films: the catalogue.
        ratings: what the fit may know.
        attributes: what else is declared of films.
        posters: as `content_blocks` takes them.
        weights: of the aspects; one that is 0 is left out.
    """
    blocks = content_blocks(films, attributes, posters)
    together = co_rating_block(films, ratings, blocks)
    if together.any():  # one person, or one movie, is like nobody
        blocks["co_ratings"] = together
    return join_blocks(NAME, films.ids, blocks, weights)


def co_rating_block(films: Films, ratings: Ratings, content: Mapping[str, Floats], prior: float = PRIOR) -> Floats:
    """(n, dim) co-rating rows of all films, the few ratings of a film helped by its series and its content.

    Rows are of length 1 where ratings are many, shorter where the vector is an expectation over much that is not known.
    """
    vectors, evidence = _own(films, ratings)
    facts = np.concatenate([np.ones((len(vectors), 1), np.float32), *content.values()], axis=1)
    own = evidence[:, None]
    expected = (own * vectors + prior * _usual(facts, vectors, evidence)) / (own + prior)
    sure = np.linalg.norm(expected, axis=1, keepdims=True) ** TRUST
    together = unit(pooled(unit(expected.astype(np.float32)), series(films.titles), evidence))
    return np.asarray(sure * together, dtype=np.float32)


def _own(films: Films, ratings: Ratings) -> tuple[Floats, NDArray[np.float64]]:
    """(n, dim) unit co-rating rows, zeros for films nobody rated, and (n,) ratings of each film."""
    table = train_co_ratings(ratings)
    rows = np.minimum(np.searchsorted(films.ids, table.ids), len(films.ids) - 1)
    known = films.ids[rows] == table.ids
    vectors = np.zeros((len(films.ids), table.dim), dtype=np.float32)
    vectors[rows[known]] = table.comparable()[known]
    evidence = np.zeros(len(films.ids))
    evidence[rows[known]] = np.unique(ratings.movies, return_counts=True)[1][known]
    return vectors, evidence


def _usual(content: Floats, vectors: Floats, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, dim) what films of such content have: ridge regression, each film counting by its evidence."""
    weights = (evidence / (evidence + PRIOR))[:, None]
    gram = content.T.astype(np.float64) @ (weights * content)
    gram[np.diag_indices_from(gram)] += RIDGE
    usual: NDArray[np.float64] = content @ np.linalg.solve(gram, content.T.astype(np.float64) @ (weights * vectors))
    return usual


def pooled(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], evidence: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Every film of a series moved towards the series: v_i + sum_j e_j v_j / sum_j e_j over its films.

    Args:
        vectors: (n, dim) rows of length 1, or zeros.
        groups: (n,) as of `series`.
        evidence: (n,) what each film's vector rests on, e.g. ratings; a sequel nobody rated gets the series' vector.
    """
    inside = np.flatnonzero(groups != ALONE)
    count = int(groups.max(initial=ALONE)) + 1
    sums, weights = np.zeros((count, vectors.shape[1])), np.zeros(count)
    np.add.at(sums, groups[inside], vectors[inside] * evidence[inside, None])
    np.add.at(weights, groups[inside], evidence[inside])
    moved = vectors.astype(np.float64)
    moved[inside] += (sums / np.maximum(weights, 1e-12)[:, None])[groups[inside]]
    return moved.astype(np.float32)


def join_blocks(
    name: str, ids: NDArray[np.int64], blocks: Mapping[str, Floats], weights: Mapping[str, float] = WEIGHTS
) -> EmbeddingTable:
    """Blocks side by side, each scaled by its weight and its own deviation.

    Args:
        name: of the embedding.
        ids: (n,) raw ids, ascending.
        blocks: aspect → (n, dim) rows, zeros where a film lacks it.
        weights: aspect → weight.
    """
    counted = {aspect: weights[aspect] / deviation(block) for aspect, block in blocks.items() if weights[aspect] > 0}
    total = sum(counted.values())
    parts = [np.sqrt(share / total) * filled(blocks[aspect]) for aspect, share in counted.items()]
    vectors = np.concatenate([np.zeros((len(ids), 0)), *parts], axis=1) if parts else np.zeros((len(ids), 1))
    return EmbeddingTable(name, ids, vectors.astype(np.float32), "inner")


def deviation(block: Floats, seed: int = 1) -> float:
    """Standard deviation of the similarity of two random films that have the aspect; 1 where it is always the same."""
    there = np.flatnonzero(block.any(axis=1))
    one, other = np.random.default_rng(seed).choice(there, size=(2, PAIRS))
    pairs = np.flatnonzero(one != other)
    likeness = np.einsum("nd,nd->n", block[one[pairs]], block[other[pairs]], dtype=np.float64)
    spread = float(likeness.std()) if len(pairs) else 0.0
    return spread if spread > 1e-6 else 1.0


def filled(block: Floats) -> Floats:
    """The block with its mean row where a film lacks the aspect."""
    there = np.asarray(block.any(axis=1))
    return np.where(there[:, None], block, block[there].mean(axis=0)).astype(np.float32)
