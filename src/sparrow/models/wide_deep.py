"""Wide & Deep: a linear model that remembers which movie follows which, beside a tower that generalises.

Cheng, Koc, Harmsen, Shaked, Chandra, Aradhye, Anderson, Corrado, Chai, Ispir, Anil, Haque, Hong, Jain, Liu & Shah, "Wide & Deep
Learning for Recommender Systems" (DLRS 2016, arXiv:1606.07792), section 3 and figure 4:

    phi_jk(x) = 1 if the person's recent likes hold movie j and the candidate is movie k     (cross-product transformation)
    y         = sigmoid(w_wide . [x ; phi(x)] + w_deep . a_L + b)

The crosses are hashed into `buckets` weights inside the graph, out of dense rows, by a universal hash of two integers (Carter
& Wegman, 1979): h(j, k) = ((A j + B k) mod P) mod buckets, P = 2^31 - 1. In 64 bits nothing overflows while there are
fewer than 2^31 movies, so NumPy, TensorFlow and ONNX Runtime agree. Two crosses in one bucket share a weight.

Departures: one optimiser for both parts (the paper: FTRL with L1 for the wide one, AdaGrad for the deep one), and decay in
place of L1; the crosses of the `recent` newest likes are averaged; two heads, each with wide weights of its own; only
liking reads the movie's numbers (`fields.liking_logit`).
"""

from typing import Any, Final

import keras
from keras import layers, ops

from sparrow.config import WideDeep
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import DISLIKES, HISTORY, MOVIE_NUMBERS, USER_NUMBERS
from sparrow.models.fields import Fields, liking_logit, logit, side_by_side, tower
from sparrow.models.network import HEADS, Network, heads
from sparrow.schema import Columns

CHOOSES = (HISTORY, DISLIKES, "favourite_genres", *USER_NUMBERS, Columns.MOVIE, Columns.GENRES)
TAKES = (*CHOOSES, *MOVIE_NUMBERS)

PRIME: Final = 2**31 - 1
FACTORS: Final = (1_640_531_527, 914_874_331)
"""A and B: any two below `PRIME`."""


def build_wide_deep(spec: EncodingSpec, settings: WideDeep) -> Network:
    """The untrained network over `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields = Fields(spec, TAKES, settings.embedding_dropout)
    wide = crossed(fields, settings)  # (N, heads)
    for name in CHOOSES:
        wide = wide + fields.first_order(name, len(HEADS))
    parts = [fields.pooled(name, settings.dim) for name in CHOOSES]  # the candidate's last
    deep = tower(side_by_side(parts, like=parts[-1]), settings.hidden, settings.dropout, "hidden")
    choice = logit(deep, "choice_joined") + wide[:, :1]
    liking = liking_logit(fields, deep, settings.dropout) + wide[:, 1:]
    return Network.plain(keras.Model(fields.inputs, heads(choice, liking), name="wide_deep"))


def crossed(fields: Fields, settings: WideDeep) -> Any:
    """(N, heads) the mean weight of the crosses recent like × candidate; 0 for someone without likes."""
    recent = fields.inputs[HISTORY][:, -settings.recent :]  # (1 or N, recent)
    there = fields.mask(HISTORY)[:, -settings.recent :]
    places = bucket(recent, fields.inputs[Columns.MOVIE][:, None], settings.buckets)  # (N, recent)
    weights = layers.Embedding(settings.buckets, len(HEADS), embeddings_initializer="zeros", name="crosses")(places)
    return ops.sum(weights * there[..., None], axis=1) / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)


def bucket(first: Any, second: Any, buckets: int) -> Any:
    """The bucket of each pair of rows, int32 from 0 to buckets - 1; the two shapes broadcast."""
    both = ops.cast(first, "int64") * FACTORS[0] + ops.cast(second, "int64") * FACTORS[1]
    return ops.cast(both % PRIME % buckets, "int32")
