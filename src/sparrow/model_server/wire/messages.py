"""The message classes by name, and the methods of the two services."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf import message, message_factory

from sparrow.model_server.wire.reader import load_pool

_FOLDER: Final = Path(__file__).parent
_POOL: Final = load_pool([_FOLDER / "tensorflow.proto", _FOLDER / "serving.proto"])

Message = Any
"""An instance of one of the classes below; protobuf makes their fields when the program runs."""

DecodeError: Final = message.DecodeError
"""What `FromString` raises when the bytes are no such message."""

SIGNATURE_MAP_URL: Final = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
"""How the answer to GetModelMetadata names the type it packs."""


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto: Final = _class("tensorflow.TensorProto")
Example: Final = _class("tensorflow.Example")
Feature: Final = _class("tensorflow.Feature")
ModelSpecProto: Final = _class("tensorflow.serving.ModelSpec")
Input: Final = _class("tensorflow.serving.Input")
PredictRequest: Final = _class("tensorflow.serving.PredictRequest")
PredictResponse: Final = _class("tensorflow.serving.PredictResponse")
ClassificationResult: Final = _class("tensorflow.serving.ClassificationResult")
ClassificationResponse: Final = _class("tensorflow.serving.ClassificationResponse")
RegressionResult: Final = _class("tensorflow.serving.RegressionResult")
RegressionResponse: Final = _class("tensorflow.serving.RegressionResponse")
MultiInferenceResponse: Final = _class("tensorflow.serving.MultiInferenceResponse")
GetModelMetadataResponse: Final = _class("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap: Final = _class("tensorflow.serving.SignatureDefMap")
GetModelStatusRequest: Final = _class("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse: Final = _class("tensorflow.serving.GetModelStatusResponse")
ReloadConfigResponse: Final = _class("tensorflow.serving.ReloadConfigResponse")
ModelServerConfig: Final = _class("tensorflow.serving.ModelServerConfig")
BatchingParametersProto: Final = _class("tensorflow.serving.BatchingParameters")
MonitoringConfig: Final = _class("tensorflow.serving.MonitoringConfig")
PredictionLog: Final = _class("tensorflow.serving.PredictionLog")


def number_of(data_type: str) -> int:
    """The number of a tensor type.

    Example:
        >>> number_of("DT_INT64")
        9
    """
    return int(_POOL.FindEnumTypeByName("tensorflow.DataType").values_by_name[data_type].number)


def name_of(number: int) -> str:
    """The name of a tensor type, "DT_INVALID" for one that is not known here."""
    value = _POOL.FindEnumTypeByName("tensorflow.DataType").values_by_number.get(number)
    return str(value.name) if value else "DT_INVALID"


@dataclass(frozen=True, slots=True)
class Method:
    """One remote call: its path on the wire and its messages' classes."""

    path: str
    request: Any
    response: Any


def methods_of(service: str) -> dict[str, Method]:
    """The methods of "PredictionService" or "ModelService" by name."""
    descriptor = _POOL.FindServiceByName(f"tensorflow.serving.{service}")
    return {
        method.name: Method(
            f"/{descriptor.full_name}/{method.name}",
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )
        for method in descriptor.methods
    }


def all_messages() -> dict[str, Any]:
    """Every message's descriptor by full name, nested ones included."""
    files = [_POOL.FindFileByName(name) for name in ("tensorflow.proto", "serving.proto")]
    found: dict[str, Any] = {}
    waiting = [descriptor for file in files for descriptor in file.message_types_by_name.values()]
    while waiting:
        descriptor = waiting.pop()
        found[descriptor.full_name] = descriptor
        waiting.extend(descriptor.nested_types)
    return found
