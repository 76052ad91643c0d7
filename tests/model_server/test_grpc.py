"""The gRPC contract against the real server, through Sparrow's own client and the official stubs."""

from typing import Any

import grpc
import numpy as np
import pytest

from tests.model_server.stubs import HAS_OFFICIAL, NOT_INSTALLED, Client, fill_examples

pytestmark = pytest.mark.slow

NUMBERS = ("float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def array_of(proto: Any) -> Any:
    """What TensorFlow itself reads in an answer."""
    import tensorflow as tf
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    return tf.make_ndarray(TensorProto.FromString(proto.SerializeToString()))


def refused(client: Client, method: str, request: Any, timeout: float = 30) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as refusal:
        client.call(method, request, timeout)
    error: Any = refusal.value
    return error.code().name, error.details()


def test_the_textbook_exchange(client: Client) -> None:
    movies = np.arange(800, 0, -1)
    request = client.predict_request(userId=np.full(800, 7), movieId=movies)
    response = client.call("Predict", request)
    assert list(response.outputs) == ["score"]
    score = response.outputs["score"]
    assert [dim.size for dim in score.tensor_shape.dim] == [800, 1]
    np.testing.assert_allclose(score.float_val, 2007 + movies / 1000, rtol=1e-6)
    assert (response.model_spec.name, response.model_spec.version.value) == ("recmodel", 2)
    assert response.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_number_type_is_exact(client: Client, dtype: str) -> None:
    from tests.model_server.saved_models import numbers

    given = numbers(dtype)
    response = client.call("Predict", client.predict_request(signature=f"echo_{dtype}", x=given))
    back = array_of(response.outputs["x"])
    np.testing.assert_array_equal(back, given)
    assert back.dtype == given.dtype


def test_strings_truths_complex_numbers_and_bfloat16(client: Client) -> None:
    import tensorflow as tf

    words = [b"\xff\x00", "né".encode()]
    text = client.call("Predict", client.predict_request(signature="text", words=words)).outputs
    assert list(text["same"].string_val) == words
    assert list(text["length"].int_val) == [2, 3]
    for dtype, value in (("bool", [True, False]), ("complex64", [1 + 2j]), ("bfloat16", [1.5, -2.0])):
        made = tf.make_tensor_proto(value, dtype=dtype)
        back = client.call("Predict", client.predict_request(signature=f"echo_{dtype}", x=made)).outputs["x"]
        assert array_of(back).tolist() == value


def test_scalars_and_lists_of_values(client: Client) -> None:
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    proto = TensorProto(dtype=1, float_val=[1.0, 2.0, 5.0])
    proto.tensor_shape.dim.add(size=3)
    response = client.call("Predict", client.predict_request(signature="half_plus_two", x=proto))
    assert list(response.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    scalar = client.call("Predict", client.predict_request(signature="half_plus_two", x=np.float32(6.0)))
    assert list(scalar.outputs["y"].float_val) == [5.0]
    assert len(scalar.outputs["y"].tensor_shape.dim) == 0


def test_only_the_outputs_asked_for(client: Client) -> None:
    request = client.predict_request(signature="two_outputs", pair=np.array([[1.0, 2.0]]))
    assert set(client.call("Predict", request).outputs) == {"sum", "swapped"}
    request.output_filter.append("swapped")
    assert set(client.call("Predict", request).outputs) == {"swapped"}
    request.output_filter.append("swapped")
    assert refused(client, "Predict", request) == ("INVALID_ARGUMENT", "duplicate output tensor alias: swapped")
    request.output_filter[:] = ["nothing"]
    expected = "output tensor alias not found in signature: nothing Outputs expected to be in the set {sum,swapped}."
    assert refused(client, "Predict", request) == ("INVALID_ARGUMENT", expected)


def test_versions_and_labels(client: Client) -> None:
    def version_with(**choice: Any) -> int:
        request = client.example_request("RegressionRequest", "", [{"price": 1.0}])
        for name, value in choice.items():
            if name == "version":
                request.model_spec.version.value = value
            else:
                request.model_spec.version_label = value
        return int(client.call("Regress", request).model_spec.version.value)

    assert version_with() == version_with(version=4) == version_with(version_label="canary") == 4
    assert version_with(version=3) == version_with(version_label="stable") == 3


def predict_cases() -> list[Any]:
    good = {"userId": np.array([1]), "movieId": np.array([1])}
    size = "input size does not match signature: 1!=2 len({userId}) != len({movieId,userId}). Sent extra: {}. "
    return [
        ({"model": ""}, good, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ({"model": "else"}, good, "NOT_FOUND", "Servable not found for request: Latest(else)"),
        ({"signature": "x"}, good, "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
        ({}, {"userId": np.array([1])}, "INVALID_ARGUMENT", f"{size}Missing but required: {{movieId}}."),
        (
            {},
            {"userId": np.array([1]), "z": np.array([1])},
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: z. Inputs expected to be in the set {movieId,userId}.",
        ),
        (
            {"signature": "half_plus_two"},
            {"x": np.array([1])},
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but int64 is provided",
        ),
        ({"signature": "fails"}, {"number": np.array([1])}, "INVALID_ARGUMENT", "always wrong"),
        ({"signature": "echo"}, {"number": np.array([[1]])}, "INVALID_ARGUMENT", "Cannot feed value of shape (1, 1)"),
        ({"signature": "__saved_model_init_op"}, {}, "INTERNAL", "Expected prediction signature method_name to be one"),
    ]


@pytest.mark.parametrize(("spec", "tensors", "code", "message"), predict_cases())
def test_wrong_predictions(
    client: Client, spec: dict[str, str], tensors: dict[str, Any], code: str, message: str
) -> None:
    found = refused(client, "Predict", client.predict_request(**spec, **tensors))
    assert found[0] == code
    assert message in found[1]


def test_other_versions_labels_and_missing_specs(client: Client) -> None:
    request = client.predict_request(userId=np.array([1]), movieId=np.array([1]))
    request.model_spec.version.value = 1
    expected = "Servable not found for request: Specific(recmodel, 1)"
    assert refused(client, "Predict", request) == ("NOT_FOUND", expected)
    request.model_spec.version_label = "best"
    assert refused(client, "Predict", request) == (
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: best",
    )
    for method, name in (
        ("Predict", "PredictRequest"),
        ("Classify", "ClassificationRequest"),
        ("Regress", "RegressionRequest"),
        ("GetModelMetadata", "GetModelMetadataRequest"),
        ("GetModelStatus", "GetModelStatusRequest"),
    ):
        assert refused(client, method, client.request(name)) == ("INVALID_ARGUMENT", "Missing ModelSpec")


def test_a_tensor_that_contradicts_itself(client: Client) -> None:
    request = client.predict_request(signature="half_plus_two", x=np.ones(3, np.float32))
    request.inputs["x"].tensor_shape.dim[0].size = 2
    code, message = refused(client, "Predict", request)
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("tensor parsing error: x")


def test_long_errors_are_cut(client: Client) -> None:
    code, message = refused(client, "Predict", client.predict_request(model="m" * 5000, x=[1.0]))
    assert code == "NOT_FOUND"
    assert message.endswith("...TRUNCATED")
    assert len(message) < 1100


def test_the_clients_deadline_ends_the_run(client: Client) -> None:
    request = client.predict_request(signature="counts", number=np.array([10**12]))
    assert refused(client, "Predict", request, timeout=0.3)[0] == "DEADLINE_EXCEEDED"
    quick = client.predict_request(signature="counts", number=np.array([5]))
    assert list(client.call("Predict", quick).outputs["end"].int64_val) == [5]


def test_messages_larger_than_grpcs_own_limit(client: Client) -> None:
    many = np.arange(2_000_000, dtype=np.int64)  # 16 MB
    back = client.call("Predict", client.predict_request(signature="echo", number=many)).outputs["number"]
    assert len(back.int64_val) == len(many)
    assert back.int64_val[-1] == len(many) - 1


PEAR = {"name": b"pear", "price": 0.25}


def test_classify(client: Client) -> None:
    request = client.example_request("ClassificationRequest", "classify", [PEAR, {"name": b"fig", "price": 1.0}])
    response = client.call("Classify", request)
    first, second = response.result.classifications
    label = b"cheap pear" if isinstance(first.classes[0].label, bytes) else "cheap pear"
    assert (first.classes[0].label, first.classes[0].score, first.classes[1].score) == (label, 0.75, 0.25)
    assert [one.score for one in second.classes] == [0.0, 1.0]
    assert (response.model_spec.name, response.model_spec.signature_name) == ("shop", "classify")
    scores = client.call("Classify", client.example_request("ClassificationRequest", "only_scores", [PEAR]))
    assert [(bool(one.label), one.score) for one in scores.result.classifications[0].classes] == [
        (False, 0.75),
        (False, 0.25),
    ]
    classes = client.call("Classify", client.example_request("ClassificationRequest", "only_classes", [PEAR]))
    assert [one.score for one in classes.result.classifications[0].classes] == [0.0, 0.0]


@pytest.mark.parametrize("signature", ["", "regress"])
def test_regress(client: Client, signature: str) -> None:
    request = client.example_request("RegressionRequest", signature, [PEAR, {"price": 1.0}])
    response = client.call("Regress", request)
    assert [one.value for one in response.result.regressions] == [2.125, 2.5]


def test_a_context_is_shared_by_all_examples(client: Client) -> None:
    request = client.request("RegressionRequest")
    request.model_spec.name = "shop"
    fill_examples(request.input, [{"name": b"a"}, {"price": 0.0}], context={"price": 1.0})
    assert [one.value for one in client.call("Regress", request).result.regressions] == [2.5, 2.0]


def multi(client: Client, tasks: list[tuple[str, str, str]], examples: list[dict[str, Any]]) -> Any:
    request = client.request("MultiInferenceRequest")
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name, task.model_spec.signature_name = model, signature
    fill_examples(request.input, examples)
    return request


def test_several_inferences_at_once(client: Client) -> None:
    tasks = [("shop", "classify", CLASSIFY), ("shop", "", REGRESS)]
    results = client.call("MultiInference", multi(client, tasks, [PEAR])).results
    assert [one.score for one in results[0].classification_result.classifications[0].classes] == [0.75, 0.25]
    assert results[1].regression_result.regressions[0].value == 2.125
    assert [one.model_spec.version.value for one in results] == [4, 4]


@pytest.mark.parametrize(
    ("tasks", "examples", "code", "message"),
    [
        ([], [PEAR], "INVALID_ARGUMENT", "Inference request must have at least one task"),
        ([("", "", REGRESS)], [PEAR], "INVALID_ARGUMENT", "Found ModelSpec with an empty model name."),
        ([("shop", "", REGRESS), ("b", "", REGRESS)], [PEAR], "INVALID_ARGUMENT", "must access the same model name."),
        ([("shop", "", REGRESS)] * 2, [PEAR], "INVALID_ARGUMENT", "Duplicate evaluation of signature: serving_default"),
        ([("shop", "x", REGRESS)], [PEAR], "INVALID_ARGUMENT", "Requested signature not found in model graph: x"),
        ([("shop", "", "train")], [PEAR], "UNIMPLEMENTED", "Unsupported signature method_name: train"),
        ([("shop", "", CLASSIFY)], [PEAR], "INVALID_ARGUMENT", "Expected classification signature method_name to be"),
        ([("shop", "", REGRESS)], [], "INVALID_ARGUMENT", "Input is empty."),
    ],
)
def test_wrong_multi_inferences(
    client: Client, tasks: list[tuple[str, str, str]], examples: list[dict[str, Any]], code: str, message: str
) -> None:
    found = refused(client, "MultiInference", multi(client, tasks, examples))
    assert found[0] == code
    assert message in found[1]


@pytest.mark.parametrize(
    ("method", "signature", "examples", "message"),
    [
        ("Classify", "nothing", [PEAR], "No signature was found with the name: nothing"),
        ("Classify", "regress", [PEAR], f"signature method_name to be {CLASSIFY}. Was: {REGRESS}"),
        ("Regress", "classify", [PEAR], f"Expected regression signature method_name to be {REGRESS}. Was: {CLASSIFY}"),
        ("Regress", "predict", [PEAR], "Was: tensorflow/serving/predict"),
        ("Regress", "", [], "Input is empty."),
        ("Regress", "regress_to_matrix", [PEAR], "to be either [batch_size] or [batch_size, 1] but got [1,2]"),
        ("Regress", "", [{"price": b"dear"}], "Data types don't match. Data type: string but expected type: float"),
    ],
)
def test_wrong_examples(
    client: Client, method: str, signature: str, examples: list[dict[str, Any]], message: str
) -> None:
    kind = "ClassificationRequest" if method == "Classify" else "RegressionRequest"
    found = refused(client, method, client.example_request(kind, signature, examples))
    assert found[0] == "INVALID_ARGUMENT"
    assert message in found[1]


def test_metadata(client: Client) -> None:
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

    request = client.request("GetModelMetadataRequest")
    request.model_spec.name = "shop"
    assert "at least one metadata_field" in refused(client, "GetModelMetadata", request)[1]
    request.metadata_field.append("signature_def")
    response = client.call("GetModelMetadata", request)
    assert response.model_spec.version.value == 4
    packed = response.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    from sparrow.model_server.wire.messages import SignatureDefMap

    definitions = SignatureDefMap.FromString(packed.value).signature_def
    signature = SignatureDef.FromString(definitions["classify"])
    assert signature.method_name == CLASSIFY
    assert signature.inputs["inputs"].name == "tf_example:0"
    request.metadata_field[:] = ["weights"]
    assert refused(client, "GetModelMetadata", request)[1] == "Metadata field weights is not supported"


@pytest.mark.skipif(not HAS_OFFICIAL, reason=NOT_INSTALLED)
def test_metadata_unpacks_into_the_official_type(client: Client) -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = client.request("GetModelMetadataRequest")
    request.model_spec.name = "recmodel"
    request.metadata_field.append("signature_def")
    unpacked = get_model_metadata_pb2.SignatureDefMap()
    assert client.call("GetModelMetadata", request).metadata["signature_def"].Unpack(unpacked)
    assert unpacked.signature_def["serving_default"].inputs["userId"].dtype == 9


def test_status(client: Client) -> None:
    request = client.request("GetModelStatusRequest")
    request.model_spec.name = "shop"
    entries = client.call("GetModelStatus", request).model_version_status
    assert [(entry.version, entry.state, entry.status.error_code) for entry in entries] == [(4, 30, 0), (3, 30, 0)]
    request.model_spec.version.value = 1
    assert refused(client, "GetModelStatus", request) == ("NOT_FOUND", "Could not find version 1 of model shop")
    request.model_spec.ClearField("version")
    request.model_spec.name = "else"
    assert refused(client, "GetModelStatus", request) == ("NOT_FOUND", "Could not find any versions of model else")


def test_unknown_methods_and_broken_messages(client: Client) -> None:
    def raw(path: str, body: bytes) -> str:
        with pytest.raises(grpc.RpcError) as refusal:
            client.channel.unary_unary(path)(body, timeout=10)
        error: Any = refusal.value
        assert "Traceback" not in error.details()
        return str(error.code().name)

    assert raw("/tensorflow.serving.PredictionService/Train", b"") == "UNIMPLEMENTED"
    assert raw("/tensorflow.serving.SessionService/SessionRun", b"") == "UNIMPLEMENTED"
    good = client.predict_request(userId=np.array([1]), movieId=np.array([1])).SerializeToString()
    assert raw("/tensorflow.serving.PredictionService/Predict", good[:-3]) == "INTERNAL"
    assert raw("/tensorflow.serving.PredictionService/Predict", b"\xff" * 100) == "INTERNAL"
