"""A loaded SavedModel: signatures, metadata, exact answers, TensorFlow's own errors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.protocol.tensors import TensorSpec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servable(exported: Path):
    from sparrow.model_server.servable import Servable

    loaded = Servable(exported / "1")
    yield loaded
    loaded.close()


def test_signatures_carry_their_types(servable) -> None:
    signature = servable.signatures["serving_default"]
    assert types(signature.inputs) == {"movieId": "DT_INT64", "userId": "DT_INT64"}
    assert types(signature.outputs) == {"score": "DT_FLOAT"}
    assert types(servable.signatures["text"].inputs) == {"words": "DT_STRING"}
    assert signature.method_name == "tensorflow/serving/predict"


def types(specs: Mapping[str, TensorSpec]) -> dict[str, str]:
    return {name: spec.data_type for name, spec in specs.items()}


def test_metadata_is_protobuf_json(servable) -> None:
    shown = servable.metadata["signature_def"]["serving_default"]
    assert shown["method_name"] == "tensorflow/serving/predict"
    user = shown["inputs"]["userId"]
    assert user["dtype"] == "DT_INT64"
    assert user["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert user["name"].endswith(":0")


def test_a_signature_the_model_does_not_have(servable) -> None:
    with pytest.raises(ServingError, match='Serving signature key "rank" not found'):
        servable.predict("rank", {})
    with pytest.raises(ServingError, match="Expected prediction signature method_name to be one of"):
        servable.predict("__saved_model_init_op", {})


def test_answers(servable) -> None:
    largest = np.array([2**63 - 1, -(2**63)])
    np.testing.assert_array_equal(servable.predict("echo", {"number": largest}, 0)["number"], largest)
    words = np.array([b"\xff", "né".encode()], dtype=object)
    answer = servable.predict("text", {"words": words}, 0)
    assert answer["same"].tolist() == words.tolist()
    assert answer["length"].tolist() == [1, 3]
    assert servable.predict("summed", {"x": np.ones(3, np.float32)}, 0)["total"] == 3.0


def test_tensorflows_errors_keep_their_code(servable) -> None:
    with pytest.raises(ServingError, match="always wrong") as failure:
        servable.predict("fails", {"number": np.array([1])}, 1000)
    assert failure.value.code is Code.INVALID_ARGUMENT
    with pytest.raises(ServingError, match="Cannot feed value of shape") as misfit:
        servable.predict("echo", {"number": np.array([[1]])}, 0)
    assert misfit.value.code is Code.INVALID_ARGUMENT


def test_a_tensorflow_1_model(exported: Path) -> None:
    from sparrow.model_server.servable import Servable

    old = Servable(exported / "v1_style")
    assert old.predict("serving_default", {"x": np.array([1.0, 2.0], np.float32)}, 0)["y"].tolist() == [2.5, 3.0]
    old.close()


@pytest.mark.parametrize("damage", ["empty", "garbage", "no variables"])
def test_what_cannot_be_loaded(exported: Path, tmp_path: Path, damage: str) -> None:
    from sparrow.model_server.servable import Servable

    content = (exported / "v1_style" / "saved_model.pb").read_bytes()
    if damage != "empty":
        (tmp_path / "saved_model.pb").write_bytes(content if damage == "no variables" else b"\x0agarbage" * 100)
    with pytest.raises(ServingError) as failure:
        Servable(tmp_path)
    assert failure.value.message
