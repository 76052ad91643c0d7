"""The gRPC methods as plain calls: message in, message out; the twin of `rest.RestApi`.

Messages become arrays, the calls of `service` do the rest.
"""

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from sparrow.model_server.configs import read_model_configs
from sparrow.model_server.inference import Classes, Regressions, Task
from sparrow.model_server.protocol.predict import DEFAULT_SIGNATURE, Signature
from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.service import Service
from sparrow.model_server.wire import messages
from sparrow.model_server.wire.examples import examples_of
from sparrow.model_server.wire.messages import Message
from sparrow.model_server.wire.tensors import LISTS, read_tensor_proto, write_tensor_proto

SIGNATURE_DEF: Final = "signature_def"
"""The one field that GetModelMetadata knows."""


class PredictionApi:
    """`PredictionService` on messages."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def predict(self, request: Message, timeout_ms: int) -> Message:
        spec, name = _read_spec(request)
        with self._service.recorded(spec.name, "Predict", "GRPC"), self._service.lease(spec) as loaded:
            signature = loaded.session.signatures.get(name or DEFAULT_SIGNATURE)
            inputs = _read_inputs(request.inputs, signature)
            outputs = self._service.predict(loaded, spec, name, inputs, timeout_ms, request.output_filter)
            response = messages.PredictResponse()
            _write_spec(response.model_spec, spec.name, name or DEFAULT_SIGNATURE, loaded.version)
            assert signature is not None, "what has been predicted has a signature"
            for alias, array in outputs.items():
                _write_output(response.outputs[alias], array, signature.outputs[alias].data_type)
            return response

    def classify(self, request: Message, timeout_ms: int) -> Message:
        spec, name = _read_spec(request)
        with self._service.recorded(spec.name, "Classify", "GRPC"), self._service.lease(spec) as loaded:
            classes = self._service.classify(loaded, spec, name, examples_of(request.input), timeout_ms)
            response = messages.ClassificationResponse()
            _write_spec(response.model_spec, spec.name, name, loaded.version)
            _write_classes(response.result, classes)
            return response

    def regress(self, request: Message, timeout_ms: int) -> Message:
        spec, name = _read_spec(request)
        with self._service.recorded(spec.name, "Regress", "GRPC"), self._service.lease(spec) as loaded:
            values = self._service.regress(loaded, spec, name, examples_of(request.input), timeout_ms)
            response = messages.RegressionResponse()
            _write_spec(response.model_spec, spec.name, name, loaded.version)
            _write_regressions(response.result, values)
            return response

    def multi_inference(self, request: Message, timeout_ms: int) -> Message:
        spec = _read_tasks_spec(request.tasks)
        tasks = [Task(task.method_name, task.model_spec.signature_name) for task in request.tasks]
        with self._service.recorded(spec.name, "MultiInference", "GRPC"), self._service.lease(spec) as loaded:
            results = self._service.multi_inference(loaded, spec, tasks, examples_of(request.input), timeout_ms)
            response = messages.MultiInferenceResponse()
            for task, values in zip(tasks, results, strict=True):
                result = response.results.add()
                _write_spec(result.model_spec, spec.name, task.signature_name, loaded.version)
                if isinstance(values, Classes):
                    _write_classes(result.classification_result, values)
                else:
                    _write_regressions(result.regression_result, values)
            return response

    def metadata(self, request: Message, _timeout_ms: int) -> Message:
        spec, _ = _read_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        unknown = next((field for field in request.metadata_field if field != SIGNATURE_DEF), None)
        if unknown is not None:
            raise invalid(f"Metadata field {unknown} is not supported")
        with self._service.lease(spec) as loaded:
            response = messages.GetModelMetadataResponse()
            _write_spec(response.model_spec, spec.name, "", loaded.version)
            packed = response.metadata[SIGNATURE_DEF]
            packed.type_url = messages.SIGNATURE_MAP_URL
            packed.value = messages.SignatureDefMap(signature_def=loaded.servable.definitions).SerializeToString()
            return response


class ModelApi:
    """`ModelService` on messages."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def status(self, request: Message, _timeout_ms: int) -> Message:
        spec, _ = _read_spec(request)
        response = messages.GetModelStatusResponse()
        for status in self._service.statuses(spec):
            entry = response.model_version_status.add(version=status.version, state=status.state.value)
            entry.status.error_code, entry.status.error_message = int(status.code), status.message
        return response

    def reload(self, request: Message, _timeout_ms: int) -> Message:
        if request.config.WhichOneof("config") != "model_config_list":
            reason = "Only ModelConfigList is currently supported"
            raise invalid(f"ServerModelConfig type not supported by HandleReloadConfigRequest. {reason}")
        configs = read_model_configs(request.config)
        self._service.reload(configs)
        response = messages.ReloadConfigResponse()
        response.status.error_code = int(Code.OK)
        return response


def _read_spec(request: Message) -> tuple[ModelSpec, str]:
    """Which model, and which of its signatures ("" when none is named)."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return _spec_of(request.model_spec), request.model_spec.signature_name


def _spec_of(proto: Message) -> ModelSpec:
    match proto.WhichOneof("version_choice"):
        case "version":
            return ModelSpec(proto.name, version=proto.version.value)
        case "version_label":
            return ModelSpec(proto.name, label=proto.version_label)
        case _:
            return ModelSpec(proto.name)


def _read_tasks_spec(tasks: Any) -> ModelSpec:
    """The one model that all tasks ask; its version is the first task's."""
    if not tasks:
        raise invalid("Inference request must have at least one task")
    names = [task.model_spec.name for task in tasks]
    if not all(names):
        raise invalid("Found ModelSpec with an empty model name.")
    if len(set(names)) > 1:
        raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
    return _spec_of(tasks[0].model_spec)


def _read_inputs(protos: Mapping[str, Message], signature: Signature | None) -> dict[str, NDArray[Any]]:
    inputs = {}
    for position, (name, proto) in enumerate(sorted(protos.items())):
        try:
            inputs[name] = read_tensor_proto(proto)
        except ValueError as error:
            raise invalid(f"tensor parsing error: {name}: {error}") from None
        if signature and name in signature.inputs:
            _check_type(position, messages.name_of(proto.dtype), signature.inputs[name].data_type)
    return inputs


def _check_type(position: int, sent: str, expected: str) -> None:
    if sent != expected:
        words = [name.removeprefix("DT_").lower() for name in (expected, sent)]
        raise invalid(f"Expects arg[{position}] to be {words[0]} but {words[1]} is provided")


def _write_spec(proto: Message, name: str, signature_name: str, version: int) -> None:
    proto.name, proto.signature_name = name, signature_name
    proto.version.value = version


def _write_output(proto: Message, array: NDArray[Any], data_type: str) -> None:
    if data_type not in LISTS:
        raise ServingError(Code.UNIMPLEMENTED, f"Outputs of type {data_type} are not supported")
    proto.CopyFrom(write_tensor_proto(array, data_type))


def _write_classes(proto: Message, classes: Classes) -> None:
    given = [array for array in (classes.labels, classes.scores) if array is not None]
    for row in zip(*(array.tolist() for array in given), strict=True):
        added = proto.classifications.add()
        for values in zip(*row, strict=True):
            entry = added.classes.add()
            for value in values:
                if isinstance(value, bytes):
                    entry.label = value
                else:
                    entry.score = value


def _write_regressions(proto: Message, values: Regressions) -> None:
    for value in values.tolist():
        proto.regressions.add(value=value)
