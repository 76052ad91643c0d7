"""Each paper's formula against its words in plain NumPy; and that padding never changes a score."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from sparrow.build.train import section_of
from sparrow.config import Settings
from sparrow.features.encoding import PAD_ROW, Buckets, EncodingSpec, Field, Names, Vocabulary
from sparrow.features.inputs import INPUTS, LISTS, person_inputs
from sparrow.models import ARCHITECTURES, deep_fm, dien, wide_deep
from sparrow.models.din import Dice
from sparrow.models.network import ATTENTION, CHOICE, HEADS, Network
from tests.models.board import SMALL

pytestmark = pytest.mark.slow

LENGTH: Final = 6
SETTINGS: Final = Settings.model_validate(SMALL)
Array = NDArray[Any]


def spec(length: int = LENGTH) -> EncodingSpec:
    """Every input over 50 people, 40 movies, 3 genres and 4 buckets."""
    made: dict[str, Callable[[str], Field]] = {
        "id": lambda name: Vocabulary(np.arange(50 if name == "userId" else 40)),
        "ids": lambda _: Vocabulary(np.arange(40), length),
        "names": lambda _: Names(("Action", "Comedy", "Drama"), 2),
        "number": lambda _: Buckets(np.array([1, 2, 3], np.float32)),
    }
    return EncodingSpec({name: made[one.kind](name) for name, one in INPUTS.items()})


def network(name: str, length: int = LENGTH) -> Network:
    """A model with every weight drawn by chance, biases and batch statistics too."""
    built = ARCHITECTURES[name].build(spec(length).only(ARCHITECTURES[name].takes), section_of(SETTINGS, name))
    chance = np.random.default_rng(5)
    for weight in built.training.weights:
        if "seed" not in weight.path:
            weight.assign(chance.uniform(0.05, 0.6, weight.shape))
    return built


def rows(name: str, count: int, padding: int = 2, length: int = LENGTH) -> dict[str, Array]:
    """Dense rows of `count` examples; `padding` places in front of each list of movies are empty."""
    chance, fields = np.random.default_rng(count), spec(length).fields
    made: dict[str, Array] = {}
    for one in ARCHITECTURES[name].takes:
        shape = (count, size) if (size := fields[one].length) else (count,)
        made[one] = chance.integers(1, fields[one].rows, shape).astype(np.int32)
        if one in LISTS:
            made[one][:, :padding] = PAD_ROW
    return made


def logits(model: Any, inputs: dict[str, Array]) -> Array:
    """(N, heads)"""
    found = model(inputs, training=False)
    return np.concatenate([np.asarray(found[head]) for head in HEADS], axis=1)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def test_a_person_of_batch_1_scores_like_one_repeated(name: str) -> None:
    model, candidates, alone = network(name).serving, rows(name, 7), rows(name, 1)
    own = person_inputs(ARCHITECTURES[name].takes)
    told = candidates | {one: alone[one] for one in own}
    repeated = candidates | {one: np.repeat(alone[one], 7, axis=0) for one in own}
    assert logits(model, told).shape == (7, len(HEADS))
    np.testing.assert_allclose(logits(model, told), logits(model, repeated), rtol=1e-5)


def test_padding_never_changes_a_score(name: str) -> None:
    """The same lists in longer rooms: three more empty places in front of each."""
    short, long = network(name), network(name, LENGTH + 3)
    for mine, other in zip(long.serving.weights, short.serving.weights, strict=True):
        # Places told by distance have a weight for each, the nearest first; those further off than before have none yet.
        further = 3 if tuple(mine.shape) != tuple(other.shape) else 0
        mine.assign(np.pad(other.numpy(), ((0, further), (0, 0))) if further else other)
    inputs = rows(name, 5)
    wider = {
        one: np.pad(value, ((0, 0), (3, 0)), constant_values=PAD_ROW) if one in LISTS else value
        for one, value in inputs.items()
    }
    np.testing.assert_allclose(logits(long.serving, wider), logits(short.serving, inputs), rtol=1e-5, atol=1e-6)


def test_what_stands_at_padding_is_not_looked_at(name: str) -> None:
    """The vector of padding may be anything."""
    model, inputs = network(name).serving, rows(name, 5)
    before = logits(model, inputs)
    for weight in model.weights:
        if "movieId" in weight.path and "embeddings" in weight.path:
            values = weight.numpy().copy()
            values[PAD_ROW] += 7.0
            weight.assign(values)
    np.testing.assert_array_equal(logits(model, inputs), before)


@pytest.mark.parametrize("name", ["din", "dien"])
def test_attention_is_0_at_padding_and_for_someone_without_likes(name: str) -> None:
    model = network(name).serving
    weights = np.asarray(model(rows(name, 4), training=False)[ATTENTION])
    assert np.all(weights[:, :2] == 0)
    assert np.all(weights[:, 2:] != 0)
    nothing = model(rows(name, 4, padding=LENGTH), training=False)
    assert np.all(np.asarray(nothing[ATTENTION]) == 0)
    assert np.all(np.isfinite(nothing[CHOICE]))


def test_pairwise_is_the_double_sum_over_pairs_of_fields() -> None:
    parts = np.random.default_rng(1).normal(size=(6, 5, 4))  # (fields, batch, dim)
    double = sum(parts[i] * parts[j] for i in range(6) for j in range(i + 1, 6))
    np.testing.assert_allclose(np.asarray(deep_fm.pairwise(list(parts))), double, rtol=1e-9)
    person = [parts[0][:1], parts[1][:1]]
    repeated = [np.repeat(one, 5, axis=0) for one in person]
    np.testing.assert_allclose(
        np.asarray(deep_fm.pairwise([*person, *parts[2:]])), np.asarray(deep_fm.pairwise([*repeated, *parts[2:]]))
    )


def test_deep_fm_is_the_sum_of_its_three_parts() -> None:
    built, inputs = network("deep_fm").serving, rows("deep_fm", 3)
    tables = {layer.name: layer.embeddings.numpy() for layer in built.layers if hasattr(layer, "embeddings")}

    def pooled(name: str, what: str) -> Array:
        found = tables[f"{INPUTS[name].of}_{what}"][inputs[name]]
        if found.ndim == 2:
            return found
        there = (inputs[name] != PAD_ROW)[..., None]
        return np.asarray((found * there).sum(1) / np.maximum(there.sum(1), 1))

    vectors = [pooled(name, "vector") for name in deep_fm.CHOOSES]
    pairs = sum((a * b).sum(1) for at, a in enumerate(vectors) for b in vectors[at + 1 :])
    values = np.concatenate(vectors, axis=1)
    for depth in range(2):
        kernel, bias = (one.numpy() for one in built.get_layer(f"hidden_{depth}").weights)
        values = np.maximum(values @ kernel + bias, 0)
    kernel, bias = (one.numpy() for one in built.get_layer("choice_deep").weights)
    wanted = sum(pooled(name, "weight")[:, 0] for name in deep_fm.CHOOSES) + pairs + (values @ kernel + bias)[:, 0]
    np.testing.assert_allclose(logits(built, inputs)[:, 0], wanted, rtol=1e-4)


def test_crosses_fall_into_buckets_as_the_formula_says_and_evenly() -> None:
    first, second = np.meshgrid(np.arange(300, dtype=np.int32), np.arange(2**31 - 300, 2**31 - 1, dtype=np.int32))
    found = np.asarray(wide_deep.bucket(first, second, 1000))
    (a, b), prime = wide_deep.FACTORS, wide_deep.PRIME
    exact = [
        (a * j + b * k) % prime % 1000 for j, k in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    ]
    assert found.dtype == np.int32
    assert found.ravel().tolist() == exact
    counts = np.bincount(found.ravel(), minlength=1000)
    assert counts.max() < 2 * counts.mean()
    assert np.count_nonzero(found == found[0, 0]) < 2 * counts.mean()


def test_the_wide_part_knows_a_pair_and_no_older_like() -> None:
    """One weight moves the score of the movie that was liked lately beside this candidate, of no other."""
    built = network("wide_deep").serving
    recent = SETTINGS.wide_deep.recent
    inputs = rows("wide_deep", 4, padding=0)
    inputs["history"][:] = [[20, 21, 22, 23, 24, 25]]
    inputs["movieId"][:] = [3, 4, 5, 6]
    before, crosses = logits(built, inputs), built.get_layer("crosses")
    for liked, moved in ((20, 0.0), (25, 1.0 / recent)):
        weights = crosses.embeddings.numpy().copy()
        weights[int(wide_deep.bucket(liked, 4, SETTINGS.wide_deep.buckets))] += 1.0
        crosses.embeddings.assign(weights)
        np.testing.assert_allclose(logits(built, inputs) - before, [[0] * 2, [moved] * 2, [0] * 2, [0] * 2], atol=1e-4)


def test_dice_is_prelu_around_the_mean_of_the_batch() -> None:
    values = np.random.default_rng(2).normal(3, 2, size=(64, 5)).astype(np.float32)
    dice = Dice()
    dice.build(values.shape)
    dice.alpha.assign([0.0, 0.1, 0.25, 0.5, 1.0])
    share = sigmoid((values - values.mean(0)) / np.sqrt(values.var(0) + 1e-8))
    wanted = share * values + (1 - share) * dice.alpha.numpy() * values
    np.testing.assert_allclose(np.asarray(dice(values, training=True)), wanted, rtol=1e-4, atol=1e-5)


def walk(layer: dien.GatedWalk, values: Array, share: Array) -> Array:
    """(length, units) the states for one person, by the paper's equations."""
    kernel, recurrent, bias = layer.get_weights()
    (wu, wr, wh), (uu, ur, uh) = np.split(kernel, 3, axis=1), np.split(recurrent, 3, axis=1)
    bu, br, bh = np.split(bias, 3)
    state, states = np.zeros(layer.units), []
    for value, scale in zip(values, share, strict=True):
        update = scale * sigmoid(value @ wu + state @ uu + bu)
        reset = sigmoid(value @ wr + state @ ur + br)
        proposal = np.tanh(value @ wh + reset * (state @ uh) + bh)
        state = (1 - update) * state + update * proposal
        states.append(state)
    return np.array(states)


def test_gru_and_augru_are_the_papers_loop() -> None:
    chance = np.random.default_rng(3)
    values = chance.normal(size=(4, LENGTH, 5)).astype(np.float32)
    masks = np.array([[1] * 6, [0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1], [0] * 6], np.float32)
    for share in (masks, chance.random((4, LENGTH)).astype(np.float32)):
        every = dien.GatedWalk(3, every_state=True)
        every.build(values.shape, share.shape)
        every.bias.assign(chance.normal(size=9))
        wanted = np.stack([walk(every, *one) for one in zip(values, share, strict=True)])
        np.testing.assert_allclose(np.asarray(every(values, share)), wanted, rtol=1e-4, atol=1e-6)
        last = dien.GatedWalk(3)
        last.build(values.shape, share.shape)
        last.set_weights(every.get_weights())
        np.testing.assert_allclose(np.asarray(last(values, share)), wanted[:, -1], rtol=1e-4, atol=1e-6)


def test_the_auxiliary_loss_is_that_of_the_true_next_and_another_movie() -> None:
    chance = np.random.default_rng(4)
    states, liked = chance.normal(size=(2, 3, 4, 5))
    history = np.array([[0, 7, 8, 9], [5, 6, 8, 4], [0, 0, 0, 3]])
    there = (history != PAD_ROW).astype(np.float32)
    wanted = np.zeros(3)
    for row in range(3):
        losses = [
            -np.log(sigmoid(states[row, t] @ liked[row, t + 1]))
            - np.log(1 - sigmoid(states[row, t] @ liked[row - 1, t + 1]))
            for t in range(3)
            if there[row, t] and there[row - 1, t + 1] and history[row, t + 1] != history[row - 1, t + 1]
        ]
        wanted[row] = np.mean(losses) if losses else 0.0
    assert wanted.tolist().count(0.0) == 1
    found = dien.auxiliary_loss(
        *(ops.cast(one, "float32") for one in (states, liked)), ops.convert_to_tensor(history), there
    )
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5)


def test_dien_learns_by_its_auxiliary_loss_and_serves_without_it() -> None:
    built, inputs = network("dien"), rows("dien", 4)
    outputs = built.training(inputs, training=True)
    labels = dict.fromkeys(HEADS, np.ones((4, 1), np.float32))
    nothing = dict.fromkeys(HEADS, np.zeros(4, np.float32))
    own = float(np.mean(outputs[dien.AUXILIARY]))
    assert own > 0
    assert float(built.loss(outputs, labels, nothing)) == pytest.approx(SETTINGS.dien.auxiliary * own)
    assert set(built.serving.output_names) == {*HEADS, ATTENTION}
    assert {one.name for one in built.serving.inputs} == set(dien.TAKES)
    graph = tf.function(built.serving).get_concrete_function(
        {one.name: tf.TensorSpec([None, *one.shape[1:]], tf.int32, one.name) for one in built.serving.inputs},
        training=False,
    )
    kinds = {operation.type for operation in graph.graph.get_operations()}
    assert not kinds & {"Roll", "Softplus", "RandomUniform", "While"}
    alone = {one: value[:1] for one, value in inputs.items()}
    np.testing.assert_allclose(logits(built.serving, alone), logits(built.serving, inputs)[:1], rtol=1e-5)
