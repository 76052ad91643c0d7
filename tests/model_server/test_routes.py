"""Request lines: what is understood and what is refused, and in which words."""

import pytest

from sparrow.model_server.protocol.routes import Call, ModelSpec, read_call
from sparrow.model_server.protocol.status import Code, ServingError


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/v1/models/m:predict", Call("predict", ModelSpec("m"))),
        ("POST", "/v1/models/m/versions/002:predict", Call("predict", ModelSpec("m", 2))),
        ("POST", "/V1/Models/m/labels/canary%20a:predict", Call("predict", ModelSpec("m", label="canary a"))),
        ("POST", "/v1/models/a%2Fb:classify", Call("classify", ModelSpec("a/b"))),
        ("GET", "/v1/models/m", Call("status", ModelSpec("m"))),
        ("GET", f"/v1/models/m/versions/{2**63 - 1}", Call("status", ModelSpec("m", 2**63 - 1))),
        ("GET", "/v1/models/m/versions/3/metadata", Call("metadata", ModelSpec("m", 3))),
    ],
)
def test_understood(method: str, path: str, call: Call) -> None:
    assert read_call(method, path) == call


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("PUT", "/v1/models/m:predict", "Malformed request: PUT /v1/models/m:predict"),
        ("GET", "/v1/models/m:predict", "Malformed request: GET /v1/models/m:predict"),
        ("POST", "/v1/models/m:explain", "Malformed request: POST /v1/models/m:explain"),
        ("POST", "/v1/models/m:PREDICT", "Malformed request: POST /v1/models/m:PREDICT"),
        ("GET", "/v1/models/m/versions/-1", "Malformed request: GET /v1/models/m/versions/-1"),
        ("GET", "/v1/models/m/versions/1/../../etc", "Malformed request: GET /v1/models/m/versions/1/../../etc"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("GET", f"/v1/models/m/versions/{2**63}", f"Failed to convert version: {2**63} to numeric."),
        ("POST", f"/v1/models/m/versions/{'9' * 5000}:predict", f"Failed to convert version: {'9' * 100} to numeric."),
    ],
)
def test_refused(method: str, path: str, message: str) -> None:
    with pytest.raises(ServingError) as refusal:
        read_call(method, path)
    assert refusal.value.message == message
    assert refusal.value.code is Code.INVALID_ARGUMENT


def test_a_spec_names_itself_as_the_original_does() -> None:
    assert (str(ModelSpec("m")), str(ModelSpec("m", 7))) == ("Latest(m)", "Specific(m, 7)")
