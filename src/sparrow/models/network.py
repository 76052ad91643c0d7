"""What every builder gives: one network as it learns, and the part of it that is served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import keras
from keras import ops

CHOICE: Final = "choice"
LIKING: Final = "liking"
HEADS: Final = (CHOICE, LIKING)
"""Will they choose it; will they rate it 3.5 or more. Logits (N, 1)."""

ATTENTION: Final = "attention"
"""(N, length) how much each movie of the history weighs for each candidate, of models that have such weights."""

Tensors = Mapping[str, Any]
Loss = Callable[[Tensors, Tensors, Tensors], Any]
"""Outputs by name, labels and weights by head → a scalar."""

Learns = Literal["ids", "features", "positives", "sequences"]
"""What a model learns from: (person, movie) pairs with fresh negatives; sample rows with every feature; those of them that were
chosen; whole sequences."""


@dataclass(frozen=True)
class Towers:
    """A choice that is an inner product: person and movies can be computed apart, and a catalogue asked by one matrix product.

    Attributes:
        person: a person's inputs → (batch, dim).
        movie: a movie's inputs → (batch, dim).
    """

    person: keras.Model
    movie: keras.Model


def binary_cross_entropy(logits: Tensors, labels: Tensors, weights: Tensors) -> Any:
    """The heads' losses, summed; each is the weighted sum over the rows, divided by the batch.

    Args:
        logits, labels: (batch, 1) by head.
        weights: (batch,) by head.
    """
    return sum(_weighted_loss(labels[head], logits[head], weights[head]) for head in labels)


def _weighted_loss(labels: Any, logits: Any, weights: Any) -> Any:
    losses = ops.binary_crossentropy(labels, logits, from_logits=True)  # (batch, 1)
    return ops.mean(losses[:, 0] * weights)


@dataclass(frozen=True)
class Network:
    """A network with shared weights in two forms.

    Attributes:
        serving: rows by input name → `CHOICE`, `LIKING` and perhaps `ATTENTION`. A person's inputs may have batch 1
            while candidates have N: the person is then computed once.
        training: what the loop runs; more outputs than `serving` where a paper has a loss of its own.
        loss: of the outputs.
        towers: of a network whose `CHOICE` is their inner product.
        fuses_loss: whether the loss is compiled by XLA. A softmax over a catalogue takes half the time and a third of the memory
            so, while the network itself is slower (docs/evaluation.md).
    """

    serving: keras.Model
    training: keras.Model
    loss: Loss = binary_cross_entropy
    towers: Towers | None = None
    fuses_loss: bool = False

    @classmethod
    def plain(cls, model: keras.Model) -> "Network":
        """A network that learns what it serves."""
        return cls(model, model)


def heads(choice: Any, liking: Any) -> dict[str, Any]:
    """(N, 1) logits as named outputs, so that losses and exports find them; float32 under mixed precision too."""
    return {
        name: keras.layers.Activation("linear", dtype="float32", name=name)(logit)
        for name, logit in ((CHOICE, choice), (LIKING, liking))
    }
