"""DeepFM: factorisation machine and tower on the same embeddings, of every field there is.

Guo, Tang, Ye, Li & He, "DeepFM: A Factorization-Machine based Neural Network for CTR Prediction" (IJCAI 2017,
arXiv:1703.04247), equations (1) to (4); the pairwise part after Rendle, "Factorization Machines" (ICDM 2010), lemma 3.1:

    y_FM  = sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j
    sum_{i<j} <v_i, v_j> x_i x_j  =  1/2 sum_d [ (sum_i v_id x_i)^2 - sum_i (v_id x_i)^2 ]
    y     = sigmoid(y_FM + y_DNN)

In code a field is one vector, sum_i v_i x_i over its values with x_i = 1/n for each of n (a list is the mean of its vectors),
and pairs are those of fields. A person's fields are summed once beside many candidates.

Departures: pairs inside one list are left out; numbers enter by their bucket; a second head `liking` with first-order weights
of its own, on the pairwise vector before its sum over d and on the tower. Only it reads the movie's numbers
(`fields.liking_logit`): with them in the pairs, choice was worse than popularity (nDCG@10 of .035).
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import keras
from keras import layers, ops

from sparrow.config import DeepFM
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import INPUTS, MOVIE_NUMBERS
from sparrow.models.fields import Fields, liking_logit, logit, side_by_side, tower
from sparrow.models.network import HEADS, Network, heads

TAKES = tuple(INPUTS)
CHOOSES = tuple(name for name in TAKES if name not in MOVIE_NUMBERS)


def build_deep_fm(spec: EncodingSpec, settings: DeepFM) -> Network:
    """The untrained network over `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields = Fields(spec, TAKES, settings.embedding_dropout)
    parts = [fields.pooled(name, settings.dim) for name in CHOOSES]  # (1 or N, dim) each, the candidate's last
    pairs = pairwise(parts)  # (N, dim)
    deep = tower(side_by_side(parts, like=parts[-1]), settings.hidden, settings.dropout, "hidden")
    linear = reduce(add, [fields.first_order(name, len(HEADS)) for name in CHOOSES])  # (N, heads)
    choice = linear[:, :1] + ops.sum(pairs, axis=1, keepdims=True) + logit(deep, "choice_deep")
    liking = linear[:, 1:] + liking_logit(fields, layers.Concatenate()([pairs, deep]), settings.dropout)
    return Network.plain(keras.Model(fields.inputs, heads(choice, liking), name="deep_fm"))


def pairwise(parts: Sequence[Any]) -> Any:
    """(N, dim) the sum over all pairs of fields of the product of their vectors, in time linear in the fields.

    Args:
        parts: (1 or N, dim) a field each; a person's are summed once, where they stand first.
    """
    total, squares = reduce(add, parts), reduce(add, [part * part for part in parts])
    return 0.5 * (total * total - squares)
