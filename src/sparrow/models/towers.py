"""What models whose choice is an inner product of person and movie have in common."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from sparrow.features.inputs import movie_inputs, person_inputs
from sparrow.models.fields import Fields, beside
from sparrow.models.network import Towers, heads

Liking = Callable[[Any, Any, Any], Any]
"""(…, dim) person, (…, dim) movie, (…, 1) bias of the movie → (…, 1) logit."""


def liking_head(width: int) -> Liking:
    """Whether a chosen movie is liked, from the vectors that tell choice; they are read, and learn nothing from it."""
    hidden = layers.Dense(width, activation="relu", name="liking_hidden")
    joined = layers.Dense(1, name="liking_joined")

    def head(person: Any, movie: Any, bias: Any) -> Any:
        person, movie = ops.stop_gradient(person), ops.stop_gradient(movie)
        return joined(hidden(layers.Concatenate()([person, movie, person * movie]))) + bias

    return head


def with_bias(vector: Any, bias: Any) -> Any:
    """(N, dim + 1) a movie's vector and its bias; `with_one` is its counterpart, so that the product is s + b."""
    return layers.Concatenate()([vector, bias])


def with_one(vector: Any) -> Any:
    """(N, dim + 1) a person's vector and a 1."""
    return layers.Concatenate()([vector, ops.ones_like(vector[:, :1])])


def inner_product(
    fields: Fields, person: Any, movie: Any, liking: Liking, liking_bias: Any, name: str
) -> tuple[keras.Model, Towers]:
    """The served network, and its two sides apart.

    Args:
        fields: its inputs.
        person: (1 or N, dim), ends in 1.
        movie: (N, dim), ends in the movie's bias.
        liking: its head.
        liking_bias: (N, 1) of the movie.
        name: of the network.
    """
    choice = ops.sum(person * movie, axis=-1, keepdims=True)
    liked = liking(beside(person[:, :-1], movie), movie[:, :-1], liking_bias)
    sides = ({name: fields.inputs[name] for name in of(fields.names)} for of in (person_inputs, movie_inputs))
    serving = keras.Model(fields.inputs, heads(choice, liked), name=name)
    return serving, Towers(*(keras.Model(inputs, side) for inputs, side in zip(sides, (person, movie), strict=True)))
