"""`sparrow model-server`: TensorFlow Serving's protocol over a folder of SavedModels, with its own flag names."""

import logging
from pathlib import Path
from typing import Any, Final

import click

from sparrow.errors import SettingsError

LATER: Final = {
    "model_config_file": "a model config file",
    "model_config_file_poll_wait_seconds": "reloading the model config file",
    "monitoring_config_file": "monitoring",
    "grpc_channel_arguments": "gRPC",
    "grpc_socket_path": "gRPC",
    "enable_batching": "batching across clients",
    "batching_parameters_file": "batching across clients",
}
"""Flags of the original whose feature is still to come: refused, never ignored."""

EXAMPLES = """\b
Examples:
  sparrow model-server --rest_api_port=8501 --model_name=recmodel --model_base_path=var/models/recmodel
  curl -d '{"instances": [{"userId": 1, "movieId": 589}]}' localhost:8501/v1/models/recmodel:predict
  curl localhost:8501/v1/models/recmodel
"""


@click.command("model-server", epilog=EXAMPLES)
@click.option("--port", default=8500, show_default=True, help="gRPC port; gRPC is not served yet.")
@click.option("--rest_api_port", default=0, show_default=True, help="HTTP/REST port; 0 is off.")
@click.option(
    "--rest_api_timeout_in_ms", default=30_000, show_default=True, help="Longest model run of a REST call; 0: no limit."
)
@click.option("--model_name", default="default", show_default=True, help="The model's name in paths.")
@click.option("--model_base_path", type=click.Path(path_type=Path), help="Folder of version folders 1, 2, ….")
@click.option(
    "--file_system_poll_wait_seconds",
    default=1,
    show_default=True,
    help="Seconds between looks for new versions; 0: look once.",
)
@click.option("--model_config_file", default="", help="Not served yet.")
@click.option("--model_config_file_poll_wait_seconds", default=0, help="Not served yet.")
@click.option("--monitoring_config_file", default="", help="Not served yet.")
@click.option("--grpc_channel_arguments", default="", help="Not served yet.")
@click.option("--grpc_socket_path", default="", help="Not served yet.")
@click.option("--enable_batching", type=bool, is_flag=False, flag_value="true", default=False, help="Not served yet.")
@click.option("--batching_parameters_file", default="", help="Not served yet.")
@click.pass_context
def model_server(
    context: click.Context,
    /,
    port: int,
    rest_api_port: int,
    rest_api_timeout_in_ms: int,
    model_name: str,
    model_base_path: Path | None,
    file_system_poll_wait_seconds: int,
    **later: Any,
) -> None:
    """Serve SavedModels over TensorFlow Serving's protocol.

    The largest version under --model_base_path is served, new versions are taken over as they appear, and a broken one
    never replaces a good one.
    """
    from sparrow.model_server.server import ServerOptions, serve

    _refuse_what_comes_later(later)
    if model_base_path is None:
        raise SettingsError("--model_base_path is missing; name the folder that holds the version folders 1, 2, ….")
    _check_ports(port, rest_api_port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s %(message)s")
    _tell_about_grpc(context, port)
    serve(
        ServerOptions(
            model_base_path=model_base_path,
            model_name=model_name,
            rest_api_port=rest_api_port,
            rest_api_timeout_in_ms=rest_api_timeout_in_ms,
            file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        )
    )


def _refuse_what_comes_later(later: dict[str, Any]) -> None:
    asked = next((flag for flag, value in later.items() if value), None)
    if asked is not None:
        raise SettingsError(f"--{asked} is not supported yet ({LATER[asked]} is still to come); leave the flag out.")


def _check_ports(port: int, rest_api_port: int) -> None:
    if rest_api_port == 0:
        raise SettingsError("Nothing to serve: gRPC is not served yet and REST is off; add --rest_api_port=8501.")
    if rest_api_port == port:
        raise SettingsError(
            f"--rest_api_port cannot be same as --port ({port}); choose a different port for HTTP/REST."
        )


def _tell_about_grpc(context: click.Context, port: int) -> None:
    """Whoever names the port wants gRPC; the others only learn why 8500 stays closed."""
    logger = logging.getLogger(__name__)
    named = context.get_parameter_source("port") is not click.core.ParameterSource.DEFAULT
    level = logging.WARNING if named else logging.INFO
    logger.log(level, "gRPC is not served yet: port %s stays closed, clients must use REST", port)
