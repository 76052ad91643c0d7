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

    Args:
        spec: vocabularies of `userId` and `movieId`; their sizes give the embedding tables.
        settings: dimensions, dropout.

    Returns:
        {"userId": (batch,) int rows, "movieId": (batch,) int rows} → {"choice": (batch, 1), "liking": (batch, 1)} logits.
    """
    user, movie = (keras.Input((), dtype="int32", name=name) for name in INPUTS)
    users, movies = (spec.vocabularies[name].rows for name in INPUTS)

    def vector(name: str, rows: int, ids: keras.KerasTensor) -> keras.KerasTensor:
        return layers.Dropout(settings.embedding_dropout)(_embed(name, rows, settings.dim)(ids))  # (batch, dim)

    gmf = vector("gmf_user", users, user) * vector("gmf_movie", movies, movie)  # (batch, dim)
    mlp = layers.Concatenate()([vector("mlp_user", users, user), vector("mlp_movie", movies, movie)])  # (batch, 2 dim)
    for depth, width in enumerate(settings.hidden):
        mlp = layers.Dense(width, activation="relu", name=f"mlp_{depth}")(mlp)
        mlp = layers.Dropout(settings.dropout)(mlp)
    joined = layers.Concatenate()([gmf, mlp])  # (batch, dim + hidden[-1])
    heads = {name: _head(name, joined, user, movie, users, movies) for name in (CHOICE, LIKING)}
    return keras.Model({Columns.USER: user, Columns.MOVIE: movie}, heads, name="neural_cf")


def _embed(name: str, rows: int, dim: int) -> layers.Embedding:
    return layers.Embedding(rows, dim, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05), name=name)


def _head(
    name: str, joined: keras.KerasTensor, user: keras.KerasTensor, movie: keras.KerasTensor, users: int, movies: int
) -> keras.KerasTensor:
    """One logit (batch, 1); `liking` has a bias per person too, since some people rate high."""
    logit = layers.Dense(1, name=f"{name}_joined")(joined) + _embed(f"{name}_movie_bias", movies, 1)(movie)
    if name == LIKING:
        logit = logit + _embed(f"{name}_user_bias", users, 1)(user)
    return layers.Activation("linear", dtype="float32", name=name)(logit)
