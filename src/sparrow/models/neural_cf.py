"""NeuralCF: generalised matrix factorisation and a multilayer perceptron, joined.

He, Liao, Zhang, Nie, Hu & Chua, "Neural Collaborative Filtering" (WWW 2017, arXiv:1708.05031), section 3.4 (NeuMF):

    gmf    = p_u * q_i                                  (element-wise)
    mlp    = a_L(W_L ... a_1(W_1 [p'_u ; q'_i]) ...)    (its own embeddings)
    y(u,i) = sigmoid(h . [gmf ; mlp] + b_i)

In code: `gmf_user` is p, `mlp_user` is p', `choice` is the logit of y. `form` takes one half alone, the paper's GMF (equation
9) or MLP (equation 10), or the two-tower form that is taught beside them: a perceptron for each side, y = sigmoid(f(p) . g(q)).

Departures: trained end to end (no pre-training of the two halves), a movie bias b_i that carries popularity so that the
embeddings need not, and a second head `liking` on the same layers that answers "will they rate it 3.5 or more".
"""

from typing import Any

import keras
from keras import layers

from sparrow.config import NeuralCF
from sparrow.features.encoding import EncodingSpec
from sparrow.models.fields import Fields, beside, side_by_side, tower
from sparrow.models.network import Network, heads
from sparrow.schema import Columns

TAKES = (Columns.USER, Columns.MOVIE)


def build_neural_cf(spec: EncodingSpec, settings: NeuralCF) -> Network:
    """The untrained network.

    All that belongs to one id stands in one row of one table (its `gmf` and `mlp` embeddings, then its biases): one look-up
    and one update a step instead of seven.

    Args:
        spec: vocabularies of `userId` and `movieId`; their sizes give the embedding tables.
        settings: form, dimensions, dropout.

    Returns:
        {"userId": (1 or N,), "movieId": (N,)} int rows → {"choice": (N, 1), "liking": (N, 1)} logits.
    """
    fields, dim, form = Fields(spec, TAKES), settings.dim, settings.form
    width = 2 * dim if form == "neumf" else dim
    of_user = fields.embed(Columns.USER, width + 1)  # (1 or N, width + 1)
    of_movie = fields.embed(Columns.MOVIE, width + 2)  # (N, width + 2)
    drop = layers.Dropout(settings.embedding_dropout)
    joined = _interaction(drop(of_user[:, :width]), drop(of_movie[:, :width]), settings)
    choice = layers.Dense(1, name="choice_joined")(joined) + of_movie[:, width : width + 1]
    # Some people rate high: liking has a bias per person as well.
    liking = layers.Dense(1, name="liking_joined")(joined) + of_movie[:, width + 1 :] + of_user[:, width:]
    return Network.plain(keras.Model(fields.inputs, heads(choice, liking), name="neural_cf"))


def _interaction(user: Any, movie: Any, settings: NeuralCF) -> Any:
    """(N, any) what the two vectors say together."""
    dim = settings.dim
    if settings.form == "gmf":
        return user * movie
    if settings.form == "two_tower":
        return beside(_tower(user, settings, "user"), movie) * _tower(movie, settings, "movie")
    mlp = _tower(side_by_side([user[:, -dim:], movie[:, -dim:]], movie), settings, "mlp")
    return mlp if settings.form == "mlp" else layers.Concatenate()([user[:, :dim] * movie[:, :dim], mlp])


def _tower(values: Any, settings: NeuralCF, name: str) -> Any:
    return tower(values, settings.hidden, settings.dropout, name)
