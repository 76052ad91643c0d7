"""Losses of choosing one movie among many, for models whose choice is an inner product.

    next movie   -log softmax_j s(t, j) at the true j, over the whole catalogue; beyond a bounded catalogue over the true
                 movie and K uniform draws, whose scores gain log(V / K): the sum over them is then that over all, in the mean
    in batch     the same over the movies of the batch, s'(i, j) = s(i, j) - log q_j, q_j how often a batch holds j
                 (Yi et al., 2019): without it a popular movie is a negative far too often

Memory: positions x min(V, K) x 4 bytes for the scores, and as much for their gradient.
"""

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from sparrow.features.encoding import FIRST_ROW, PAD_ROW
from sparrow.models.network import CHOICE, LIKING, Loss, Tensors

STATES: Final = "states"
"""(batch, length, dim) what is known at each place of a sequence."""

PERSON, ITEM = "person", "item"
"""(batch, dim) the two sides of an inner product."""

SHOWN: Final = "shown"
"""(batch,) or (batch, length) rows of the true movies, among the labels; equal ones are no negatives of each other."""

LOG_Q: Final = "log_q"
"""(batch,) logarithm of how often a batch holds each of them, among its labels."""

NEVER: Final = -1e9
"""Score of what must not be seen; finite, so that a row of nothing else stays a number."""

LEVEL: Final = 1e-3
"""How strongly the mean movie is held at a score of 0. A softmax does not mind all scores rising together; whoever compares
people, or takes a sigmoid of a score, does."""


def next_movie_loss(vectors: layers.Embedding, bias: layers.Embedding, full: int, negatives: int) -> Loss:
    """Cross-entropy of every place's next movie, and of whether it was liked.

    Args:
        vectors, bias: tables of the movies.
        full: movies up to which all are in the softmax.
        negatives: K, beyond.
    """
    movies, chance = vectors.input_dim - FIRST_ROW, keras.random.SeedGenerator(1)

    def loss(outputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
        own = outputs[CHOICE]  # (batch, length)
        states = ops.reshape(outputs[STATES], (-1, vectors.output_dim))  # (positions, dim)
        if movies <= full:
            others = log_sum(states, vectors.embeddings[PAD_ROW + 1 :], bias.embeddings[PAD_ROW + 1 :, 0])
        else:
            drawn = keras.random.randint((negatives,), FIRST_ROW, movies + FIRST_ROW, seed=chance)
            drawn_bias = ops.take(bias.embeddings[:, 0], drawn) + np.float32(np.log(movies / negatives))
            is_own = ops.reshape(labels[SHOWN], (-1, 1)) == drawn  # (positions, negatives)
            rest = log_sum(states, ops.take(vectors.embeddings, drawn, axis=0), ops.where(is_own, NEVER, drawn_bias))
            others = ops.logaddexp(rest, ops.reshape(own, (-1,)))
        others = ops.reshape(others, ops.shape(own))
        level = LEVEL * (others - np.float32(np.log(movies))) ** 2
        return weighted_mean(others - own + level, weights[CHOICE]) + liking_loss(outputs, labels, weights)

    return loss


def log_sum(states: Any, vectors: Any, bias: Any) -> Any:
    """(positions,) log sum_j exp(states . vectors_j + bias_j).

    Args:
        states: (positions, dim).
        vectors: (movies, dim).
        bias: (movies,) or (positions, movies).
    """
    return ops.logsumexp(ops.matmul(states, ops.transpose(vectors)) + bias, axis=-1)


def in_batch_loss(outputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
    """Each person's movie among those of the batch, corrected for popularity, and whether it was liked."""
    choice = in_batch_cross_entropy(outputs[PERSON], outputs[ITEM], labels[SHOWN], labels[LOG_Q])
    return weighted_mean(choice, weights[CHOICE]) + liking_loss(outputs, labels, weights)


def in_batch_cross_entropy(person: Any, movie: Any, shown: Any, log_q: Any) -> Any:
    """(batch,) -log softmax of the own movie; the same movie in another row is left out.

    Args:
        person, movie: (batch, dim).
        shown: (batch,) rows of the movies.
        log_q: (batch,) how likely each is to stand in a batch.
    """
    logits = ops.matmul(person, ops.transpose(movie)) - log_q  # (batch, batch)
    twice = (shown[:, None] == shown[None]) & ~ops.eye(ops.shape(shown)[0], dtype="bool")
    return ops.logsumexp(ops.where(twice, NEVER, logits), axis=-1) - ops.diagonal(logits)


def liking_loss(outputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
    """Binary cross-entropy of the liking head, over the rows that are rated."""
    losses = ops.binary_crossentropy(labels[LIKING], outputs[LIKING], from_logits=True)
    return weighted_mean(ops.reshape(losses, ops.shape(weights[LIKING])), weights[LIKING])


def weighted_mean(values: Any, weights: Any) -> Any:
    """Σ w v / Σ w, 0 where nothing weighs."""
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)
