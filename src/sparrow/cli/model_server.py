"""`sparrow model-server`: TensorFlow Serving's protocol over a folder of SavedModels, with its own flag names.

A flag that nobody knows is told and passed over, as the original does it; a flag of the original that would change what
clients see, and is not here, is refused.
"""

import logging
from pathlib import Path
from typing import Any, Final

import click

import sparrow
from sparrow.errors import SettingsError
from sparrow.model_server.options import THREADS, ServerOptions

WITHOUT_EFFECT: Final = {
    "flush_filesystem_caches",
    "num_load_threads",
    "num_unload_threads",
    "max_num_load_retries",
    "load_retry_interval_micros",
    "per_process_gpu_memory_fraction",
    "tensorflow_session_parallelism",
    "remove_unused_fields_from_bundle_metagraph",
    "num_tflite_pools",
    "num_tflite_interpreters_per_pool",
    "skip_initialize_tpu",
}
"""Flags of the original about how it works inside: accepted and passed over, with a line in the log."""

REFUSED: Final = {
    "ssl_config_file",
    "use_alts_credentials",
    "platform_config_file",
    "prefer_tflite_model",
    "enable_per_model_batching_parameters",
    "rest_api_enable_cors_support",
    "tensorflow_session_config_file",
    "thread_pool_factory_config_file",
    "enable_profiler",
    "mixed_precision",
    "xla_cpu_compilation_enabled",
    "xla_gpu_compilation_enabled",
    "enable_grpc_healthcheck_service",
    "enable_serialization_as_tensor_content",
}
"""Flags of the original that ask for what is not here."""

EXAMPLES = """\b
Examples:
  sparrow model-server --rest_api_port=8501 --model_name=recmodel --model_base_path=var/models/recmodel
  sparrow model-server --port=8500 --model_config_file=var/models/models.config --enable_batching
  curl -d '{"instances": [{"userId": 1, "movieId": 589}]}' localhost:8501/v1/models/recmodel:predict
  curl localhost:8501/v1/models/recmodel
"""

logger = logging.getLogger(__name__)

FILE: Final = click.Path(path_type=Path)
TRUTH: Final[dict[str, Any]] = {"type": bool, "is_flag": False, "flag_value": "true", "show_default": True}
"""As in the original, `--flag`, `--flag=true` and `--flag=false` all work."""


@click.command("model-server", epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.option("--port", default=8500, show_default=True, help="gRPC port; 0 is off.")
@click.option("--grpc_socket_path", default="", help="Unix socket for gRPC, beside the port.")
@click.option("--grpc_channel_arguments", default="", help="name=value,… for the gRPC server.")
@click.option("--grpc_max_threads", default=THREADS, show_default=True, help="gRPC calls answered at a time.")
@click.option("--rest_api_port", default=0, show_default=True, help="HTTP/REST port; 0 is off.")
@click.option("--rest_api_num_threads", default=THREADS, show_default=True, help="REST calls answered at a time.")
@click.option(
    "--rest_api_timeout_in_ms", default=30_000, show_default=True, help="Longest model run of a REST call; 0: no limit."
)
@click.option("--model_name", default="default", show_default=True, help="The model's name in requests.")
@click.option("--model_base_path", type=FILE, help="Folder of version folders 1, 2, ….")
@click.option("--model_config_file", type=FILE, help="ModelServerConfig in text format; instead of the two above.")
@click.option(
    "--model_config_file_poll_wait_seconds",
    default=0,
    show_default=True,
    help="Seconds between readings of that file; 0: once.",
)
@click.option(
    "--file_system_poll_wait_seconds",
    default=1,
    show_default=True,
    help="Seconds between looks for new versions; 0: look once.",
)
@click.option(
    "--allow_version_labels_for_unavailable_models", default=False, help="New labels may come first.", **TRUTH
)
@click.option("--enable_batching", default=False, help="Run requests of several clients together.", **TRUTH)
@click.option("--batching_parameters_file", type=FILE, help="BatchingParameters in text format.")
@click.option("--monitoring_config_file", type=FILE, help="MonitoringConfig in text format.")
@click.option("--enable_model_warmup", default=True, help="Replay assets.extra/tf_serving_warmup_requests.", **TRUTH)
@click.option("--num_request_iterations_for_warmup", default=1, show_default=True, help="How often each is replayed.")
@click.option("--saved_model_tags", default="serve", show_default=True, help="Tags of the graph to load.")
@click.option(
    "--enable_signature_method_name_check", default=True, help="classify, regress need their signatures.", **TRUTH
)
@click.option("--tensorflow_intra_op_parallelism", default=0, help="Threads of one operation; 0: all.")
@click.option("--tensorflow_inter_op_parallelism", default=0, help="Operations at a time; 0: all.")
@click.option("--version", is_flag=True, help="Show the versions and leave.")
@click.argument("others", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def model_server(
    context: click.Context, /, version: bool, saved_model_tags: str, others: tuple[str, ...], **flags: Any
) -> None:
    """Serve SavedModels over TensorFlow Serving's protocol, gRPC and REST.

    The largest version under --model_base_path is served, new versions are taken over as they appear, and a broken one
    never replaces a good one.
    """
    if version:
        click.echo(f"Sparrow ModelServer: {sparrow.__version__}")
        return
    _judge(others, context)
    options = ServerOptions(saved_model_tags=tuple(saved_model_tags.split(",")), **flags)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s %(message)s")
    from sparrow.model_server.server import serve

    serve(options)


def _judge(others: tuple[str, ...], context: click.Context) -> None:
    """What click did not understand: refuse, pass over, or tell and go on."""
    unknown = ""
    for word in others:
        name = word.removeprefix("--").partition("=")[0]
        if word.startswith("--") and name in REFUSED:
            raise SettingsError(f"--{name} is not supported here (docs/serving.md says why); leave the flag out.")
        if word.startswith("--") and name in WITHOUT_EFFECT:
            logger.warning("--%s has no effect here", name)
        elif word.startswith("-"):
            unknown = unknown or word
    if unknown:
        # As the original: it says so, shows its usage, and serves.
        click.echo(f"unknown argument: {unknown}\n{context.get_usage()}")
