"""DIN: a person's interest in one candidate, by attention over what they liked.

Zhou, Zhu, Song, Fan, Zhu, Ma, Yan, Jin, Li & Gai, "Deep Interest Network for Click-Through Rate Prediction" (KDD 2018,
arXiv:1706.06978), sections 4.3 and 5.3:

    a_j   = W [k_j ; q ; k_j - q ; k_j * q]                  (activation unit, one hidden layer, not normalised)
    v_u   = sum_j a_j k_j                                    k_j: liked movies, q: the candidate
    Dice  = p(s) s + (1 - p(s)) α s,  p(s) = sigmoid((s - E[s]) / sqrt(Var[s] + ε))

Departures: the first layer of the activation unit is written as a sum, W_k k_j + W_q q + W_p (k_j * q), which is the same
linear map of [k_j ; q ; k_j - q ; k_j * q] with what it shares computed once per movie of the history and once per candidate.
Attention goes over liked movies, masked where there is none; a second pooled list holds what they rated low. Two heads,
of which only liking reads the movie's numbers (`fields.liking_logit`).
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from sparrow.config import Din
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import DISLIKES, HISTORY, MOVIE_NUMBERS, USER_NUMBERS
from sparrow.models.fields import Fields, liking_logit, logit, side_by_side
from sparrow.models.network import ATTENTION, Network, heads
from sparrow.schema import Columns

CHOOSES = (HISTORY, DISLIKES, "favourite_genres", *USER_NUMBERS, Columns.MOVIE, Columns.GENRES)
TAKES = (*CHOOSES, *MOVIE_NUMBERS)


def build_din(spec: EncodingSpec, settings: Din) -> Network:
    """The untrained network over `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields, dim = Fields(spec, TAKES, settings.embedding_dropout), settings.dim
    candidate = fields.pooled(Columns.MOVIE, dim)  # (N, dim)
    liked, there = fields.embed(HISTORY, dim), fields.mask(HISTORY)  # (1 or N, length, dim), (1 or N, length)
    weights = attend(liked, candidate, there, settings)  # (N, length)
    interest = ops.sum(weights[..., None] * liked, axis=1)  # (N, dim)
    others = [fields.pooled(name, dim) for name in CHOOSES if name not in (HISTORY, Columns.MOVIE)]
    values = side_by_side([interest, candidate, interest * candidate, *others], candidate)
    values = dice_tower(values, settings.hidden, settings.dropout)
    popularity = fields.first_order(Columns.MOVIE)  # (N, 1)
    outputs = heads(logit(values, "choice_joined") + popularity, liking_logit(fields, values, settings.dropout))
    training = keras.Model(fields.inputs, outputs, name="din")
    named = layers.Activation("linear", dtype="float32", name=ATTENTION)(weights)
    return Network(keras.Model(fields.inputs, {**outputs, ATTENTION: named}, name="din_serving"), training)


def dice_tower(values: Any, widths: Sequence[int], dropout: float) -> Any:
    """(N, widths[-1]) dropout, a linear layer and Dice for each width."""
    for depth, width in enumerate(widths):
        values = layers.Dropout(dropout)(values)
        values = Dice(name=f"dice_{depth}")(layers.Dense(width, name=f"hidden_{depth}")(values))
    return values


def attend(keys: Any, query: Any, there: Any, settings: Din) -> Any:
    """(N, length) a_j of each liked movie for each candidate, 0 where there is none.

    Args:
        keys: (1 or N, length, dim).
        query: (N, dim).
        there: (1 or N, length), 1.0 where a movie is.
    """
    width = settings.attention
    of_key = layers.Dense(width, name="attention_key")(keys)  # (1 or N, length, width)
    of_query = layers.Dense(width, use_bias=False, name="attention_query")(query)[:, None]  # (N, 1, width)
    of_both = layers.Dense(width, use_bias=False, name="attention_product")(keys * query[:, None])  # (N, length, width)
    # PReLU here, not Dice: padding would enter the mean and variance of the batch.
    hidden = layers.PReLU(shared_axes=[1], name="attention_prelu")(of_key + of_query + of_both)
    score = layers.Dense(1, name="attention_score")(hidden)[..., 0]
    return score * there


@keras.saving.register_keras_serializable("sparrow")
class Dice(layers.Layer):  # type: ignore[misc]
    """Data adaptive activation: PReLU whose corner lies at the mean of its input; equation (3) of the paper."""

    def build(self, shape: Any) -> None:
        """α, one a channel, starts at 0; mean and variance are those of batch normalisation without scale and shift."""
        self.alpha = self.add_weight(shape=(shape[-1],), initializer="zeros", name="alpha")
        self.norm = layers.BatchNormalization(center=False, scale=False, epsilon=1e-8, momentum=0.99, name="norm")
        self.norm.build(shape)

    def call(self, values: Any, training: bool = False) -> Any:
        """(…, channels) → the same shape."""
        share = ops.sigmoid(self.norm(values, training=training))
        return values * (share + (1 - share) * self.alpha)
