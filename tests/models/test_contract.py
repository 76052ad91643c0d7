"""What every model promises: it learns, learns everywhere, knows strangers, and all of its forms say the same."""

import asyncio
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from sparrow.build.fit_model import Way, fit_model
from sparrow.build.train import section_of
from sparrow.config import MODEL_NAMES, Settings
from sparrow.errors import ReleaseError
from sparrow.evaluation.metrics import auc
from sparrow.features.encoding import PAD_ROW, UNKNOWN_ROW, EncodingSpec, Names, Vocabulary
from sparrow.features.inputs import RATED, movie_inputs, person_inputs
from sparrow.models import ARCHITECTURES
from sparrow.models.network import ATTENTION, HEADS
from sparrow.online.deep import RANK, OnnxNetwork, signature_of
from sparrow.online.live import open_folder
from sparrow.online.people import Person, person_from_history, person_from_record
from sparrow.online.person_inputs import describe_person
from sparrow.online.recall import Request
from sparrow.online.wanted import Wanted
from sparrow.schema import MAX_ID, Columns, UserId
from sparrow.stores.releases import Manifest, served_name
from tests.models.board import SETTINGS, SMALL, USERS, Board, raw_inputs, seen_untrained, served, untrained

pytestmark = pytest.mark.slow


def person(board: Board, user: int) -> Person:
    return person_from_record(board.recommender.catalog, user, board.recommender.store.user(user))


def guest(board: Board, *movies: int) -> Person:
    return person_from_history(board.recommender.catalog, [(movie, 5.0) for movie in movies])


def scores(board: Board, name: str, who: Person, rows: NDArray[np.int32] | None = None) -> NDArray[np.float32]:
    """(c,) what a model says of these catalogue rows, in process; all by default."""
    every = np.arange(len(board.recommender.catalog), dtype=np.int32)
    request = Request(None, who, np.ones(len(every), np.bool_))
    return asyncio.run(board.ranker(name).rank(request, every if rows is None else rows))


def test_settings_tests_and_models_go_by_the_same_names() -> None:
    assert set(ARCHITECTURES) == set(MODEL_NAMES) == set(SMALL)
    assert all(hasattr(Settings(), name) for name in ARCHITECTURES)


def test_it_tells_unseen_movies_of_the_own_parity_from_the_others(board: Board, name: str) -> None:
    found, wanted = [], []
    for user in range(1, USERS + 1):
        who = person(board, user)
        unseen = np.setdiff1d(np.arange(len(board.recommender.catalog), dtype=np.int32), who.seen)
        found.append(scores(board, name, who, unseen))
        wanted.append(board.recommender.catalog.ids[unseen] % 2 == user % 2)
    assert auc(np.concatenate(found), np.concatenate(wanted)) >= 0.95


def test_its_chances_are_chances(board: Board, name: str) -> None:
    chances = scores(board, name, person(board, 1))
    assert np.all((chances >= 0) & (chances <= 1))
    assert np.ptp(chances) > 0.1


def test_one_step_moves_every_weight(board: Board, name: str) -> None:
    """A weight that no gradient reaches is a part of the paper that was wired wrong."""
    keras.utils.set_random_seed(3)
    network, source = untrained(board, name)
    before = network.training.get_weights()
    optimizer = keras.optimizers.SGD(1.0)
    block = next(source(0))
    with tf.GradientTape() as tape:
        loss = network.loss(network.training(dict(block.inputs), training=True), block.labels, block.weights)
    learned = network.training.trainable_variables
    optimizer.apply(tape.gradient(loss, learned), learned)
    pairs = zip(network.training.weights, before, network.training.get_weights(), strict=True)
    still = [weight.path for weight, old, new in pairs if np.array_equal(old, new) and "seed" not in weight.path]
    assert not still, f"{still} did not move"


def test_it_serves_what_it_learned(board: Board, name: str) -> None:
    """The served network has the heads, and no weight that was not trained."""
    network, _ = seen_untrained(board.home, name)
    assert set(network.serving.output_names) - {ATTENTION} == set(HEADS)
    trained = {id(weight) for weight in network.training.weights}
    assert all(id(weight) in trained for weight in network.serving.weights)
    assert {one.name for one in network.serving.inputs} == set(ARCHITECTURES[name].takes)


def test_weights_are_called_alike_each_time_it_is_built(board: Board, name: str) -> None:
    """A warm start finds them by their paths."""
    both = seen_untrained(board.home, name)[0], untrained(board, name)[0]
    first, second = (sorted(weight.path for weight in network.serving.weights) for network in both)
    assert first == second
    assert len(set(first)) == len(first)


def test_padding_is_never_an_id_and_some_ids_are_shown_as_unknown(board: Board, name: str) -> None:
    _, source = seen_untrained(board.home, name)
    unknown = 0
    for number in range(4):
        for block in source(number):
            for field in (Columns.USER, Columns.MOVIE, RATED):
                if field in block.inputs:
                    assert field == RATED or block.inputs[field].min() > PAD_ROW
                    unknown += int((block.inputs[field] == UNKNOWN_ROW).sum())
    assert unknown > 0


def test_a_stranger_and_an_unknown_movie_get_finite_scores(board: Board, name: str) -> None:
    ranker = board.ranker(name)
    for who in (guest(board), guest(board, 2, 4, 6), person(board, 1)):
        raw = raw_inputs(ranker, who, np.arange(5, dtype=np.int32))
        for user, movie in ((MAX_ID, MAX_ID), (-1, -1), (0, -(2**63))):
            strange = raw | {Columns.MOVIE: np.full(5, movie, np.int64)}
            strange |= {Columns.USER: np.full(5, user, np.int64)} if Columns.USER in raw else {}
            found = predict(board, name, "serving_default", strange)
            assert np.all(np.isfinite(found))


def test_newcomers_are_served_by_their_history(board: Board, name: str) -> None:
    ranker = board.ranker(name)
    if ranker.needs_known_user:
        assert not ranker.knows(None)
        assert not ranker.knows(UserId(999))
        return
    even, odd = (scores(board, name, guest(board, *range(first, 21, 2))) for first in (2, 1))
    assert auc(even - odd, board.recommender.catalog.ids % 2 == 0) >= 0.9


def predict(board: Board, name: str, signature: str, raw: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """(N, 1) as TensorFlow Serving serves: variables restored into the graph by itself."""
    told = {key: value.astype(object) if value.dtype.kind == "U" else value for key, value in raw.items()}
    return np.asarray(served(board.saved_model(name)).predict(signature, told, 0)["score"])


@pytest.mark.parametrize("count", [1, 2, 40])
def test_in_process_and_served_forms_score_alike(board: Board, name: str, count: int) -> None:
    rows = np.arange(count, dtype=np.int32)
    ranker = board.ranker(name)
    for who in (person(board, 1), person(board, 2), guest(board, 1, 3)):
        if not ranker.knows(who.user_id):
            continue
        local = scores(board, name, who, rows)
        served = predict(board, name, "serving_default", raw_inputs(ranker, who, rows))
        assert served.shape == (count, 1)
        assert np.abs(served[:, 0] - local).max() <= 1e-5
        if signature_of(ranker.spec) == RANK:
            alone = describe_person(ranker.catalog, who, ranker.spec)
            movies = {key: raw_inputs(ranker, who, rows)[key] for key in movie_inputs(tuple(ranker.spec.fields))}
            joint = predict(board, name, RANK, alone | movies)
            assert np.abs(joint[:, 0] - local).max() <= 1e-5


def test_the_saved_model_takes_raw_values_by_name(board: Board, name: str) -> None:
    signatures = tf.saved_model.load(str(board.saved_model(name))).signatures
    spec = board.ranker(name).spec
    assert set(signatures) == {"serving_default", *({RANK} & {signature_of(spec)})}
    for key, signature in signatures.items():
        taken = signature.structured_input_signature[1]
        assert set(taken) == set(spec.fields)
        assert list(signature.structured_outputs) == ["score"]
        alone = person_inputs(tuple(spec.fields)) if key == RANK else ()
        assert {one: tensor.shape[0] for one, tensor in taken.items()} == {
            one: 1 if one in alone else None for one in spec.fields
        }


def test_only_what_scores_is_saved(board: Board, name: str) -> None:
    saved = [one for one, _ in tf.train.list_variables(str(board.saved_model(name) / "variables" / "variables"))]
    network, _ = seen_untrained(board.home, name)
    assert len([one for one in saved if "VARIABLE_VALUE" in one]) == len(network.serving.weights)
    assert not [one for one in saved if "optimizer" in one]


def test_explain_tells_the_inputs_and_the_attention_where_there_is_some(board: Board, name: str) -> None:
    network, _ = seen_untrained(board.home, name)
    ranker, who = board.ranker(name), person(board, 1)
    listing = asyncio.run(board.recommender.for_person(who, Wanted(2, explain=True), name))
    first, second = (item.trace for item in listing.items)
    assert first is not None
    assert second is not None
    assert listing.pipeline == f"for_you:{name}"
    assert set(first["inputs"]) == set(ranker.spec.fields)
    assert first["inputs"][Columns.MOVIE] == listing.items[0].movie.movie_id
    assert ("attention" in first) == (ATTENTION in network.serving.output_names)
    if "attention" in first:
        liked = board.recommender.catalog.ids[who.liked][-10:].tolist()
        assert [one["movieId"] for one in first["attention"]] == liked
        assert first["attention"] != second["attention"]
    plain = asyncio.run(board.recommender.for_person(who, Wanted(2), name))
    assert [item.trace for item in plain.items] == [None, None]
    assert [item.movie.movie_id for item in plain.items] == [item.movie.movie_id for item in listing.items]


def test_it_learns_in_mixed_precision_and_is_kept_in_full(board: Board, name: str) -> None:
    section = section_of(SETTINGS, name)
    way = Way(epochs=1, precision="mixed")
    trainee, curve = fit_model(name, section, board.material(), way, lambda _done, _total: None)
    assert np.isfinite(curve.loss).all()
    assert {str(weight.dtype) for weight in trainee.network.trainable_weights} == {"float32"}
    assert trainee.network.dtype_policy.name == "float32"


def test_a_vocabulary_from_another_release_is_refused(board: Board, name: str) -> None:
    spec = board.ranker(name).spec
    movies = Vocabulary(spec.vocabularies[Columns.MOVIE].ids[1:])
    with pytest.raises(ReleaseError, match=r"was trained with the encoding \w+, its file beside it is"):
        OnnxNetwork(board.folder / f"{served_name(name)}.onnx", EncodingSpec({**spec.fields, Columns.MOVIE: movies}))


def test_an_input_that_nobody_can_tell_is_refused_in_words(board: Board, tmp_path: Path) -> None:
    spec = board.ranker("din").spec
    folder = Path(shutil.copytree(board.folder, tmp_path / "release"))
    EncodingSpec({**spec.fields, "mood": Names(("glad",), 0)}).save(folder / "din.encoding.json")
    manifest = Manifest("board", "", {}, "", "", {}, {}, 0, ["din"], [], {})
    with pytest.raises(ReleaseError, match="takes the inputs mood, which this version cannot tell"):
        open_folder(folder, manifest, SETTINGS)
