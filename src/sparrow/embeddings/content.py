"""What a film is, as vectors: genres, year, tags, and whatever attributes a dataset declares.

Each aspect is one block, (n, dim): rows of length 1 whose inner product is the aspect's similarity, zeros where nothing is known.

    genres  sets weighed by rarity, w_g = log(films / films with g)^0.5, compared by cosine
    years   bumps exp(-((year - c) / WIDTH)²) at centres c, so that the inner product falls off as a Gaussian of the gap in years
    tags    TF-IDF, reduced by a truncated SVD: the latent semantic analysis of Deerwester et al. (1990)
    posters colours and layout of pictures (`sparrow.embeddings.posters`) less what all of them share
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparrow.embeddings.content_files import Films
from sparrow.embeddings.low_rank import low_rank
from sparrow.features.attributes import Encoded
from sparrow.stores.embedding_table import unit

Floats = NDArray[np.float32]

RARITY: Final = 0.5
"""Power of the inverse document frequency; 1 lets a rare genre outweigh all others."""

FORMATS: Final = frozenset({"IMAX"})
"""What MovieLens lists among genres and is none: how a film is shown makes it no more alike."""

WIDTH: Final = 20.0
"""Years. Two films twenty years apart keep exp(-1/2) of a year's similarity."""

TAG_DIM: Final = 64
"""Numbers in a vector of tags."""

RARE: Final = 2
"""Films that must carry a tag before it can say that two are alike."""


AVERAGE: Final = 1e-3
"""How near to the mean a poster is the mean: what is left of it is rounding."""


def genre_block(genres: Sequence[tuple[str, ...]]) -> Floats:
    """(n, genres) unit rows.

    Example:
        >>> block = genre_block([("Comedy",), ("Comedy",), ("Comedy", "War"), ()])
        >>> [round(float(likeness), 2) for likeness in block @ block[0]]
        [1.0, 1.0, 0.59, 0.0]
    """
    kinds = [tuple(name for name in row if name not in FORMATS) for row in genres]
    return unit(_weighed(kinds, RARITY).toarray().astype(np.float32))


def year_block(years: NDArray[np.int64]) -> Floats:
    """(n, centres) unit rows; a year of 0 is unknown."""
    known = years[years > 0]
    if not len(known):
        return np.zeros((len(years), 1), dtype=np.float32)
    centres = np.arange(known.min() - WIDTH, known.max() + 1.5 * WIDTH, WIDTH / 2)
    bumps = np.exp(-(((years[:, None] - centres) / WIDTH) ** 2))  # (n, centres)
    return unit(np.where(years[:, None] > 0, bumps, 0).astype(np.float32))


def tag_block(films: Films) -> Floats:
    """(n, TAG_DIM) unit rows; how often a tag was given to a film counts by its logarithm."""
    carried: list[Counter[str]] = [Counter() for _ in films.ids]
    for row, tag in zip(films.tagged.tolist(), films.tags, strict=True):
        carried[row][tag] += 1
    weighed = _weighed(carried, 1.0, RARE)
    return (
        unit(low_rank(weighed, TAG_DIM).astype(np.float32)) if weighed.nnz else np.zeros((len(carried), 1), np.float32)
    )


def attribute_block(attributes: Encoded, ids: NDArray[np.int64]) -> Floats:
    """(n, dim) unit rows of everything declared for films: numbers, texts, vectors and categories.

    A film without attributes has a row of zeros. Vectors such as the tag genome share one large direction, which says
    nothing and is taken out.
    """
    parts = [_centred(vectors) for vectors in attributes.vectors.values()]
    parts += [np.tanh(numbers)[:, None] for numbers in attributes.numbers.values()]
    parts += [
        genre_block([tuple(str(word) for word in row[row > 0]) for row in words])
        for words in attributes.categories.values()
    ]
    block = np.zeros((len(ids), sum(part.shape[1] for part in parts) or 1), dtype=np.float32)
    rows = attributes.rows(ids)
    if parts:
        block[rows >= 0] = np.concatenate(parts, axis=1)[rows[rows >= 0]]
    return unit(block)


def poster_block(vectors: Floats) -> Floats:
    """(n, dim) unit rows of what sets a film's poster apart.

    All posters are somewhat alike, and the average one would be everybody's neighbour: the mean is taken out (Suzuki et al.,
    "Centering Similarity Measures to Reduce Hubs", 2013). An average poster, or the only one, says nothing.

    Args:
        vectors: (n, dim) as `describe_pictures` makes them, zeros for a film without a poster.
    """
    there = vectors.any(axis=1)
    apart = vectors - (vectors[there].mean(axis=0, dtype=np.float64) if there.any() else 0)
    told = there & (np.linalg.norm(apart, axis=1) > AVERAGE)
    return unit(np.where(told[:, None], apart, 0).astype(np.float32))


def _centred(vectors: Floats) -> Floats:
    there = np.any(vectors != 0, axis=1)
    mean = vectors[there].mean(axis=0) if there.any() else 0
    return unit(np.where(there[:, None], vectors - mean, 0).astype(np.float32))


def _weighed(words: Sequence[tuple[str, ...] | Counter[str]], power: float, rare: int = 1) -> csr_matrix:
    """(n, words) of (1 + log times) * inverse document frequency^power; words of fewer than `rare` films are left out."""
    found = Counter(word for row in words for word in set(row))
    place = {word: at for at, word in enumerate(sorted(word for word, films in found.items() if films >= rare))}
    columns = {word: (at, np.log(1 + len(words) / found[word]) ** power) for word, at in place.items()}
    rows, places, values = [], [], []
    for row, mine in enumerate(words):
        for word, times in Counter(mine).items():
            if word in columns:
                at, weight = columns[word]
                rows.append(row)
                places.append(at)
                values.append((1 + np.log(times)) * weight)
    return csr_matrix((np.array(values, np.float64), (rows, places)), shape=(len(words), max(len(place), 1)))
