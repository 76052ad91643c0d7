"""The REST contract against the real server in its own process."""

import gzip
import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sparrow.model_server.protocol.status import ServingError
from sparrow.model_server.rest import LARGEST_BODY, unpack

pytestmark = pytest.mark.slow

PREDICT = "/v1/models/recmodel:predict"


def predict(server: httpx.Client, body: dict[str, Any], path: str = PREDICT) -> Any:
    response = server.post(path, content=json.dumps(body))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return json.loads(response.text)


def test_the_textbook_exchange(server: httpx.Client) -> None:
    movies = list(range(800, 0, -1))
    body = {"instances": [{"userId": 7, "movieId": movie} for movie in movies]}
    answer = predict(server, body)
    assert list(answer) == ["predictions"]
    assert answer["predictions"] == [[pytest.approx(2007 + movie / 1000, abs=1e-3)] for movie in movies]


def test_columns_rows_and_versions_agree(server: httpx.Client) -> None:
    columns = {"signature_name": "serving_default", "inputs": {"userId": [1, 2], "movieId": [0, 0]}}
    assert predict(server, columns) == {"outputs": [[2001.0], [2002.0]]}
    for path in ("/v1/models/recmodel/versions/2:predict", "/v1/models/recmodel/versions/002:predict"):
        assert predict(server, columns, path) == {"outputs": [[2001.0], [2002.0]]}


def test_int64_ids_survive_exactly(server: httpx.Client) -> None:
    ids = [2**63 - 1, -(2**63), 2**53 + 1, 0]
    assert predict(server, {"signature_name": "echo", "instances": ids}) == {"predictions": ids}
    assert predict(server, {"signature_name": "echo", "inputs": {"number": ids}}) == {"outputs": ids}


def test_scalars_and_any_rank(server: httpx.Client) -> None:
    for inputs, outputs in [(6.0, 5.0), ([1.0, 2.0, 5.0], [2.5, 3.0, 4.5]), ([[[4]]], [[[4.0]]])]:
        assert predict(server, {"signature_name": "half_plus_two", "inputs": inputs}) == {"outputs": outputs}
    rows = {"signature_name": "half_plus_two", "instances": [1.0, 2.0, 5.0]}
    assert predict(server, rows) == {"predictions": [2.5, 3.0, 4.5]}
    assert predict(server, {"signature_name": "summed", "inputs": [1.0, 2.0]}) == {"outputs": 3.0}


def test_non_finite_numbers_go_both_ways(server: httpx.Client) -> None:
    answer = server.post(PREDICT, content=b'{"signature_name": "half_plus_two", "inputs": [NaN, Infinity, -Inf, 1]}')
    assert answer.text == '{"outputs":[NaN,Infinity,-Infinity,2.5]}'
    assert math.isnan(json.loads(answer.text)["outputs"][0])


def test_several_outputs_are_objects(server: httpx.Client) -> None:
    rows = predict(server, {"signature_name": "two_outputs", "instances": [[1.0, 2.0], [3.0, 4.0]]})
    assert rows == {"predictions": [{"sum": 3.0, "swapped": [2.0, 1.0]}, {"sum": 7.0, "swapped": [4.0, 3.0]}]}
    columns = predict(server, {"signature_name": "two_outputs", "inputs": {"pair": [[1.0, 2.0]]}})
    assert columns == {"outputs": {"sum": [3.0], "swapped": [[2.0, 1.0]]}}


def test_strings_and_base64(server: httpx.Client) -> None:
    body = {"signature_name": "text", "instances": ["né", {"b64": "aGk="}]}
    assert predict(server, body)["predictions"] == [
        {"length": 3, "same": "né", "same_bytes": {"b64": "bsOp"}},
        {"length": 2, "same": "hi", "same_bytes": {"b64": "aGk="}},
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (PREDICT, b"", 400, "JSON Parse error: The document is empty"),
        (PREDICT, b"{", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
        (PREDICT, b"{}", 400, "Missing 'inputs' or 'instances' key"),
        (PREDICT, b'{"inputs": {"userId": [1]}}', 400, "Missing named input: movieId in 'inputs' object."),
        (PREDICT, b'{"inputs": {"userId": [1.5], "movieId": [1]}}', 400, "is not of expected type: int64"),
        (PREDICT, b'{"inputs": {"userId": [1, 2, 3], "movieId": [1, 2]}}', 400, "Incompatible shapes"),
        (PREDICT, b'{"inputs": {"userId": 1, "movieId": 1}}', 400, "Cannot feed value of shape ()"),
        (
            PREDICT,
            b'{"signature_name": "x", "inputs": 1}',
            400,
            'Serving signature name: "x" not found in signature def',
        ),
        (PREDICT, b'{"signature_name": "fails", "inputs": [1]}', 400, "always wrong"),
        (
            PREDICT,
            b'{"signature_name": "summed", "instances": [1]}',
            400,
            "Tensor name: total has no shape information ",
        ),
        ("/v1/models/else:predict", b"{}", 404, "Servable not found for request: Latest(else)"),
        ("/v1/models/recmodel/versions/1:predict", b"{}", 404, "Servable not found for request: Specific(recmodel, 1)"),
        ("/v1/models/recmodel/labels/stable:predict", b"{}", 400, "Unrecognized servable version label: stable"),
        ("/v1/models/recmodel:train", b"{}", 400, "Malformed request: POST /v1/models/recmodel:train"),
        ("/v1/models/recmodel:classify", b"{}", 400, "When method is classify, key 'examples' is expected"),
        (
            "/v1/models/recmodel:classify",
            b'{"examples": [{}]}',
            400,
            "Expected classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/pr",
        ),
    ],
)
def test_refusals(server: httpx.Client, path: str, body: bytes, status: int, message: str) -> None:
    response = server.post(path, content=body)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert message in response.json()["error"]
    assert "Traceback" not in response.text


def test_other_paths_and_methods(server: httpx.Client) -> None:
    assert (server.get("/").status_code, server.get("/").text) == (404, "")
    refused = server.put("/v1/models/recmodel")
    assert (refused.status_code, refused.json()) == (400, {"error": "Malformed request: PUT /v1/models/recmodel"})


def test_status(server: httpx.Client) -> None:
    expected = {"version": "2", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert server.get("/v1/models/recmodel").json() == {"model_version_status": [expected]}
    assert server.get("/v1/models/recmodel/versions/02").json() == {"model_version_status": [expected]}
    missing = server.get("/v1/models/recmodel/versions/1")
    assert missing.status_code == 404
    assert missing.json() == {"error": "Could not find version 1 of model recmodel"}
    assert server.get("/v1/models/else").json() == {"error": "Could not find any versions of model else"}


def test_metadata(server: httpx.Client) -> None:
    metadata = server.get("/v1/models/recmodel/metadata").json()
    assert metadata["model_spec"] == {"name": "recmodel", "signature_name": "", "version": "2"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["inputs"]["userId"]["dtype"] == "DT_INT64"
    assert signatures["echo"]["outputs"]["number"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


def test_labels_choose_versions(server: httpx.Client) -> None:
    for label, version in (("stable", "3"), ("canary", "4")):
        path = f"/v1/models/shop/labels/{label}"
        assert server.get(f"{path}/metadata").json()["model_spec"]["version"] == version
        assert server.get(path).json()["model_version_status"][0]["version"] == version
        assert predict(server, {"examples": [{"price": 1.0}]}, f"{path}:regress") == {"results": [2.5]}
    refused = server.post("/v1/models/shop/labels/best:regress", content=b'{"examples": [{}]}')
    assert (refused.status_code, refused.json()) == (400, {"error": "Unrecognized servable version label: best"})
    assert server.get("/v1/models/shop/versions/1").status_code == 404


def test_classify_gives_labels_and_scores(server: httpx.Client) -> None:
    body = {"signature_name": "classify", "examples": [{"price": 0.25, "name": "pear"}, {"name": {"b64": "Zmln"}}]}
    assert predict(server, body, "/v1/models/shop:classify") == {
        "results": [[["cheap pear", 0.75], ["dear pear", 0.25]], [["cheap fig", 1.0], ["dear fig", 0.0]]]
    }
    only_scores = {"signature_name": "only_scores", "examples": [{"price": [0.25]}]}
    assert predict(server, only_scores, "/v1/models/shop:classify") == {"results": [[["", 0.75], ["", 0.25]]]}
    only_classes = {"signature_name": "only_classes", "examples": [{"name": "x"}]}
    assert predict(server, only_classes, "/v1/models/shop:classify") == {
        "results": [[["cheap x", 0.0], ["dear x", 0.0]]]
    }


def test_regress_with_a_shared_context(server: httpx.Client) -> None:
    body = {"context": {"price": 1.0}, "examples": [{"name": "a"}, {"price": 0.0}]}
    assert predict(server, body, "/v1/models/shop:regress") == {"results": [2.5, 2.0]}


@pytest.mark.parametrize(
    ("verb", "body", "message"),
    [
        ("regress", {}, "key 'examples' is expected and was not found"),
        ("regress", {"examples": 1}, "Expecting 'examples' value to be an list/array"),
        ("regress", {"examples": []}, "'examples' value is an empty array"),
        ("regress", {"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ("regress", {"examples": [{"price": None}]}, "Feature: price has element with unexpected JSON type: Null"),
        ("regress", {"examples": [{"price": [[1.0]]}]}, "Feature: price has element with unexpected JSON type: Array"),
        (
            "regress",
            {"examples": [{"price": {"a": 1}}]},
            "Feature: price has element with unexpected JSON type: Object",
        ),
        (
            "regress",
            {"examples": [{"price": [1.0, 1]}]},
            "Unexpected element type in feature: price expecting type: float",
        ),
        ("regress", {"examples": [{"price": 2**63}]}, "Feature: price has uint64 element. Only int64 is supported."),
        ("regress", {"examples": [{"price": 1e300}]}, "to float without loss of precision"),
        ("regress", {"examples": [{"price": 1}]}, "Data types don't match. Data type: int64 but expected type: float"),
        ("classify", {"examples": [{}], "signature_name": "x"}, "No signature was found with the name: x"),
        ("classify", {"examples": [{}]}, "Expected classification signature method_name to be"),
    ],
)
def test_examples_that_are_none(server: httpx.Client, verb: str, body: dict[str, Any], message: str) -> None:
    response = server.post(f"/v1/models/shop:{verb}", content=json.dumps(body))
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_gzipped_bodies(server: httpx.Client) -> None:
    body = json.dumps({"signature_name": "half_plus_two", "instances": [1.0, 2.0, 5.0]}).encode()
    packed = gzip.compress(body)
    headers = {"Content-Encoding": "gzip"}
    assert server.post(PREDICT, content=packed, headers=headers).json() == {"predictions": [2.5, 3.0, 4.5]}
    for wrong in (body, packed[:-10]):
        refused = server.post(PREDICT, content=wrong, headers=headers)
        assert refused.status_code == 400
        assert "Failed to uncompress the gzipped request body" in refused.json()["error"]


def test_a_gzip_bomb_is_defused() -> None:
    """A few hundred kilobytes that grow beyond the limit are refused before they do."""
    packed = gzip.compress(b"0" * (LARGEST_BODY + 1), compresslevel=9)
    assert len(packed) < 400_000
    with pytest.raises(ServingError, match="The uncompressed request body is larger than 268435456 bytes"):
        unpack(packed, "gzip")


def test_metrics_under_the_originals_names(server: httpx.Client) -> None:
    predict(server, {"instances": [{"userId": 1, "movieId": 1}]})
    server.post(PREDICT, content=b"{}")
    server.post("/v1/models/unheard-of:predict", content=b"{}")
    response = server.get("/metrics/here")
    assert response.headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert int(lines[':tensorflow:serving:request_count{model_name="recmodel",status="OK"}']) >= 1
    assert int(lines[':tensorflow:serving:request_count{model_name="recmodel",status="INVALID_ARGUMENT"}']) >= 1
    labels = 'model_name="recmodel",API="predict",entrypoint="REST"'
    count = int(lines[f":tensorflow:serving:request_latency_count{{{labels}}}"])
    assert int(lines[f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}}']) == count >= 1
    assert float(lines[f":tensorflow:serving:request_latency_sum{{{labels}}}"]) > 0
    assert any(line.startswith(':tensorflow:cc:saved_model:load_attempt_count{model_path="') for line in lines)
    assert "unheard-of" not in response.text
    assert server.get("/monitoring/prometheus/metrics").status_code == 404


def test_many_clients_at_once_get_their_own_answers(server: httpx.Client) -> None:
    def ask(user: int) -> list[list[float]]:
        return predict(server, {"instances": [{"userId": user, "movieId": 0}] * 20})["predictions"]  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(100)))
    assert answers == [[[2000.0 + user]] * 20 for user in range(100)]
