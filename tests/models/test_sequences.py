"""SASRec and two towers beyond the contract: causality, masks, and their losses beside NumPy."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from sparrow.config import SasRec, TwoTower
from sparrow.features.encoding import FIRST_ROW, PAD_ROW, EncodingSpec, Vocabulary
from sparrow.features.inputs import RATED
from sparrow.models.network import CHOICE, LIKING, Network
from sparrow.models.sasrec import NEXT, build_sasrec
from sparrow.models.softmax import LEVEL, SHOWN, STATES, in_batch_cross_entropy, next_movie_loss
from sparrow.models.two_tower import build_two_tower
from sparrow.schema import Columns

pytestmark = pytest.mark.slow

MOVIES, LENGTH = 12, 6
IDS = np.arange(1, MOVIES + 1)
SPEC = EncodingSpec({RATED: Vocabulary(IDS, LENGTH), Columns.MOVIE: Vocabulary(IDS)})
EVERY = np.arange(FIRST_ROW, FIRST_ROW + MOVIES, dtype=np.int32)


def sasrec(**settings: int) -> Network:
    keras.utils.set_random_seed(2)
    network = build_sasrec(SPEC, SasRec.model_validate({"dim": 8, "feed": 16, "dropout": 0.0, **settings}))
    for weight in network.training.weights:  # biases that are 0 at first would hide what they do
        if "bias" in weight.path:
            weight.assign(np.random.default_rng(3).normal(size=weight.shape))
    return network


def states(network: Network, rated: NDArray[np.int32]) -> NDArray[np.float32]:
    told = network.training({RATED: rated, NEXT: np.full_like(rated, PAD_ROW)})
    return np.asarray(told[STATES])


def scores(network: Network, rated: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.asarray(network.serving({RATED: rated, Columns.MOVIE: EVERY})[CHOICE])


def rows(*told: list[int]) -> NDArray[np.int32]:
    return np.array(told, np.int32)


def test_a_later_movie_never_changes_an_earlier_place() -> None:
    network = sasrec()
    first, second = states(network, rows([0, 2, 3, 4, 5, 6], [0, 2, 3, 4, 7, 8]))
    assert np.abs(first[:4] - second[:4]).max() < 1e-5
    assert np.abs(first[4:] - second[4:]).max() > 0.01


def test_padding_says_nothing_and_a_place_in_the_window_neither() -> None:
    """The same movies give the same vector behind any padding and anywhere in a window."""
    network = sasrec()
    early = states(network, rows([0, 0, 2, 3, 4, 9]))[0]
    late = states(network, rows([0, 0, 0, 2, 3, 4]))[0]
    assert np.abs(early[2:5] - late[3:]).max() < 1e-5
    table = next(weight for weight in network.training.weights if weight.path == "movieId_vector/embeddings")
    moved = np.array(table.numpy())
    moved[PAD_ROW] += 5
    table.assign(moved)
    assert np.abs(states(network, rows([0, 0, 0, 2, 3, 4]))[0, 3:] - late[3:]).max() < 1e-5


def test_order_matters_and_a_stranger_has_a_vector() -> None:
    network = sasrec()
    assert np.abs(scores(network, rows([0, 0, 0, 2, 3, 4])) - scores(network, rows([0, 0, 0, 4, 3, 2]))).max() > 0.01
    nobody = scores(network, rows([0] * LENGTH))
    assert np.all(np.isfinite(nobody)) and np.ptp(nobody) > 0.01
    assert (
        np.abs(states(network, rows([0, 0, 0, 2, 3, 4]))[0, 0] - states(network, rows([0] * LENGTH))[0, -1]).max()
        < 1e-6
    )


@pytest.mark.parametrize("build", ["sasrec", "two_tower"])
def test_choice_is_the_inner_product_of_the_towers(build: str) -> None:
    network = sasrec() if build == "sasrec" else build_two_tower(SPEC, TwoTower(dim=8, hidden=(8,)))
    assert network.towers is not None
    rated = rows([0, 0, 0, 2, 3, 4], [2, 3, 4, 5, 6, 7])
    person, movie = network.towers.person({RATED: rated}), network.towers.movie({Columns.MOVIE: EVERY})
    product = np.asarray(person) @ np.asarray(movie).T
    for row in range(2):
        assert np.abs(product[row] - scores(network, rated[row : row + 1])[:, 0]).max() < 1e-5


def test_what_training_says_of_the_next_movie_is_what_is_served() -> None:
    network, rated = sasrec(), rows([0, 0, 0, 2, 3, 4])
    told = network.training({RATED: rated, NEXT: rows([2, 3, 4, 5, 6, 7])})
    served = network.serving({RATED: rated, Columns.MOVIE: rows([7])[0]})
    for head in (CHOICE, LIKING):
        assert float(told[head][0, -1]) == pytest.approx(float(served[head][0, 0]), abs=1e-6)


def log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True)))


def tables(seed: int = 4) -> tuple[layers.Embedding, layers.Embedding]:
    vectors, bias = layers.Embedding(MOVIES + FIRST_ROW, 5), layers.Embedding(MOVIES + FIRST_ROW, 1)
    chance = np.random.default_rng(seed)
    for table in (vectors, bias):
        table.build(None)
        table.embeddings.assign(chance.normal(size=table.embeddings.shape))
    return vectors, bias


def sequence_batch() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray], NDArray[np.int32]]:
    """Outputs, labels, weights and targets of two windows of three places, the first two of which are padding."""
    chance = np.random.default_rng(5)
    vectors, bias = (table.embeddings.numpy().astype(np.float64) for table in tables())
    wanted = rows([0, 0, 5], [3, 9, 2])
    told = chance.normal(size=(2, 3, 5))
    own = (told * vectors[wanted]).sum(-1) + bias[wanted, 0]
    there = (wanted > 0).astype(np.float32)
    outputs = {STATES: told, CHOICE: own, LIKING: chance.normal(size=(2, 3))}
    outputs = {name: value.astype(np.float32) for name, value in outputs.items()}
    labels = {LIKING: (chance.random((2, 3)) < 0.5).astype(np.float32), SHOWN: wanted}
    return outputs, labels, {CHOICE: there, LIKING: there * 0}, wanted


def test_the_loss_of_the_next_movie_is_the_softmax_over_all_without_padding() -> None:
    outputs, labels, weights, wanted = sequence_batch()
    vectors, bias = (table.embeddings.numpy().astype(np.float64) for table in tables())
    logits = outputs[STATES].astype(np.float64) @ vectors[1:].T + bias[1:, 0]
    level = LEVEL * (np.log(np.exp(logits).sum(-1)) - np.log(MOVIES)) ** 2
    told = np.take_along_axis(log_softmax(logits), np.maximum(wanted - 1, 0)[..., None], axis=-1)[..., 0]
    expected = (level - told)[weights[CHOICE] > 0].mean()
    assert float(next_movie_loss(*tables(), MOVIES, 4)(outputs, labels, weights)) == pytest.approx(expected, rel=1e-5)


def test_drawn_movies_stand_for_all() -> None:
    """With many draws the sampled loss is the softmax over all movies but padding and unknown, which are never drawn."""
    outputs, labels, weights, wanted = sequence_batch()
    vectors, bias = (table.embeddings.numpy().astype(np.float64) for table in tables())
    logits = outputs[STATES].astype(np.float64) @ vectors[FIRST_ROW:].T + bias[FIRST_ROW:, 0]
    told = np.take_along_axis(log_softmax(logits), np.maximum(wanted - FIRST_ROW, 0)[..., None], axis=-1)[..., 0]
    drawn = float(next_movie_loss(*tables(), MOVIES - 1, 100_000)(outputs, labels, weights))
    assert drawn == pytest.approx(-told[weights[CHOICE] > 0].mean(), abs=0.03)


def test_popularity_is_taken_off_and_the_same_movie_is_no_negative() -> None:
    chance = np.random.default_rng(6)
    person, movie = chance.normal(size=(2, 4, 3))
    shown, log_q = rows([2, 5, 2, 7])[0], np.log([0.5, 0.2, 0.5, 0.01])
    movie[2] = movie[0]
    corrected = person @ movie.T - log_q
    corrected[[0, 2], [2, 0]] = -np.inf
    expected = -np.diag(log_softmax(corrected))
    told = in_batch_cross_entropy(
        *(np.asarray(one, np.float32) for one in (person, movie)), shown, log_q.astype(np.float32)
    )
    assert np.abs(np.asarray(told) - expected).max() < 1e-5
