"""What every model promises: it learns, learns everywhere, knows strangers, and both of its exported forms say the same."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from sparrow.evaluation.metrics import auc
from sparrow.features.encoding import PAD_ROW, EncodingSpec
from sparrow.model_server.servable import Servable
from sparrow.models import BUILDERS
from sparrow.models.neural_cf import CHOICE, LIKING
from sparrow.online.ranking import OnnxPredictor
from sparrow.schema import MAX_ID, Columns
from sparrow.training.export import export_onnx, export_saved_model
from tests.models.trained import SETTINGS, Trained, board_rows, liked_rows, make_source

pytestmark = pytest.mark.slow

BOARD = np.stack(np.meshgrid(np.arange(1, 61), np.arange(1, 41), indexing="ij")).reshape(2, -1).astype(np.int64)
OUTSIDE = np.array([0, -1, 777, MAX_ID, -(2**63)], dtype=np.int64)


def test_every_model_has_test_settings() -> None:
    assert set(SETTINGS) == set(BUILDERS)


def test_it_tells_unseen_movies_of_the_own_parity_from_the_others(trained: Trained) -> None:
    users, movies = BOARD
    rated = liked_rows().pairs()
    unseen = np.array([pair not in rated for pair in zip(users.tolist(), movies.tolist(), strict=True)])
    same = (users % 2 == movies % 2).astype(np.float32)
    assert auc(trained.score(users, movies, CHOICE)[unseen], same[unseen]) >= 0.95
    assert auc(trained.score(users, movies, LIKING), same) >= 0.95


def test_chances_are_calibrated_enough_to_be_chances(trained: Trained) -> None:
    rows = board_rows()
    chances = trained.score(rows.users, rows.movies, LIKING)
    assert np.all((chances >= 0) & (chances <= 1))
    assert abs(chances.mean() - rows.labels.mean()) < 0.1


def test_one_step_moves_every_weight(trained: Trained) -> None:
    """A weight that no gradient reaches is a part of the paper that was wired wrong."""
    import keras

    source = make_source()
    keras.utils.set_random_seed(3)
    network = BUILDERS[trained.name](source.spec, SETTINGS[trained.name])
    epoch = next(source(0))
    losses = {head: keras.losses.BinaryCrossentropy(from_logits=True) for head in network.output_names}
    network.compile(optimizer=keras.optimizers.SGD(1.0), loss=losses)
    before = network.get_weights()
    network.train_on_batch(dict(epoch.inputs), dict(epoch.labels), sample_weight=dict(epoch.weights))
    moved = [np.any(new != old) for new, old in zip(network.get_weights(), before, strict=True)]
    still = [weight.path for weight, has_moved in zip(network.weights, moved, strict=True) if not has_moved]
    assert not still, f"{still} did not move"


def test_padding_is_never_learned_from(trained: Trained) -> None:
    for block in trained.source(0):
        assert all(rows.min() > PAD_ROW for rows in block.inputs.values())


def test_strangers_get_the_same_finite_score(trained: Trained) -> None:
    someone = np.full(len(OUTSIDE), 1, np.int64)
    for users, movies in ((OUTSIDE, someone), (someone, OUTSIDE), (OUTSIDE, OUTSIDE)):
        chances = trained.score(users, movies, CHOICE)
        assert np.all(np.isfinite(chances))
        assert np.ptp(chances) < 1e-6


@pytest.fixture(scope="module")
def exported(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(trained.name)
    export_saved_model(trained.network, trained.source.spec, CHOICE, folder / "recmodel")
    export_onnx(trained.network, trained.source.spec, CHOICE, folder / "recmodel.onnx")
    trained.source.spec.save(folder / "recmodel.encoding.json")
    return folder


def inputs(rows: int) -> dict[str, np.ndarray]:
    """Known, unknown and extreme ids in every mixture."""
    chance = np.random.default_rng(rows)
    users = chance.choice(np.concatenate([np.arange(1, 61), OUTSIDE]), size=rows)
    movies = chance.choice(np.concatenate([np.arange(1, 41), OUTSIDE]), size=rows)
    return {Columns.USER: users.astype(np.int64), Columns.MOVIE: movies.astype(np.int64)}


@pytest.mark.parametrize("rows", [1, 2, 65, 800])
def test_both_exported_forms_score_as_the_network(trained: Trained, exported: Path, rows: int) -> None:
    import asyncio

    raw = inputs(rows)
    expected = trained.score(raw[Columns.USER], raw[Columns.MOVIE], CHOICE)
    signature = tf.saved_model.load(str(exported / "recmodel")).signatures["serving_default"]
    saved = signature(**{name: tf.constant(values) for name, values in raw.items()})["score"].numpy()
    assert saved.shape == (rows, 1)
    predictor = OnnxPredictor(exported / "recmodel.onnx", EncodingSpec.load(exported / "recmodel.encoding.json"))
    onnx = asyncio.run(predictor.predict(raw))
    assert onnx.shape == (rows,)
    assert np.abs(saved[:, 0] - expected).max() <= 1e-5
    assert np.abs(onnx - expected).max() <= 1e-5
    assert np.abs(onnx - saved[:, 0]).max() <= 1e-5


@pytest.mark.parametrize("rows", [1, 800])
def test_it_is_served_as_tensorflow_serving_serves(trained: Trained, exported: Path, rows: int) -> None:
    """Serving restores variables into the graph by itself; `tf.saved_model.load` takes another way and proves nothing."""
    raw = inputs(rows)
    servable = Servable(exported / "recmodel")
    scores = servable.predict("serving_default", raw, 0)["score"]
    servable.close()
    expected = trained.score(raw[Columns.USER], raw[Columns.MOVIE], CHOICE)
    assert scores.shape == (rows, 1)
    assert np.abs(scores[:, 0] - expected).max() <= 1e-5


def test_only_what_scores_is_saved(trained: Trained, exported: Path) -> None:
    saved = [name for name, _ in tf.train.list_variables(str(exported / "recmodel" / "variables" / "variables"))]
    assert len([name for name in saved if "VARIABLE_VALUE" in name]) == len(trained.network.weights)
    assert not [name for name in saved if "optimizer" in name]


@pytest.mark.parametrize("extreme", OUTSIDE.tolist())
def test_extreme_ids_alone(trained: Trained, exported: Path, extreme: int) -> None:
    import asyncio

    raw = {name: np.array([extreme], np.int64) for name in (Columns.USER, Columns.MOVIE)}
    signature = tf.saved_model.load(str(exported / "recmodel")).signatures["serving_default"]
    saved = float(signature(**{name: tf.constant(values) for name, values in raw.items()})["score"][0, 0])
    predictor = OnnxPredictor(exported / "recmodel.onnx", trained.source.spec)
    assert abs(saved - float(asyncio.run(predictor.predict(raw))[0])) <= 1e-5


def test_the_saved_model_takes_exactly_raw_ids(exported: Path, trained: Trained) -> None:
    signature = tf.saved_model.load(str(exported / "recmodel")).signatures["serving_default"]
    taken = signature.structured_input_signature[1]
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in taken.items()} == {
        name: (tf.int64, [None]) for name in trained.source.spec.vocabularies
    }
    assert list(signature.structured_outputs) == ["score"]


def test_the_onnx_graph_starts_at_dense_rows(exported: Path) -> None:
    session = onnxruntime.InferenceSession(str(exported / "recmodel.onnx"), providers=["CPUExecutionProvider"])
    assert {(one.name, one.type) for one in session.get_inputs()} == {
        (Columns.USER, "tensor(int32)"),
        (Columns.MOVIE, "tensor(int32)"),
    }


def test_the_encoding_travels_as_plain_json(exported: Path) -> None:
    content = json.loads((exported / "recmodel.encoding.json").read_text())
    assert content["vocabularies"][Columns.MOVIE] == list(range(1, 41))
