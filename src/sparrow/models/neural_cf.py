"""NeuralCF: generalised matrix factorisation and a multilayer perceptron, joined.

He, Liao, Zhang, Nie, Hu & Chua, "Neural Collaborative Filtering" (WWW 2017, arXiv:1708.05031), section 3.4 (NeuMF):

    gmf    = p_u * q_i                                  (element-wise)
    mlp    = a_L(W_L ... a_1(W_1 [p'_u ; q'_i]) ...)    (its own embeddings)
    y(u,i) = sigmoid(h . [gmf ; mlp] + b_i)

In code: `gmf_user` is p, `mlp_user` is p', `choice` is the logit of y.

Departures: trained end to end (no pre-training of the two halves), a movie bias b_i that carries popularity so that the
embeddings need not, and a second head `liking` on the same layers that answers "will they rate it 3.5 or more".
"""

from typing import Final

import keras
from keras import layers

from sparrow.config import NeuralCF
from sparrow.features.encoding import EncodingSpec
from sparrow.schema import Columns

INPUTS: Final = (Columns.USER, Columns.MOVIE)
CHOICE: Final = "choice"
LIKING: Final = "liking"


def build_neural_cf(spec: EncodingSpec, settings: NeuralCF) -> keras.Model:
    """The untrained network.

    All that belongs to one id stands in one row of one table (its `gmf` and `mlp` embeddings, then its biases): one look-up
    and one update a step instead of seven.

    Args:
        spec: vocabularies of `userId` and `movieId`; their sizes give the embedding tables.
        settings: dimensions, dropout.

    Returns:
        {"userId": (batch,) int rows, "movieId": (batch,) int rows} → {"choice": (batch, 1), "liking": (batch, 1)} logits.
    """
    user, movie = (keras.Input((), dtype="int32", name=name) for name in INPUTS)
    users, movies = (spec.vocabularies[name].rows for name in INPUTS)
    dim, drop = settings.dim, layers.Dropout(settings.embedding_dropout)
    of_user = _embed("user", users, 2 * dim + 1)(user)  # (batch, 2 dim + 1)
    of_movie = _embed("movie", movies, 2 * dim + 2)(movie)  # (batch, 2 dim + 2)
    vectors, others = drop(of_user[:, : 2 * dim]), drop(of_movie[:, : 2 * dim])
    gmf = vectors[:, :dim] * others[:, :dim]  # (batch, dim)
    mlp = layers.Concatenate()([vectors[:, dim:], others[:, dim:]])  # (batch, 2 dim)
    for depth, width in enumerate(settings.hidden):
        mlp = layers.Dense(width, activation="relu", name=f"mlp_{depth}")(mlp)
        mlp = layers.Dropout(settings.dropout)(mlp)
    joined = layers.Concatenate()([gmf, mlp])  # (batch, dim + hidden[-1])
    choice = layers.Dense(1, name="choice_joined")(joined) + of_movie[:, 2 * dim : 2 * dim + 1]
    # Some people rate high: liking has a bias per person as well.
    liking = layers.Dense(1, name="liking_joined")(joined) + of_movie[:, 2 * dim + 1 :] + of_user[:, 2 * dim :]
    # Named outputs, so that losses and exports find their heads; float32 under mixed precision too.
    heads = {
        name: layers.Activation("linear", dtype="float32", name=name)(logit)
        for name, logit in ((CHOICE, choice), (LIKING, liking))
    }
    return keras.Model({Columns.USER: user, Columns.MOVIE: movie}, heads, name="neural_cf")


def _embed(name: str, rows: int, width: int) -> layers.Embedding:
    return layers.Embedding(rows, width, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05), name=name)
