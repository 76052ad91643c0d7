"""A small gRPC client: predict asynchronously, ask for a version's state. It loads no TensorFlow.

Errors are `grpc.RpcError`s; what they mean is for the caller to say.
"""

from collections.abc import Mapping
from typing import Any, Final

import grpc
import grpc.aio
import numpy as np
from numpy.typing import NDArray

from sparrow.model_server.wire.messages import GetModelStatusRequest, Message, PredictRequest, methods_of
from sparrow.model_server.wire.tensors import read_tensor_proto, write_tensor_proto
from sparrow.tracing import outgoing

RpcError: Final = grpc.RpcError
StatusCode: Final = grpc.StatusCode

_PREDICT: Final = methods_of("PredictionService")["Predict"]
_STATUS: Final = methods_of("ModelService")["GetModelStatus"]
_OPTIONS: Final = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Left alone, gRPC waits up to two minutes before it looks for a dead server again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class PredictClient:
    """Asks one version of one model; its connection is kept and shared by all tasks of one event loop."""

    def __init__(self, address: str, name: str, version: int, signature_name: str) -> None:
        """
        Args:
            address: "HOST:8500" or "unix:/path".
            name: the model's name there.
            version: the only version asked.
            signature_name: the entry point of the model.
        """
        self._address, self._name, self._version = address, name, version
        self._signature_name = signature_name
        self._channel: Any = None
        self._call: Any = None

    async def predict(self, inputs: Mapping[str, NDArray[Any]], timeout_s: float) -> dict[str, NDArray[Any]]:
        """Run the signature; by output name.

        Raises:
            RpcError: whatever the server or the network answered.
            ValueError: if an output is no tensor.
        """
        request = PredictRequest()
        _fill_spec(request.model_spec, self._name, self._version)
        request.model_spec.signature_name = self._signature_name
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(_raw_tensor(array))
        response = await self._stub()(request, timeout=timeout_s, metadata=tuple(outgoing().items()))
        return {name: read_tensor_proto(proto) for name, proto in response.outputs.items()}

    async def aclose(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            await self._channel.close()

    def _stub(self) -> Any:
        """The call; its channel belongs to the event loop that first asks."""
        if self._call is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=_OPTIONS)
            self._call = self._channel.unary_unary(
                _PREDICT.path, PredictRequest.SerializeToString, _PREDICT.response.FromString
            )
        return self._call


def version_state(channel: Any, name: str, version: int, timeout_s: float) -> tuple[str, str]:
    """(state, error message) of one version, e.g. ("AVAILABLE", "").

    Raises:
        RpcError: whatever the server or the network answered.
        ValueError: if the answer is not about one version.
    """
    request = GetModelStatusRequest()
    _fill_spec(request.model_spec, name, version)
    call = channel.unary_unary(_STATUS.path, GetModelStatusRequest.SerializeToString, _STATUS.response.FromString)
    (entry,) = call(request, timeout=timeout_s).model_version_status
    state = entry.DESCRIPTOR.enum_types_by_name["State"].values_by_number[entry.state].name
    return state, entry.status.error_message


def open_channel(address: str) -> Any:
    """A channel for `version_state`; a context manager that closes it."""
    return grpc.insecure_channel(address, options=_OPTIONS)


def _fill_spec(proto: Message, name: str, version: int) -> None:
    proto.name = name
    proto.version.value = version


def _raw_tensor(array: NDArray[Any]) -> Message:
    """The message for an array, its numbers as raw bytes: the quickest way to send them."""
    if array.dtype.kind in "OSU":
        return write_tensor_proto(array)
    proto = write_tensor_proto(array[:0] if array.ndim else array)
    if array.ndim:
        proto.tensor_shape.dim[0].size = len(array)
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto
