"""Two towers: person and movie as vectors, each by itself, so that a whole catalogue is one matrix product.

Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei & Chi, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
Recommendations" (RecSys 2019), sections 3 and 4:

    s(x, y)    = <u(x), v(y)> / τ,                       |u| = |v| = 1
    s'(x, y_j) = s(x, y_j) - log q_j                     q_j: how often a batch holds y_j
    loss       = mean_i -log softmax_j s'(x_i, y_j) at j = i, over the movies of the batch

Departures: q is counted over the training rows and not estimated from the stream; the same movie twice in a batch is left
out of the other's softmax; every positive weighs the same; τ is learnt; a movie bias carries popularity, which the
correction leaves to be learnt. The second head, `liking`, reads the vectors and does not change them.

The towers take what the encoding has of `TAKES`: with ids alone (a table of interactions, no catalogue) histories and movies.
"""

from typing import Any, Final

import keras
from keras import layers, ops

from sparrow.config import TwoTower
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import DISLIKES, HISTORY, RATED, USER_NUMBERS, movie_inputs, person_inputs
from sparrow.models.fields import Fields, tower
from sparrow.models.network import LIKING, Network
from sparrow.models.softmax import ITEM, PERSON, in_batch_loss
from sparrow.models.towers import inner_product, liking_head, with_bias, with_one
from sparrow.schema import Columns

TAKES: Final = (
    *(HISTORY, DISLIKES, RATED, "favourite_genres", *USER_NUMBERS),
    *(Columns.MOVIE, Columns.GENRES, Columns.YEAR),
)

COLDEST: Final = 10.0
"""1 / τ at first."""


def build_two_tower(spec: EncodingSpec, settings: TwoTower) -> Network:
    """The untrained network over what the spec has of `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields = Fields(spec, [name for name in TAKES if name in spec.fields])
    person = _side(fields, person_inputs(fields.names), settings, "person")
    movie = _side(fields, movie_inputs(fields.names), settings, "movie")
    person = with_one(Temperature(name="temperature")(person))  # (1 or N, dim + 1)
    movie = with_bias(movie, fields.embed(Columns.MOVIE, 1, "bias", stddev=0.0))  # (N, dim + 1)
    liking, liking_bias = liking_head(settings.dim), fields.embed(Columns.MOVIE, 1, "liking_bias", stddev=0.0)
    serving, towers = inner_product(fields, person, movie, liking, liking_bias, "two_tower_serving")
    outputs = {PERSON: person, ITEM: movie, LIKING: serving.output[LIKING]}
    training = keras.Model(fields.inputs, outputs, name="two_tower")
    return Network(serving, training, in_batch_loss, towers)


def _side(fields: Fields, names: tuple[str, ...], settings: TwoTower, side: str) -> Any:
    """(batch, dim) of length 1."""
    joined = [fields.pooled(name, settings.dim) for name in names]
    values = layers.Concatenate()(joined) if len(joined) > 1 else joined[0]
    values = tower(layers.Dropout(settings.dropout)(values), settings.hidden, settings.dropout, side)
    return layers.UnitNormalization(name=f"{side}_unit")(layers.Dense(settings.dim, name=f"{side}_vector")(values))


@keras.saving.register_keras_serializable("sparrow")
class Temperature(layers.Layer):  # type: ignore[misc]
    """Divides by τ, which is learnt; its logarithm, so that it stays above 0."""

    def build(self, _shape: Any) -> None:
        """τ starts at 1 / `COLDEST`."""
        start = keras.initializers.Constant(float(keras.ops.log(COLDEST)))
        self.log_inverse = self.add_weight(shape=(), initializer=start, name="log_inverse")

    def call(self, vectors: Any) -> Any:
        """(batch, dim) → the same shape."""
        return vectors * ops.exp(self.log_inverse)
