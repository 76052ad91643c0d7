"""The original's configuration files, in protobuf's text format: which models, how to batch, whether to publish metrics."""

from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from sparrow.errors import SettingsError
from sparrow.model_server.batching import BatchingParameters
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.repository import ModelConfig, VersionPolicy
from sparrow.model_server.wire.messages import (
    BatchingParametersProto,
    Message,
    ModelServerConfig,
    MonitoringConfig,
)

PLATFORM: Final = "tensorflow"
METRICS_PATH: Final = "/monitoring/prometheus/metrics"
"""Where metrics lie when the monitoring config names no path."""


def read_model_config_file(path: Path) -> list[ModelConfig]:
    """The models of a `--model_config_file`.

    Raises:
        SettingsError: if the file cannot be read or parsed.
        ServingError: if what it says cannot be served.
    """
    return read_model_configs(_read(path, ModelServerConfig))


def read_model_configs(config: Message) -> list[ModelConfig]:
    """The models of a ModelServerConfig.

    Raises:
        ServingError: INVALID_ARGUMENT, worded as the original words it.
    """
    match config.WhichOneof("config"):
        case "model_config_list":
            models = [_read_model(model) for model in config.model_config_list.config]
        case "custom_model_config":
            raise ServingError(Code.UNIMPLEMENTED, "custom_model_config is not supported; list the models instead")
        case _:
            models = []
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"Illegal to list model {twice} multiple times in config list")
    return models


def read_batching_file(path: Path) -> BatchingParameters:
    """The parameters of a `--batching_parameters_file`; what it leaves out has the original's default."""
    proto = _read(path, BatchingParametersProto)
    given: dict[str, Any] = {
        name: getattr(proto, name).value
        for name in ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
        if proto.HasField(name)
    }
    if given.get("num_batch_threads", 1) < 1:
        raise invalid(f"num_batch_threads must be positive; was {given['num_batch_threads']}")
    return BatchingParameters(
        **given,
        allowed_batch_sizes=tuple(proto.allowed_batch_sizes),
        pad_variable_length_inputs=proto.pad_variable_length_inputs,
    )


def read_monitoring_file(path: Path) -> str | None:
    """The path of the metrics that a `--monitoring_config_file` names, None when it does not enable them."""
    prometheus = _read(path, MonitoringConfig).prometheus_config
    if not prometheus.enable:
        return None
    return prometheus.path or METRICS_PATH


def _read(path: Path, kind: Any) -> Message:
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), kind())
    except OSError as error:
        raise SettingsError(f"The file {path} cannot be read ({error.strerror}); name an existing one.") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"Invalid protobuf file: '{path}': {error}. Mend it; it is in protobuf's text format."
        ) from None


def _read_model(model: Message) -> ModelConfig:
    _check_platform(model)
    if not model.name:
        raise invalid("A model in the config list has no name")
    if not model.base_path:
        raise invalid(f"Expected model {model.name} to have a base_path")
    if model.HasField("logging_config"):
        reason = "request logging is not supported; remove logging_config"
        raise ServingError(Code.UNIMPLEMENTED, f"Model {model.name}: {reason}")
    policy = _read_policy(model.name, model.model_version_policy)
    return ModelConfig(model.name, Path(model.base_path).absolute(), policy, dict(model.version_labels))


def _check_platform(model: Message) -> None:
    if model.model_type and model.model_platform:
        raise invalid(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
        )
    if not model.model_type and not model.model_platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform."
        )
    if model.model_type not in (0, 1):
        raise invalid(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
    if model.model_platform not in ("", PLATFORM):
        raise invalid(f"Model {model.name} requests unsupported platform {model.model_platform}")


def _read_policy(name: str, policy: Message) -> VersionPolicy:
    match policy.WhichOneof("policy_choice"):
        case "all":
            return VersionPolicy(latest=None)
        case "specific":
            if not policy.specific.versions:
                raise invalid(f"Model {name}: a specific version policy must name at least one version")
            return VersionPolicy(specific=frozenset(policy.specific.versions))
        case _:
            return VersionPolicy(latest=policy.latest.num_versions or 1)
