"""The server as a whole: configuration while it serves, batching, warm-up, a Unix socket, and how it stops."""

import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.warmup import WARMUP_FILE, warm_up
from sparrow.model_server.wire.messages import PredictionLog
from tests.model_server.load import Load, wait_for
from tests.model_server.running import COMMAND, Addresses, free_port, running_with
from tests.model_server.stubs import CLIENTS, Client, make_example, open_client

pytestmark = pytest.mark.slow


def model_entry(name: str, base: Path, extra: str = "") -> str:
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {extra} }}'


def write_models(file: Path, *entries: str) -> None:
    hidden = file.with_suffix(".new")
    hidden.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    hidden.rename(file)


@pytest.fixture(scope="module")
def folder(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models "m" (contract, versions 1 and 2) and "half" (TensorFlow 1, version 7), and every configuration file."""
    folder = tmp_path_factory.mktemp("operations")
    for version in ("1", "2"):
        shutil.copytree(exported / version, folder / "m" / version)
    shutil.copytree(exported / "v1_style", folder / "half" / "7")
    write_models(folder / "models.config", model_entry("m", folder / "m"))
    (folder / "batching.config").write_text(
        "max_batch_size { value: 200 } batch_timeout_micros { value: 2000 } num_batch_threads { value: 2 }"
        "allowed_batch_sizes: 100 allowed_batch_sizes: 200 pad_variable_length_inputs: true"
    )
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    return folder


@pytest.fixture(scope="module")
def addresses(folder: Path) -> Iterator[Addresses]:
    """The real server with everything on."""
    flags = [
        f"--model_config_file={folder / 'models.config'}",
        "--model_config_file_poll_wait_seconds=1",
        "--enable_batching=true",
        f"--batching_parameters_file={folder / 'batching.config'}",
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        f"--grpc_socket_path={folder / 'socket'}",
        "--grpc_channel_arguments=grpc.max_receive_message_length=5000000",
        "--rest_api_timeout_in_ms=700",
    ]
    with running_with(flags, folder / "log") as addresses:
        yield addresses


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, addresses: Addresses) -> Iterator[Client]:
    opened = open_client(request.param, addresses.grpc)
    with opened.channel:
        yield opened


def reload_request(client: Client, *models: tuple[str, Path, dict[str, Any]]) -> Any:
    request = client.request("ReloadConfigRequest")
    request.config.model_config_list.SetInParent()
    for name, base, extra in models:
        config = request.config.model_config_list.config.add(
            name=name, base_path=str(base), model_platform="tensorflow"
        )
        config.model_version_policy.specific.versions.extend(extra.get("versions", []))
        for label, version in extra.get("labels", {}).items():
            config.version_labels[label] = version
        if not extra.get("versions"):
            config.ClearField("model_version_policy")
    return request


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    error: Any = refusal.value
    return error.code().name, error.details()


def unless_taken_back(ask: Callable[[], int], tries: int = 5) -> int:
    """The configuration file is polled each second, and takes back what a reload brought: then once more."""
    for _ in range(tries - 1):
        with suppress(grpc.RpcError):
            return ask()
    return ask()


def half_plus_two(client: Client) -> list[float]:
    request = client.predict_request("half", x=np.array([1.0, 2.0, 5.0], np.float32))
    return list(client.call("Predict", request).outputs["y"].float_val)


def test_a_reload_brings_models_and_labels_and_takes_them_away(client: Client, folder: Path) -> None:
    both = {"versions": [1, 2], "labels": {"stable": 1}}

    def reload_and_ask() -> int:
        """The version behind the label, once the reload's other model has answered."""
        response = client.call(
            "HandleReloadConfigRequest",
            reload_request(client, ("m", folder / "m", both), ("half", folder / "half", {})),
        )
        assert response.status.error_code == 0
        assert half_plus_two(client) == [2.5, 3.0, 4.5]
        labelled = client.predict_request("m", userId=np.array([0]), movieId=np.array([0]))
        labelled.model_spec.version_label = "stable"
        return int(client.call("Predict", labelled).model_spec.version.value)

    assert unless_taken_back(reload_and_ask) == 1

    wrong = reload_request(client, ("m", folder / "m", {**both, "labels": {"stable": 9}}))
    code, message = refused(lambda: client.call("HandleReloadConfigRequest", wrong))
    assert code == "FAILED_PRECONDITION"
    assert "Request to assign label to version 9 of model m" in message

    client.call("HandleReloadConfigRequest", reload_request(client, ("m", folder / "m", {})))
    assert refused(lambda: half_plus_two(client))[0] == "NOT_FOUND"


def test_reloads_that_cannot_be(client: Client, folder: Path) -> None:
    def reload(*models: tuple[str, Path, dict[str, Any]]) -> tuple[str, str]:
        return refused(lambda: client.call("HandleReloadConfigRequest", reload_request(client, *models)))

    good = ("m", folder / "m", {})
    assert reload(good, good) == ("INVALID_ARGUMENT", "Illegal to list model m multiple times in config list")
    assert reload(good, ("gone", folder / "gone", {})) == (
        "UNKNOWN",
        "Some models did not become available: {gone}",
    )
    code, message = refused(lambda: client.call("HandleReloadConfigRequest", client.request("ReloadConfigRequest")))
    assert code == "INVALID_ARGUMENT"
    assert "Only ModelConfigList is currently supported" in message
    client.call("HandleReloadConfigRequest", reload_request(client, good))


def test_the_config_file_is_read_again(addresses: Addresses, folder: Path) -> None:
    with httpx.Client(base_url=addresses.rest, timeout=20) as rest:
        write_models(folder / "models.config", model_entry("m", folder / "m"), model_entry("half", folder / "half"))
        wait_for(lambda: rest.get("/v1/models/half").status_code == 200)
        (folder / "models.config").write_text("nonsense {")
        wait_for(lambda: "The model config file was not taken over" in (folder / "log").read_text())
        assert rest.get("/v1/models/half").json()["model_version_status"][0]["state"] == "AVAILABLE"
        write_models(folder / "models.config", model_entry("m", folder / "m"))
        wait_for(lambda: rest.get("/v1/models/half").status_code == 404)


def test_the_socket_serves_what_the_port_serves(addresses: Addresses, folder: Path) -> None:
    client = open_client("own", f"unix:{folder / 'socket'}")
    with client.channel:
        response = client.call("Predict", client.predict_request("m", userId=np.array([7]), movieId=np.array([0])))
    assert list(response.outputs["score"].float_val) == [2007.0]


def test_channel_arguments_reach_the_server(client: Client) -> None:
    request = client.predict_request("m", "echo", number=np.zeros(700_000, np.int64))
    assert refused(lambda: client.call("Predict", request))[0] == "RESOURCE_EXHAUSTED"


def test_a_rest_call_ends_after_its_timeout(addresses: Addresses) -> None:
    body = {"signature_name": "counts", "inputs": [10**12]}
    with httpx.Client(base_url=addresses.rest, timeout=20) as rest:
        response = rest.post("/v1/models/m:predict", json=body)
    assert response.status_code == 504
    assert list(response.json()) == ["error"]


def test_batches_under_load_are_answered_to_the_right_clients(addresses: Addresses) -> None:
    with Load(addresses) as load:
        wait_for(lambda: load.answers > 200 or bool(load.faults))
    assert load.faults == []


def test_ragged_requests_are_batched(addresses: Addresses) -> None:
    """Requests whose rows have different lengths run together, padded with their first element."""
    answers: dict[int, Any] = {}

    def ask(width: int) -> None:
        body = {"signature_name": "row_sums", "instances": [[1.0] * width]}
        answers[width] = httpx.post(f"{addresses.rest}/v1/models/m:predict", json=body, timeout=20).json()

    threads = [threading.Thread(target=ask, args=(width,)) for width in (1, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What is padded sums higher; which requests met is up to chance.
    for width, answer in answers.items():
        assert answer["predictions"][0] in [float(larger) for larger in (1, 3, 5) if larger >= width]


def test_requests_that_batching_refuses(addresses: Addresses) -> None:
    with httpx.Client(base_url=addresses.rest, timeout=20) as rest:
        unequal = rest.post("/v1/models/m:predict", json={"inputs": {"userId": [1, 2], "movieId": [1]}})
        assert (unequal.status_code, unequal.json()["error"]) == (
            400,
            "Batching Run() input tensors must have equal 0th-dimension size.",
        )
        many = rest.post("/v1/models/m:predict", json={"inputs": {"userId": [1] * 201, "movieId": [1] * 201}})
        assert many.json()["error"] == "Task size 201 is larger than maximum input batch size 200"
        assert ":tensorflow:serving:request_count" in rest.get("/monitoring/prometheus/metrics").text


def test_grpc_alone_is_the_default_and_a_running_call_is_finished(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported / "1", tmp_path / "m" / "1")
    port = free_port()
    flags = ["--model_name=m", f"--model_base_path={tmp_path / 'm'}", f"--port={port}"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen([*COMMAND, *flags], stdout=log, stderr=log) as process:
        client = open_client("own", f"127.0.0.1:{port}")
        with client.channel:
            request = client.predict_request("m", "counts", number=np.array([150_000]))
            at_once = client.predict_request("m", "counts", number=np.array([1]))
            wait_for(lambda: _answers(client, at_once, process))
            results: list[Any] = []
            running = threading.Thread(target=lambda: results.append(client.call("Predict", request)))
            running.start()
            threading.Event().wait(0.3)
            os.kill(process.pid, signal.SIGTERM)
            running.join(30)
            assert list(results[0].outputs["end"].int64_val) == [150_000]
        assert process.wait(40) == 0


def _answers(client: Client, request: Any, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the server has ended"
    try:
        client.call("Predict", request, 5)
    except grpc.RpcError:
        return False
    return True


def warmup_logs() -> list[bytes]:
    """One record of each kind, for the example model."""
    logs = []
    for kind, signature in (("regress_log", ""), ("classify_log", "classify")):
        log = PredictionLog()
        request = getattr(log, kind).request
        request.model_spec.signature_name = signature
        request.input.example_list.examples.append(make_example({"price": 0.5}).SerializeToString())
        logs.append(log)
    both = PredictionLog()
    both.multi_inference_log.request.tasks.add(method_name="tensorflow/serving/regress")
    both.multi_inference_log.request.input.CopyFrom(logs[0].regress_log.request.input)
    predict = PredictionLog()
    predict.predict_log.request.model_spec.signature_name = "predict"
    tensor = predict.predict_log.request.inputs["examples"]
    tensor.dtype, tensor.string_val[:] = 7, [make_example({"price": 1.0}).SerializeToString()]
    tensor.tensor_shape.dim.add(size=1)
    return [log.SerializeToString() for log in (*logs, both, predict, PredictionLog())]


def version_with(exported: Path, folder: Path, records: list[bytes]) -> Path:
    from tests.model_server.saved_models import write_warmup

    path = Path(shutil.copytree(exported / "examples", folder / "1"))
    write_warmup(path, records)
    return path


@pytest.fixture
def servable(exported: Path) -> Iterator[Any]:
    from sparrow.model_server.servable import Servable

    loaded = Servable(exported / "examples")
    yield loaded
    loaded.close()


def test_warmup_replays_every_kind_of_request(exported: Path, tmp_path: Path, servable: Any) -> None:
    from sparrow.model_server.servable import read_records

    path = version_with(exported, tmp_path, warmup_logs())
    assert warm_up(servable, path, read_records, iterations=2) == 5
    assert warm_up(servable, exported / "examples", read_records) == 0


@pytest.mark.parametrize(
    ("records", "code", "message"),
    [
        ([b"\xff\xff"], Code.INVALID_ARGUMENT, "Failed to parse warmup record of 2 bytes"),
        ([b""] * 1001, Code.INVALID_ARGUMENT, "Number of warmup records exceeds the maximum (1000)"),
        ([bytes([0x2A, 0])], Code.UNIMPLEMENTED, "Unsupported log_type for warmup: 5"),
        ([bytes([0x1A, 0])], Code.INVALID_ARGUMENT, "Input is empty."),
    ],
)
def test_a_warmup_that_fails_is_told(
    exported: Path, tmp_path: Path, servable: Any, records: list[bytes], code: Code, message: str
) -> None:
    from sparrow.model_server.servable import read_records

    with pytest.raises(ServingError) as failure:
        warm_up(servable, version_with(exported, tmp_path, records), read_records)
    assert message in failure.value.message
    assert failure.value.code is code


def test_a_file_that_is_no_tfrecord_keeps_the_version_out(
    exported: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sparrow.model_server.metrics import Metrics
    from sparrow.model_server.options import ServerOptions
    from sparrow.model_server.server import make_load

    path = version_with(exported, tmp_path, [])
    (path / WARMUP_FILE).write_bytes(b"no records at all, " * 10)
    metrics = Metrics()
    with pytest.raises(ServingError, match="Please verify your warmup data is in TFRecord format") as failure:
        make_load(ServerOptions(tmp_path), None, metrics)(path)
    assert failure.value.code is Code.DATA_LOSS
    assert b'status="fail"} 1' in metrics.page()
    with caplog.at_level(logging.INFO):
        loaded = make_load(ServerOptions(tmp_path, enable_model_warmup=False), None, metrics)(path)
    loaded.servable.close()
    assert b'status="success"} 1' in metrics.page()
