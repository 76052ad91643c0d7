"""What the command line says, checked: TensorFlow Serving's flags of the same names, with its defaults."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from sparrow.errors import SettingsError

THREADS = 4 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """One field per flag; times are in the unit of the name, a path of None is not given."""

    model_base_path: Path | None = None
    model_name: str = "default"
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: int = 0
    port: int = 8500
    grpc_socket_path: str = ""
    grpc_channel_arguments: str = ""
    grpc_max_threads: int = THREADS
    rest_api_port: int = 0
    rest_api_num_threads: int = THREADS
    rest_api_timeout_in_ms: int = 30_000
    file_system_poll_wait_seconds: int = 1
    allow_version_labels_for_unavailable_models: bool = False
    enable_batching: bool = False
    batching_parameters_file: Path | None = None
    monitoring_config_file: Path | None = None
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 1
    saved_model_tags: tuple[str, ...] = field(default=("serve",))
    enable_signature_method_name_check: bool = True
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0

    def __post_init__(self) -> None:
        self._check_ports()
        if self.model_base_path is None and self.model_config_file is None:
            raise SettingsError(
                "--model_base_path is missing; name the folder that holds the version folders 1, 2, …, "
                "or give --model_config_file."
            )
        if not self.model_name or set(self.model_name) & set("/:"):
            raise SettingsError(f"--model_name is {self.model_name!r}; a name is not empty and holds neither / nor :.")
        if self.rest_api_timeout_in_ms < 0:
            raise SettingsError(f"--rest_api_timeout_in_ms is {self.rest_api_timeout_in_ms}; give 0 (never) or more.")
        for name in ("grpc_max_threads", "rest_api_num_threads"):
            if getattr(self, name) < 1:
                raise SettingsError(f"--{name} is {getattr(self, name)}; give 1 or more.")
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise SettingsError(
                "--batching_parameters_file is set without --enable_batching; add it or leave both out."
            )

    def _check_ports(self) -> None:
        for name in ("port", "rest_api_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise SettingsError(f"--{name} is {getattr(self, name)}; a port is a number from 0 to 65535.")
        if self.port == 0 and self.rest_api_port == 0 and not self.grpc_socket_path:
            raise SettingsError("Nothing to serve: give --port, --grpc_socket_path or --rest_api_port.")
        if self.port == self.rest_api_port and self.port:
            raise SettingsError(
                f"--rest_api_port cannot be same as --port ({self.port}); choose a different port for HTTP/REST."
            )
