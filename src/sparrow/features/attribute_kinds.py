"""The four kinds of attributes, each fitted on a column and applied to columns: what `attributes` saves and loads.

Every kind is a frozen dataclass whose fields are text, numbers, lists of text or arrays.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparrow.datasets.attributes import Kind
from sparrow.errors import DataError

PAD: Final = 0
UNKNOWN: Final = 1
RESERVED: Final = 2
"""Vocabulary indices begin here."""

Floats = NDArray[np.float32]

_LETTERS: Final = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
TOKEN: Final = rf"(?u)[{_LETTERS}]|[^\W_{_LETTERS}]+"
"""A word, or one letter of a script that puts no blanks between words."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the attributes a model sees.

    Attributes:
        text_dim: numbers in a text's vector at most.
        words: the most frequent words of a text attribute that count.
        min_documents: documents a word needs, where there are 100 or more.
        categories: the most frequent values of a categorical attribute that have an index.
        per_row: values of one row that count, in the order written.
        seed: of the SVD.
    """

    text_dim: int = 64
    words: int = 20_000
    min_documents: int = 2
    categories: int = 10_000
    per_row: int = 8
    seed: int = 1


class Attribute(Protocol):
    """One fitted attribute; its fields are what is saved: text, numbers, lists of text, arrays."""

    kind: ClassVar[Kind]

    def encode(self, column: pa.ChunkedArray) -> NDArray[Any]:
        """(n,) values, null where missing → an array of n rows."""
        ...


@dataclass(frozen=True, eq=False)
class Categorical:
    """A vocabulary; `words[i]` has the index i + 2."""

    kind: ClassVar[Kind] = "categorical"
    words: list[str]
    width: int

    @classmethod
    def fit(cls, column: pa.ChunkedArray, limits: Limits) -> "Categorical":
        """The most frequent values, frequent first, ties by the alphabet."""
        lists = _lists(column)
        counts = Counter(chain.from_iterable(lists))
        words = sorted(counts, key=lambda word: (-counts[word], word))[: limits.categories]
        return cls(words, max(1, min(limits.per_row, max(map(len, lists), default=1))))

    def encode(self, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """(n, width) indices."""
        index = {word: place for place, word in enumerate(self.words, RESERVED)}
        encoded = np.full((len(column), self.width), PAD, dtype=np.int32)
        for row, words in enumerate(_lists(column)):
            found = [index.get(word, UNKNOWN) for word in words[: self.width]]
            encoded[row, : len(found)] = found
        return encoded


@dataclass(frozen=True, eq=False)
class Numeric:
    """Mean and deviation of the values that are there; a constant attribute becomes 0."""

    kind: ClassVar[Kind] = "numeric"
    mean: float
    deviation: float

    @classmethod
    def fit(cls, column: pa.ChunkedArray, _limits: Limits) -> "Numeric":
        """Population moments, in float64."""
        values = column.drop_null().to_numpy()
        deviation = float(values.std()) if len(values) else 0.0
        return cls(float(values.mean()) if len(values) else 0.0, deviation if deviation > 0 else 1.0)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """(n,) standardised."""
        values = pc.fill_null(column, self.mean).to_numpy()
        return np.asarray((values - self.mean) / self.deviation, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Text:
    """Words with their weights, and the directions in which documents differ most.

    Attributes:
        words: w words.
        idf: (w,) log((1 + documents) / (1 + documents with the word)) + 1.
        components: (dim, w) of the SVD.
    """

    kind: ClassVar[Kind] = "text"
    words: list[str]
    idf: Floats
    components: Floats

    @classmethod
    def fit(cls, column: pa.ChunkedArray, limits: Limits) -> "Text":
        """Latent semantic analysis of the documents that are there; without a word the vectors have no numbers."""
        from sklearn.decomposition import TruncatedSVD

        documents = column.drop_null().to_pylist()
        words, idf = _vocabulary(documents, limits)
        blank = cls(words, idf, np.empty((0, len(words)), np.float32))
        dim = min(limits.text_dim, len(words) - 1, len(documents) - 1)
        if dim < 1:
            return blank
        svd = TruncatedSVD(dim, n_iter=7, random_state=limits.seed).fit(blank.weigh(documents))
        return cls(words, idf, svd.components_.astype(np.float32))

    def weigh(self, documents: Sequence[str]) -> Any:
        """n documents → (n, w) sparse TF-IDF rows of length 1."""
        from sklearn.preprocessing import normalize

        counts = _counter(self.words).transform(documents).astype(np.float32)
        counts.data = 1 + np.log(counts.data)
        return normalize(counts.multiply(self.idf).tocsr(), copy=False)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """(n, dim), rows of length 1; zeros where there is no known word."""
        if not len(self.components) or not len(column):
            return np.zeros((len(column), len(self.components)), dtype=np.float32)
        vectors = np.asarray(self.weigh(pc.fill_null(column, "").to_pylist()) @ self.components.T, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector that came with the data."""

    kind: ClassVar[Kind] = "vector"
    dim: int

    @classmethod
    def fit(cls, column: pa.ChunkedArray, _limits: Limits) -> "Vector":
        """Its length is its type's."""
        return cls(column.type.list_size)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """(n, dim)."""
        if column.type.list_size != self.dim:
            raise DataError(
                f"A vector of {self.dim} numbers was fitted, these have {column.type.list_size}; fit again."
            )
        vectors = np.zeros((len(column), self.dim), dtype=np.float32)
        vectors[is_present(column)] = pc.list_flatten(column.drop_null()).to_numpy().reshape(-1, self.dim)
        return vectors


FITTED: Final[Mapping[str, Any]] = {one.kind: one for one in (Categorical, Numeric, Text, Vector)}


def is_present(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """(n,) where a column has a value."""
    return np.asarray(pc.is_valid(column).to_numpy(), dtype=bool)


def _lists(column: pa.ChunkedArray) -> list[list[str]]:
    """Every row as a list of values; a missing one is []."""
    values = column.to_pylist()
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if is_list:
        return [[word for word in words or () if word is not None] for words in values]
    return [[] if word is None else [word] for word in values]


def _vocabulary(documents: Iterable[str], limits: Limits) -> tuple[list[str], Floats]:
    """The most frequent words by documents, in the order of the alphabet, and their (w,) idf."""
    analyse = _counter(None).build_analyzer()
    having: Counter[str] = Counter()
    total = 0
    for document in documents:
        having.update(set(analyse(document)))
        total += 1
    least = limits.min_documents if total >= 100 else 1
    frequent = sorted((word for word in having if having[word] >= least), key=lambda word: (-having[word], word))
    words = sorted(frequent[: limits.words])
    idf = np.log((1 + total) / (1 + np.array([having[word] for word in words], dtype=np.float64))) + 1
    return words, idf.astype(np.float32)


def _counter(words: Sequence[str] | None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(vocabulary=words, lowercase=True, token_pattern=TOKEN)
