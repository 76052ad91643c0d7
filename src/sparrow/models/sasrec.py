"""SASRec: the next movie, by causal self-attention over everything a person has rated.

Kang & McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018, arXiv:1808.09781), trained as
Klenitskiy & Vasilev, "Turning Dross Into Gold Loss: is BERT4Rec really
better than SASRec?" (RecSys 2023) found best, by the cross-entropy of the next movie among all:

    x_t      = sqrt(dim) E[m_t]                                  m_1 … m_n: movies in order, E shared with the candidates
    x        = x + Attention(Norm(x));  x = x + Feed(Norm(x))    (each block; position t sees m_1 … m_t)
    r(t, j)  = Norm(x)_t . E[j] + b_j
    loss     = mean_t -log softmax_j r(t, j) at j = m_{t+1}

Departures: the norm stands in front of each part and not behind it. Positions are told by distance, as a learnt bias of each
attention score (Shaw et al., 2018, in the form of T5): a person's first ten movies give the same vector wherever a window
puts them, so newcomers are served as they were trained. In front of the first movie stands one place of padding that nothing
else sees; what follows it is what a stranger chooses. A second head, `liking`, tells whether the true next movie was rated
3.5 or more; it reads the vectors and does not change them.
"""

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from sparrow.config import SasRec
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import RATED
from sparrow.models.fields import Fields
from sparrow.models.network import CHOICE, LIKING, Network
from sparrow.models.softmax import NEVER, STATES, next_movie_loss
from sparrow.models.towers import inner_product, liking_head, with_bias, with_one
from sparrow.schema import Columns

TAKES: Final = (RATED, Columns.MOVIE)

NEXT: Final = "next"
"""(batch, length) what followed each place of a window; an input in training only."""


def build_sasrec(spec: EncodingSpec, settings: SasRec) -> Network:
    """The untrained network.

    Args:
        spec: `rated` with its length, `movieId`.
        settings: sizes; how large a catalogue has its full softmax.

    Returns:
        {"rated": (1 or N, length), "movieId": (N,)} → logits (N, 1). In training {"rated", "next": (batch, length)} →
        `states` (batch, length, dim), and the logits of each next movie (batch, length).
    """
    fields, dim = Fields(spec, TAKES), settings.dim
    vectors, bias, liking_bias = (
        fields.table(RATED, width, what, stddev)
        for width, what, stddev in ((dim, "vector", 0.05), (1, "bias", 0.0), (1, "liking_bias", 0.0))
    )
    states, liking = _states(fields, settings), liking_head(dim)  # (batch, length, dim)
    followed = keras.Input((spec.fields[RATED].length,), dtype="int32", name=NEXT)
    taken = vectors(followed)
    outputs = {
        STATES: states,
        CHOICE: ops.sum(states * taken, axis=-1) + bias(followed)[..., 0],
        LIKING: liking(states, taken, liking_bias(followed))[..., 0],
    }
    training = keras.Model({RATED: fields.inputs[RATED], NEXT: followed}, outputs, name="sasrec")
    movies = fields.inputs[Columns.MOVIE]
    person, movie = with_one(states[:, -1]), with_bias(vectors(movies), bias(movies))  # (1 or N, dim + 1), (N, dim + 1)
    serving, towers = inner_product(fields, person, movie, liking, liking_bias(movies), "sasrec_serving")
    loss = next_movie_loss(vectors, bias, settings.full_softmax, settings.negatives)
    return Network(serving, training, loss, towers, fuses_loss=True)


def _states(fields: Fields, settings: SasRec) -> Any:
    """(batch, length, dim) what is known after each movie."""
    there, drop = fields.mask(RATED), settings.dropout
    values = layers.Dropout(drop)(fields.embed(RATED, settings.dim) * settings.dim**0.5)
    for number in range(settings.blocks):
        attention = CausalAttention(settings.heads, name=f"attention_{number}")
        values = values + layers.Dropout(drop)(attention(_norm(values, f"attention_{number}"), there))
        inner = layers.Dense(settings.feed, activation="relu", name=f"feed_in_{number}")(
            _norm(values, f"feed_{number}")
        )
        outer = layers.Dense(settings.dim, name=f"feed_out_{number}")(layers.Dropout(drop)(inner))
        values = values + layers.Dropout(drop)(outer)
    return _norm(values, "last")


def _norm(values: Any, name: str) -> Any:
    return layers.LayerNormalization(epsilon=1e-6, name=f"norm_{name}")(values)


@keras.saving.register_keras_serializable("sparrow")
class CausalAttention(layers.Layer):  # type: ignore[misc]
    """Multi-head attention of each place to itself and to the movies before it.

    weight(t, s) = softmax_s(q_t . k_s / sqrt(dim / heads) + c[t - s]), over s < t where a movie stands, and s = t
    """

    def __init__(self, heads: int, **named: Any) -> None:
        """Args: heads: parts of a vector that attend by themselves; they divide its dim."""
        super().__init__(**named)
        self.heads = heads

    def build(self, shape: Any, *_: Any) -> None:
        """Each distance 0 … length - 1 has a bias per head, c, 0 at first."""
        _, self.length, self.dim = shape
        self.project = layers.Dense(3 * self.dim, use_bias=False, name="project")
        self.join = layers.Dense(self.dim, name="join")
        for inner in (self.project, self.join):
            inner.build(shape)
        self.distance_bias = self.add_weight(shape=(self.length, self.heads), initializer="zeros", name="distance_bias")
        ages = np.subtract.outer(np.arange(self.length), np.arange(self.length))
        self._ages, self._is_past, self._is_self = np.maximum(ages, 0), ages > 0, ages == 0

    def call(self, values: Any, there: Any) -> Any:
        """(batch, length, dim) values, (batch, length) 1.0 where a movie stands → (batch, length, dim)."""
        parts = ops.reshape(self.project(values), (-1, self.length, 3, self.heads, self.dim // self.heads))
        query, key, value = (parts[:, :, part] for part in range(3))  # (batch, length, heads, dim / heads)
        scores = ops.einsum("bthd,bshd->bhts", query, key) * (self.dim / self.heads) ** -0.5
        scores = scores + ops.transpose(ops.take(self.distance_bias, self._ages, axis=0), (2, 0, 1))
        seen = ((there[:, None, None] > 0) & self._is_past) | self._is_self  # (batch, 1, length, length)
        weights = ops.softmax(ops.where(seen, scores, NEVER), axis=-1)
        joined = ops.einsum("bhts,bshd->bthd", weights, value)
        return self.join(ops.reshape(joined, (-1, self.length, self.dim)))
