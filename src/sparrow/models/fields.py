"""Inputs and embedding tables: the ground floor of every model that takes features.

Inputs that share a vocabulary share a table (a movie is the same movie as a candidate and in a history). A person's vectors
may have batch 1 beside N candidates; `beside` brings them to N where a layer cannot broadcast.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, Final

import keras
from keras import layers, ops

from sparrow.features.encoding import PAD_ROW, EncodingSpec
from sparrow.features.inputs import INPUTS, MOVIE_NUMBERS, USER_NUMBERS

TOLD: Final = (*USER_NUMBERS, *MOVIE_NUMBERS)
"""What `liking_logit` reads beside a network's own values."""

TOLD_DIM: Final = 8
LIKING_WIDTH: Final = 32


class Fields:
    """The inputs of one network, embedded.

    Attributes:
        inputs: input name → Keras input of int32 rows, (batch,) or (batch, length).
    """

    def __init__(self, spec: EncodingSpec, names: Sequence[str], dropout: float = 0.0) -> None:
        """
        Args:
            spec: how big each vocabulary is, and how long each list.
            names: which inputs.
            dropout: share of the numbers of each embedded vector that is dropped in training; first-order weights stay.
        """
        self.names, self._spec, self._dropout = tuple(names), spec, dropout
        self.inputs = {
            name: keras.Input((length,) if (length := spec.fields[name].length) else (), dtype="int32", name=name)
            for name in names
        }
        self._tables: dict[tuple[str, str], layers.Embedding] = {}

    def embed(self, name: str, dim: int, what: str = "vector", stddev: float = 0.05) -> Any:
        """(batch, dim) vectors of an input, or (batch, length, dim) of a list; padding has a vector too, so mask it.

        Args:
            name: of the input.
            dim: numbers in a vector.
            what: of several tables over one vocabulary, which.
            stddev: of the initial values; 0 for weights that start at nothing.
        """
        vectors = self.table(name, dim, what, stddev)(self.inputs[name])
        return layers.Dropout(self._dropout)(vectors) if self._dropout else vectors

    def first_order(self, name: str, columns: int = 1, what: str = "weight") -> Any:
        """(batch, columns) an input's weights in a linear model, which start at 0; of a list their mean."""
        return self._mean(name, self.table(name, columns, what, 0.0)(self.inputs[name]))

    def mask(self, name: str) -> Any:
        """(batch, length) 1.0 where a list holds something."""
        return ops.cast(ops.not_equal(self.inputs[name], PAD_ROW), "float32")

    def pooled(self, name: str, dim: int, what: str = "vector", stddev: float = 0.05) -> Any:
        """(batch, dim) an input's vector; of a list the mean of those that are there, zeros when it is empty."""
        return self._mean(name, self.embed(name, dim, what, stddev))

    def _mean(self, name: str, vectors: Any) -> Any:
        if not self._spec.fields[name].length:
            return vectors
        there = self.mask(name)
        return ops.sum(vectors * there[..., None], axis=1) / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)

    def table(self, name: str, dim: int, what: str = "vector", stddev: float = 0.05) -> layers.Embedding:
        """The table behind `embed`, for rows that are no input."""
        shared = INPUTS[name].of
        if (shared, what) not in self._tables:
            start = keras.initializers.RandomNormal(stddev=stddev) if stddev else "zeros"
            self._tables[shared, what] = layers.Embedding(
                self._spec.fields[name].rows, dim, embeddings_initializer=start, name=f"{shared}_{what}"
            )
        return self._tables[shared, what]


def side_by_side(parts: Sequence[Any], like: Any) -> Any:
    """(N, sum of dims) vectors of person and candidates, concatenated.

    Args:
        parts: (1, dim) or (N, dim) each.
        like: (N, …) any tensor of the candidates.
    """
    return layers.Concatenate()([beside(part, like) for part in parts])


def beside(part: Any, like: Any) -> Any:
    """(1 or N, dim) → (N, dim), for N rows of `like`; the sum with zeros broadcasts, and is exact."""
    return part + ops.zeros_like(like[:, :1], dtype=part.dtype)


def tower(values: Any, widths: Sequence[int], dropout: float, name: str) -> Any:
    """(N, widths[-1]) a multilayer perceptron with ReLU; itself when there are no widths."""
    for depth, width in enumerate(widths):
        values = layers.Dense(width, activation="relu", name=f"{name}_{depth}")(values)
        values = layers.Dropout(dropout)(values) if dropout else values
    return values


def logit(values: Any, name: str) -> Any:
    """(N, 1) one linear unit."""
    return layers.Dense(1, name=name)(values)


def liking_logit(fields: Fields, values: Any, dropout: float) -> Any:
    """(N, 1) will they like it: what a network made of person and candidate, beside the numbers of both.

    The candidate's counts and means stay out of choice, for which a training row of 1996 and the catalogue at the cut mean
    different things by them (`embedding_mlp`); of liking they tell most, and mean the same at all times.

    Args:
        fields: among whose names are `TOLD`.
        values: (N, dim).
        dropout: of what the hidden layer reads.
    """
    numbers = [fields.pooled(name, TOLD_DIM, "told") for name in TOLD]
    joined = layers.Dropout(dropout)(side_by_side([values, *numbers], like=values))
    hidden = layers.Dense(LIKING_WIDTH, activation="relu", name="liking_hidden")(joined)
    return logit(hidden, "liking_joined") + reduce(add, [fields.first_order(name, what="liking") for name in TOLD])
