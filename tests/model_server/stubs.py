"""Two gRPC clients: Sparrow's own messages, and the official stubs, which were made by others from the original files.

The official ones come with the package tensorflow-serving-api, whose demand for the package "tensorflow" pip cannot meet
with "tensorflow-cpu"; where it is not installed, their half of the tests is skipped, and says so.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from sparrow.model_server.wire import messages

HAS_OFFICIAL = importlib.util.find_spec("tensorflow_serving") is not None
NOT_INSTALLED = "tensorflow-serving-api is not installed: no client but Sparrow's own was tried"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

CLIENTS = [
    "own",
    pytest.param("official", marks=pytest.mark.skipif(not HAS_OFFICIAL, reason=NOT_INSTALLED)),
]


@dataclass(frozen=True)
class Client:
    """Requests by name and calls by name, over one connection."""

    channel: grpc.Channel
    request: Callable[..., Any]
    call: Callable[..., Any]

    def predict_request(self, model: str = "recmodel", signature: str = "", **tensors: Any) -> Any:
        """Tensors are made by TensorFlow's own `make_tensor_proto`."""
        import tensorflow as tf

        request = self.request("PredictRequest")
        request.model_spec.name = model
        request.model_spec.signature_name = signature
        for name, value in tensors.items():
            made = value if hasattr(value, "SerializeToString") else tf.make_tensor_proto(value)
            request.inputs[name].MergeFromString(made.SerializeToString())
        return request

    def example_request(self, kind: str, signature: str, examples: list[dict[str, Any]], model: str = "shop") -> Any:
        """A Classification- or RegressionRequest, its examples made by TensorFlow."""
        request = self.request(kind)
        request.model_spec.name, request.model_spec.signature_name = model, signature
        fill_examples(request.input, examples)
        return request


def fill_examples(given: Any, examples: list[dict[str, Any]], context: dict[str, Any] | None = None) -> None:
    """Examples travel as messages; parsing their bytes fills the field whatever its type."""
    serialized = [make_example(features).SerializeToString() for features in examples]
    listed = messages.Input()
    if context is None:
        listed.example_list.examples.extend(serialized)
    else:
        listed.example_list_with_context.examples.extend(serialized)
        listed.example_list_with_context.context = make_example(context).SerializeToString()
    given.MergeFromString(listed.SerializeToString())


def make_example(features: dict[str, Any]) -> Any:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in features.items():
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example


def open_client(kind: str, address: str) -> Client:
    channel = grpc.insecure_channel(address, options=UNLIMITED)
    return _official(channel) if kind == "official" else _own(channel)


def _own(channel: grpc.Channel) -> Client:
    methods = {**messages.methods_of("PredictionService"), **messages.methods_of("ModelService")}
    classes = {method.request.DESCRIPTOR.name: method.request for method in methods.values()}

    def call(name: str, request: Any, timeout: float | None = 30) -> Any:
        method = methods[name]
        stub = channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        return stub(request, timeout=timeout)

    return Client(channel, lambda name: classes[name](), call)


def _official(channel: grpc.Channel) -> Client:
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

    modules = (
        predict_pb2,
        classification_pb2,
        regression_pb2,
        inference_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
    )
    services = [
        prediction_service_pb2_grpc.PredictionServiceStub(channel),
        model_service_pb2_grpc.ModelServiceStub(channel),
    ]

    def request(name: str) -> Any:
        return next(getattr(module, name) for module in modules if hasattr(module, name))()

    def call(name: str, message: Any, timeout: float | None = 30) -> Any:
        stub = next(getattr(service, name) for service in services if hasattr(service, name))
        return stub(message, timeout=timeout)

    return Client(channel, request, call)
