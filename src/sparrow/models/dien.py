"""DIEN: how a person's interest moves, and that part of the movement that leads to one candidate.

Zhou, Mou, Fan, Pi, Bian, Zhou, Zhu & Gai, "Deep Interest Evolution Network for Click-Through Rate Prediction" (AAAI 2019,
arXiv:1809.03672), equations (2) to (14):

    u_t = sigmoid(W_u i_t + U_u h_{t-1} + b_u),  r_t alike                           (GRU over the liked movies i_t = e_b[t])
    h~  = tanh(W_h i_t + r_t * U_h h_{t-1} + b_h),  h_t = (1 - u_t) * h_{t-1} + u_t * h~
    a_t = exp(h_t W e_a) / sum_j exp(h_j W e_a)                                      (e_a: the candidate)
    u'_t = a_t u_t in the place of u_t, over i'_t = h_t                              (AUGRU; its last state is the interest)
    L   = L_target + α L_aux,   L_aux = - mean_t [ log s(h_t . e_b[t+1]) + log(1 - s(h_t . e'_b[t+1])) ],   s = sigmoid

In code `share` is what scales the update gate: the mask for the GRU, the attention for the AUGRU. Padding has share 0, so the
state walks past it unchanged, and a person without likes keeps the state 0.

The auxiliary loss is an output of `Network.training` alone. The other movie e'_b[t+1] is what another row of the batch liked
at that place; pairs in which either is padding, or both are the same movie, do not count. The served network shares the
layers, needs neither label nor another row, and walks the GRU once for a person of batch 1.

Departures: L_aux is a mean over the steps, not a sum, so that α means the same for long and short histories; DIN's tower with
Dice, with a pooled list of what the person rated low; two heads, of which only liking reads the movie's numbers
(`fields.liking_logit`).
"""

from typing import Any, Final

import keras
from keras import layers, ops

from sparrow.config import Dien
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import HISTORY
from sparrow.models import din
from sparrow.models.din import dice_tower
from sparrow.models.fields import Fields, liking_logit, logit, side_by_side
from sparrow.models.network import ATTENTION, Loss, Network, Tensors, binary_cross_entropy, heads
from sparrow.schema import Columns

TAKES: Final = din.TAKES

AUXILIARY: Final = "auxiliary"
"""(N,) the auxiliary loss of each row, of the training network."""

OUTSIDE: Final = -1e4
"""Added to the score of padding before the softmax; exp of it is 0."""


def build_dien(spec: EncodingSpec, settings: Dien) -> Network:
    """The untrained network over `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields, dim = Fields(spec, TAKES, settings.embedding_dropout), settings.dim
    candidate = fields.pooled(Columns.MOVIE, dim)  # (N, dim)
    liked, there = fields.embed(HISTORY, dim), fields.mask(HISTORY)  # (1 or N, length, dim), (1 or N, length)
    interests = GatedWalk(dim, every_state=True, name="gru")(liked, there)  # (1 or N, length, dim)
    weights = attend(interests, candidate, there)  # (N, length)
    evolved = GatedWalk(dim, name="augru")(interests, weights)  # (N, dim)
    others = [fields.pooled(name, dim) for name in din.CHOOSES if name not in (HISTORY, Columns.MOVIE)]
    values = side_by_side([evolved, candidate, evolved * candidate, *others], candidate)
    values = dice_tower(values, settings.hidden, settings.dropout)
    popularity = fields.first_order(Columns.MOVIE)  # (N, 1)
    outputs = heads(logit(values, "choice_joined") + popularity, liking_logit(fields, values, settings.dropout))
    auxiliary = auxiliary_loss(interests, liked, fields.inputs[HISTORY], there)
    training = keras.Model(fields.inputs, {**outputs, AUXILIARY: auxiliary}, name="dien")
    named = layers.Activation("linear", dtype="float32", name=ATTENTION)(weights)
    serving = keras.Model(fields.inputs, {**outputs, ATTENTION: named}, name="dien_serving")
    return Network(serving, training, with_auxiliary(settings.auxiliary))


def with_auxiliary(share: float) -> Loss:
    """L: the heads' loss and α times the auxiliary one."""

    def loss(outputs: Tensors, labels: Tensors, weights: Tensors) -> Any:
        return binary_cross_entropy(outputs, labels, weights) + share * ops.mean(outputs[AUXILIARY])

    return loss


def attend(interests: Any, candidate: Any, there: Any) -> Any:
    """(N, length) a_t: how much each step of the history leads to each candidate; 0 at padding, else they sum to 1.

    Args:
        interests: (1 or N, length, dim).
        candidate: (N, dim).
        there: (1 or N, length), 1.0 where a movie is.
    """
    keys = layers.Dense(candidate.shape[-1], use_bias=False, name="attention_key")(interests)
    scores = ops.sum(keys * candidate[:, None], axis=-1) + (1.0 - there) * OUTSIDE
    return ops.softmax(scores, axis=-1) * there


def auxiliary_loss(interests: Any, liked: Any, rows: Any, there: Any) -> Any:
    """(N,) mean over the steps: does the state tell the movie liked next from another one?

    Args:
        interests, liked: (N, length, dim) states, and vectors of the movies.
        rows: (N, length) which movies.
        there: (N, length), 1.0 where a movie is.
    """
    states, following = interests[:, :-1], liked[:, 1:]
    other, other_rows, other_there = (ops.roll(one, 1, axis=0)[:, 1:] for one in (liked, rows, there))
    counts = there[:, :-1] * other_there * ops.cast(ops.not_equal(rows[:, 1:], other_rows), "float32")
    losses = ops.softplus(-ops.sum(states * following, axis=-1)) + ops.softplus(ops.sum(states * other, axis=-1))
    return ops.sum(losses * counts, axis=1) / ops.maximum(ops.sum(counts, axis=1), 1.0)


@keras.saving.register_keras_serializable("sparrow")
class GatedWalk(layers.Layer):  # type: ignore[misc]
    """A GRU whose update gate is scaled at each step: by a mask a GRU, by attention an AUGRU.

    The steps are written out, not a loop of the graph: tf2onnx does not export `keras.ops.scan` over two sequences.
    """

    def __init__(self, units: int, every_state: bool = False, **kwargs: Any) -> None:
        """Args: units: numbers in a state; every_state: give all of them, not the last alone."""
        super().__init__(**kwargs)
        self.units, self.every_state = units, every_state

    def build(self, values_shape: Any, share_shape: Any) -> None:
        """Columns of the matrices: update gate, reset gate, candidate state."""
        if values_shape[1] != share_shape[1]:
            raise ValueError(f"A walk over {values_shape[1]} steps needs a share for each; got {share_shape[1]}.")
        self.of_value = self.add_weight(shape=(values_shape[-1], 3 * self.units), name="of_value")
        self.of_state = self.add_weight(shape=(self.units, 3 * self.units), initializer="orthogonal", name="of_state")
        self.bias = self.add_weight(shape=(3 * self.units,), initializer="zeros", name="bias")

    def call(self, values: Any, share: Any) -> Any:
        """(1 or N, length, dim) values, (1 or N, length) shares → (1 or N, units), or (1 or N, length, units) of all steps."""
        told = ops.matmul(values, self.of_value) + self.bias  # (1 or N, length, 3 * units)
        gates, proposals = (ops.unstack(part, axis=1) for part in ops.split(told, [2 * self.units], axis=-1))
        scales = ops.split(share, len(gates), axis=1)  # (1 or N, 1) each
        state: Any = None
        states = [state := self._step(*now, state) for now in zip(gates, proposals, scales, strict=True)]
        return ops.stack(states, axis=1) if self.every_state else state

    def _step(self, gates: Any, proposal: Any, scale: Any, state: Any) -> Any:
        """The next state, (1 or N, units); the one before the first is 0."""
        if state is None:
            return scale * ops.sigmoid(gates[:, : self.units]) * ops.tanh(proposal)
        of_gates, of_proposal = ops.split(ops.matmul(state, self.of_state), [2 * self.units], axis=1)
        update, reset = ops.split(ops.sigmoid(gates + of_gates), 2, axis=1)
        proposal = ops.tanh(proposal + reset * of_proposal)
        return state + scale * update * (proposal - state)
