"""Sparrow's own `.proto` against the official descriptors, and tensors in both directions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.model_server.wire import messages
from sparrow.model_server.wire.reader import load_pool
from sparrow.model_server.wire.tensors import LISTS, data_type_of, read_tensor_proto, write_tensor_proto
from tests.model_server.stubs import HAS_OFFICIAL, NOT_INSTALLED

BYTES_ON_PURPOSE = {
    "tensorflow.serving.StatusProto.error_code",
    "tensorflow.serving.SignatureDefMap.SignatureDefEntry.value",
    "tensorflow.serving.Class.label",
    "tensorflow.serving.ExampleList.examples",
    "tensorflow.serving.ExampleListWithContext.examples",
    "tensorflow.serving.ExampleListWithContext.context",
}
"""Fields that the files declare as plainer types than the original's, alike on the wire."""

NOT_IN_THE_STUBS = {"BatchingParameters", "MonitoringConfig", "PrometheusConfig"}
"""Configuration files that the official package has no Python for."""


@pytest.mark.slow
@pytest.mark.skipif(not HAS_OFFICIAL, reason=NOT_INSTALLED)
def test_every_message_field_and_method_is_the_originals() -> None:
    from google.protobuf import descriptor_pool
    from tensorflow_serving.apis import model_service_pb2, prediction_log_pb2, prediction_service_pb2

    official = descriptor_pool.Default()
    assert prediction_log_pb2.DESCRIPTOR.package == "tensorflow.serving"
    checked = 0
    for name, own in messages.all_messages().items():
        if own.name in NOT_IN_THE_STUBS:
            continue
        theirs = official.FindMessageTypeByName(name)
        for field in own.fields:
            other = theirs.fields_by_name[field.name]
            assert (other.number, other.is_repeated) == (field.number, field.is_repeated), field.full_name
            if field.full_name not in BYTES_ON_PURPOSE:
                assert other.type == field.type, field.full_name
            checked += 1
    assert checked > 100
    for module, service in ((prediction_service_pb2, "PredictionService"), (model_service_pb2, "ModelService")):
        theirs = {method.name for method in module.DESCRIPTOR.services_by_name[service].methods}
        assert set(messages.methods_of(service)) == theirs


def test_method_paths() -> None:
    assert messages.methods_of("PredictionService")["Predict"].path == "/tensorflow.serving.PredictionService/Predict"
    reload = messages.methods_of("ModelService")["HandleReloadConfigRequest"]
    assert reload.path == "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
    assert reload.request.DESCRIPTOR.name == "ReloadConfigRequest"


def test_the_reader_names_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text('syntax = "proto3"; extend Message { }')
    with pytest.raises(ValueError, match=r"a\.proto: 'extend' begins no statement"):
        load_pool([tmp_path / "a.proto"])


VALUES: dict[str, Any] = {
    "DT_STRING": np.array([[b"a", b""], [b"\xff\x00", "é".encode()]], dtype=object),
    "DT_BOOL": np.array([[True, False]]),
    "DT_BFLOAT16": np.array([1.0, -2.5, 3e38], dtype=np.float32).view(np.uint32).__and__(0xFFFF0000).view(np.float32),
    "DT_COMPLEX64": np.array([1 + 2j, -0.5j], dtype=np.complex64),
    "DT_COMPLEX128": np.array([[1 + 2j]], dtype=np.complex128),
    "DT_HALF": np.array([0.5, -65504.0, np.inf], dtype=np.float16),
}


@pytest.mark.parametrize(
    ("data_type", "as_content"),
    [(name, raw) for name in sorted(LISTS) for raw in (False, True) if not (raw and name == "DT_STRING")],
)
def test_tensors_survive_the_wire(data_type: str, as_content: bool) -> None:
    dtype = LISTS[data_type][1]
    array = VALUES.get(data_type, np.array([[0, 1, 2], [3, 4, 100]], dtype=dtype) if dtype != "object" else None)
    proto = write_tensor_proto(array, data_type)
    if as_content:
        raw = (array.view(np.uint32) >> 16).astype("<u2") if data_type == "DT_BFLOAT16" else array
        proto.ClearField(LISTS[data_type][0])
        proto.tensor_content = raw.tobytes()
    again = read_tensor_proto(messages.TensorProto.FromString(proto.SerializeToString()))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype
    assert messages.name_of(proto.dtype) == data_type


def test_scalars_and_empty_tensors() -> None:
    for array in (np.float32(2.5).reshape(()), np.zeros((0, 3), np.int64), np.array(b"x", dtype=object)):
        again = read_tensor_proto(write_tensor_proto(array))
        assert again.shape == array.shape
        assert again.tolist() == array.tolist()


def test_a_short_list_repeats_its_last_element() -> None:
    proto = write_tensor_proto(np.array([7, 8], dtype=np.int64))
    proto.tensor_shape.dim[0].size = 4
    assert read_tensor_proto(proto).tolist() == [7, 8, 8, 8]


def test_a_tensor_type_for_every_array_that_has_one() -> None:
    assert data_type_of(np.zeros(1, np.uint8)) == "DT_UINT8"
    assert data_type_of(np.array(["text"])) == "DT_STRING"
    with pytest.raises(ValueError, match="An array of type datetime64"):
        data_type_of(np.zeros(1, "datetime64[s]"))


def broken(**changes: Any) -> Any:
    proto = write_tensor_proto(np.array([1.0, 2.0], dtype=np.float32))
    sizes = changes.pop("sizes", None)
    if sizes is not None:
        del proto.tensor_shape.dim[:]
        for size in sizes:
            proto.tensor_shape.dim.add(size=size)
    for name, value in changes.items():
        setattr(proto, name, value)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (broken(dtype=0), "tensors of type number 0 cannot be read"),
        (broken(dtype=21), "tensors of type number 21 cannot be read"),
        (broken(sizes=[-1]), "the shape of a tensor must be known"),
        (broken(sizes=[1]), "2 elements do not fill a tensor of shape [1]"),
        (broken(sizes=[2**40]), "is larger than 268435456 bytes"),
        (broken(sizes=[2**31, 2**31, 2**31]), "is larger than 268435456 bytes"),
        (broken(tensor_content=b"123"), "buffer size must be a multiple of element size"),
        (broken(tensor_content=b"1234"), "1 elements do not fill a tensor of shape [2]"),
        (broken(dtype=7, tensor_content=b"\x01a"), "strings must lie in string_val"),
    ],
)
def test_tensors_that_contradict_themselves(proto: Any, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        read_tensor_proto(proto)
    assert message in str(refusal.value)
