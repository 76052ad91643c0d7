"""The command's flags: both spellings, defaults, and what is refused."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sparrow.cli.model_server import LATER, model_server
from sparrow.errors import Busy, SettingsError
from sparrow.model_server import server
from sparrow.model_server.server import ServerOptions


def run(*flags: str) -> Result:
    return CliRunner().invoke(model_server, flags)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerOptions]:
    """What `serve` would have been called with."""
    calls: list[ServerOptions] = []
    monkeypatch.setattr(server, "serve", calls.append)
    return calls


def test_both_spellings_and_the_originals_defaults(served: list[ServerOptions]) -> None:
    assert run("--rest_api_port=8501", "--model_base_path", "models").exit_code == 0
    assert served == [ServerOptions(Path("models"), "default", 8501, 30_000, 1)]
    flags = ["--rest_api_port", "1", "--model_base_path=m", "--model_name=n", "--rest_api_timeout_in_ms=5"]
    assert run(*flags, "--file_system_poll_wait_seconds=0", "--port=9").exit_code == 0
    assert served[1] == ServerOptions(Path("m"), "n", 1, 5, 0)


@pytest.mark.parametrize("spelling", [["--enable_batching=false"], ["--enable_batching", "false"]])
def test_batching_can_be_declined(served: list[ServerOptions], spelling: list[str]) -> None:
    assert run("--rest_api_port=8501", "--model_base_path=m", *spelling).exit_code == 0
    assert len(served) == 1


@pytest.mark.parametrize("flag", sorted(LATER))
def test_flags_of_features_still_to_come_are_refused(served: list[ServerOptions], flag: str) -> None:
    value = {"enable_batching": "true", "model_config_file_poll_wait_seconds": "5"}.get(flag, "file")
    result = run("--rest_api_port=8501", "--model_base_path=m", f"--{flag}={value}")
    assert isinstance(result.exception, SettingsError)
    assert f"--{flag} is not supported yet" in str(result.exception)
    assert served == []


def test_batching_alone_means_true(served: list[ServerOptions]) -> None:
    result = run("--rest_api_port=8501", "--model_base_path=m", "--enable_batching")
    assert isinstance(result.exception, SettingsError)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rest_api_port=8501"], "--model_base_path is missing"),
        (["--model_base_path=m"], "gRPC is not served yet and REST is off; add --rest_api_port=8501"),
        (["--model_base_path=m", "--rest_api_port=8500"], "--rest_api_port cannot be same as --port"),
        (["--model_base_path=m", "--rest_api_port=70000"], "a port is a number from 0 to 65535"),
        (["--model_base_path=m", "--rest_api_port=1", "--model_name=a/b"], "--model_name is 'a/b'"),
        (["--model_base_path=m", "--rest_api_port=1", "--rest_api_timeout_in_ms=-1"], "give 0 (never) or more"),
    ],
)
def test_wrong_flags(served: list[ServerOptions], flags: list[str], message: str) -> None:
    result = run(*flags)
    assert isinstance(result.exception, SettingsError)
    assert message in str(result.exception)
    assert served == []


def test_unknown_flags_are_wrong_usage() -> None:
    assert run("--model_path=m").exit_code == 2


def test_a_named_grpc_port_is_warned_about(served: list[ServerOptions], caplog: pytest.LogCaptureFixture) -> None:
    run("--rest_api_port=8501", "--model_base_path=m", "--port=8500")
    (record,) = [record for record in caplog.records if "gRPC is not served yet" in record.message]
    assert record.levelname == "WARNING"


def test_a_port_in_use_is_told_with_the_cure(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run(f"--rest_api_port={port}", f"--model_base_path={tmp_path}")
    assert isinstance(result.exception, Busy)
    assert str(result.exception) == f"Port {port} is already in use; choose another with --rest_api_port."


def test_the_listener_names_its_protocol() -> None:
    """Otherwise asyncio leaves Nagle's algorithm on, and an answer waits for the client's delayed acknowledgement."""
    with server._bind(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
