"""The command's flags: both spellings, the original's defaults, what is passed over and what is refused."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sparrow.cli.model_server import REFUSED, WITHOUT_EFFECT, model_server
from sparrow.errors import Busy, SettingsError
from sparrow.model_server import server
from sparrow.model_server.grpc import read_channel_arguments
from sparrow.model_server.options import THREADS, ServerOptions

GIVEN = "--model_base_path=m"


def run(*flags: str) -> Result:
    return CliRunner().invoke(model_server, flags)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerOptions]:
    """What `serve` would have been called with."""
    calls: list[ServerOptions] = []
    monkeypatch.setattr(server, "serve", calls.append)
    return calls


def test_the_originals_defaults(served: list[ServerOptions]) -> None:
    assert run(GIVEN).exit_code == 0
    (options,) = served
    assert (options.port, options.rest_api_port, options.model_name) == (8500, 0, "default")
    assert (options.rest_api_timeout_in_ms, options.file_system_poll_wait_seconds) == (30_000, 1)
    assert (options.enable_batching, options.enable_model_warmup) == (False, True)
    assert options.model_config_file_poll_wait_seconds == 0
    assert options.saved_model_tags == ("serve",)
    assert (options.grpc_max_threads, options.rest_api_num_threads) == (THREADS, THREADS)


def test_both_spellings(served: list[ServerOptions]) -> None:
    flags = ["--rest_api_port", "1", GIVEN, "--model_name=n", "--rest_api_timeout_in_ms=5", "--port", "9"]
    assert run(*flags, "--file_system_poll_wait_seconds=0", "--grpc_socket_path=/tmp/s").exit_code == 0
    expected = ServerOptions(
        Path("m"),
        "n",
        port=9,
        grpc_socket_path="/tmp/s",
        rest_api_port=1,
        rest_api_timeout_in_ms=5,
        file_system_poll_wait_seconds=0,
    )
    assert served == [expected]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--enable_batching=false"], False),
        (["--enable_batching", "false"], False),
        (["--enable_batching=true"], True),
        (["--enable_batching"], True),
        ([], False),
    ],
)
def test_truths_are_spelled_as_in_the_original(served: list[ServerOptions], words: list[str], expected: bool) -> None:
    assert run(GIVEN, *words).exit_code == 0
    assert served[0].enable_batching is expected


def test_several_tags(served: list[ServerOptions]) -> None:
    run(GIVEN, "--saved_model_tags=serve,gpu")
    assert served[0].saved_model_tags == ("serve", "gpu")


@pytest.mark.parametrize("flag", sorted(REFUSED))
def test_flags_that_ask_for_what_is_not_here_are_refused(served: list[ServerOptions], flag: str) -> None:
    for words in ([f"--{flag}=x"], [f"--{flag}", "x"]):
        result = run(GIVEN, *words)
        assert isinstance(result.exception, SettingsError)
        assert f"--{flag} is not supported here" in str(result.exception)
    assert served == []


@pytest.mark.parametrize("flag", sorted(WITHOUT_EFFECT))
def test_flags_about_the_inside_are_passed_over(
    served: list[ServerOptions], flag: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = run(GIVEN, f"--{flag}=1")
    assert (result.exit_code, result.output) == (0, "")
    assert f"--{flag} has no effect here" in caplog.text
    assert len(served) == 1


def test_a_flag_that_nobody_knows_is_told_and_the_server_starts(served: list[ServerOptions]) -> None:
    result = run(GIVEN, "--model_path=m", "--other", "5")
    assert result.exit_code == 0
    assert result.output.startswith("unknown argument: --model_path=m\nUsage: ")
    assert len(served) == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rest_api_port=8501"], "--model_base_path is missing"),
        ([GIVEN, "--rest_api_port=8500"], "--rest_api_port cannot be same as --port"),
        ([GIVEN, "--rest_api_port=70000"], "a port is a number from 0 to 65535"),
        ([GIVEN, "--port=-1"], "--port is -1; a port is a number from 0 to 65535"),
        ([GIVEN, "--port=0"], "Nothing to serve: give --port, --grpc_socket_path or --rest_api_port."),
        ([GIVEN, "--model_name=a/b"], "--model_name is 'a/b'"),
        ([GIVEN, "--rest_api_timeout_in_ms=-1"], "give 0 (never) or more"),
        ([GIVEN, "--grpc_max_threads=0"], "--grpc_max_threads is 0; give 1 or more"),
        ([GIVEN, "--batching_parameters_file=f"], "--batching_parameters_file is set without --enable_batching"),
    ],
)
def test_wrong_flags(served: list[ServerOptions], flags: list[str], message: str) -> None:
    result = run(*flags)
    assert isinstance(result.exception, SettingsError)
    assert message in str(result.exception)
    assert served == []


def test_values_of_the_wrong_type_are_wrong_usage() -> None:
    assert run(GIVEN, "--port=many").exit_code == 2


def test_the_version_is_shown_without_serving(served: list[ServerOptions]) -> None:
    assert run("--version").output.startswith("Sparrow ModelServer: ")
    assert served == []


@pytest.mark.parametrize("flag", ["--rest_api_port", "--port"])
def test_a_port_in_use_is_told_with_the_cure(tmp_path: Path, flag: str) -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run(f"{flag}={port}", f"--model_base_path={tmp_path}", *(["--port=0"] if "rest" in flag else []))
    assert isinstance(result.exception, Busy)
    assert str(port) in str(result.exception)
    assert f"choose another with {flag}" in str(result.exception)


@pytest.mark.parametrize(
    ("flag", "content", "message"),
    [
        ("model_config_file", None, "cannot be read (No such file or directory); name an existing one"),
        ("model_config_file", "model_config_list {", "Invalid protobuf file"),
        ("monitoring_config_file", "prometheus { enable: true }", "Invalid protobuf file"),
        ("batching_parameters_file", "max_batch_size: 5", "Invalid protobuf file"),
    ],
)
def test_configuration_files_that_cannot_be_used(tmp_path: Path, flag: str, content: str | None, message: str) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    result = run(GIVEN, "--enable_batching", f"--{flag}={file}", "--port=0", "--rest_api_port=1")
    assert isinstance(result.exception, SettingsError)
    assert message in str(result.exception)


def test_channel_arguments_are_numbers_where_they_can_be() -> None:
    assert read_channel_arguments("a=1,b=-2,c=x=y,") == {"a": 1, "b": -2, "c": "x=y"}
    with pytest.raises(SettingsError, match="has the part 'oops'; write name=value"):
        read_channel_arguments("oops")


def test_the_listener_names_its_protocol() -> None:
    """Otherwise asyncio leaves Nagle's algorithm on, and an answer waits for the client's delayed acknowledgement."""
    with server._listener(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
