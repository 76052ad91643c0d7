"""The REST contract against the real server in its own process."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

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


def test_many_clients_at_once_get_their_own_answers(server: httpx.Client) -> None:
    def ask(user: int) -> list[list[float]]:
        return predict(server, {"instances": [{"userId": user, "movieId": 0}] * 20})["predictions"]  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(100)))
    assert answers == [[[2000.0 + user]] * 20 for user in range(100)]
