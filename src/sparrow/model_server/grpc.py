"""The gRPC side: a server whose methods are the calls of `calls`, under the original's method paths and codes.

Requests arrive as bytes and are parsed here, so that a truncated one is answered in words.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import grpc

from sparrow.errors import Busy, SettingsError
from sparrow.model_server.calls import ModelApi, PredictionApi
from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.service import Service
from sparrow.model_server.wire import messages
from sparrow.model_server.wire.messages import DecodeError, Message, Method

logger = logging.getLogger(__name__)

LARGEST_MESSAGE: Final = 2**31 - 1
LONGEST_ERROR: Final = 1024
"""Characters of an error message; it travels in a header, which must stay small."""

_STATUS: Final = {code.value[0]: code for code in grpc.StatusCode}

Answer = Callable[[Message, int], Message]
"""A parsed request and the milliseconds left (0: no limit) → the response; raises ServingError."""


def build_server(service: Service, addresses: Sequence[str], threads: int, arguments: str = "") -> grpc.Server:
    """A server that holds its addresses and waits to be started.

    Args:
        service: with models that the caller starts.
        addresses: "0.0.0.0:8500", "unix:/path".
        threads: requests answered at the same time.
        arguments: `--grpc_channel_arguments`, e.g. "grpc.max_connection_age_ms=2000".

    Raises:
        Busy: if an address is taken.
    """
    options: dict[str, Any] = {
        "grpc.max_receive_message_length": LARGEST_MESSAGE,
        "grpc.max_send_message_length": LARGEST_MESSAGE,
        # Two servers on one port would share its requests, and nobody would notice.
        "grpc.so_reuseport": 0,
        **read_channel_arguments(arguments),
    }
    pool = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
    server = grpc.server(pool, handlers=list(_handlers(service)), options=list(options.items()))
    for address in addresses:
        try:
            server.add_insecure_port(address)
        except RuntimeError:
            raise Busy(f"gRPC cannot listen on {address}; choose another with --port or --grpc_socket_path.") from None
    return server


def read_channel_arguments(text: str) -> dict[str, Any]:
    """Channel arguments by name; a value that is a whole number is passed as one.

    Example:
        >>> read_channel_arguments("grpc.max_connection_age_ms=2000,grpc.default_authority=me")
        {'grpc.max_connection_age_ms': 2000, 'grpc.default_authority': 'me'}
    """
    arguments: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, divider, value = part.partition("=")
        if not divider or not name:
            raise SettingsError(f"--grpc_channel_arguments has the part {part!r}; write name=value, divided by commas.")
        arguments[name] = int(value) if value.removeprefix("-").isdecimal() else value
    return arguments


def _handlers(service: Service) -> list[grpc.GenericRpcHandler]:
    prediction, model = PredictionApi(service), ModelApi(service)
    answers: dict[str, dict[str, Answer]] = {
        "PredictionService": {
            "Predict": prediction.predict,
            "Classify": prediction.classify,
            "Regress": prediction.regress,
            "MultiInference": prediction.multi_inference,
            "GetModelMetadata": prediction.metadata,
        },
        "ModelService": {"GetModelStatus": model.status, "HandleReloadConfigRequest": model.reload},
    }
    return [_generic_handler(name, by_method) for name, by_method in answers.items()]


def _generic_handler(service: str, answers: Mapping[str, Answer]) -> grpc.GenericRpcHandler:
    methods = messages.methods_of(service)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(partial(_respond, methods[name], answer))
        for name, answer in answers.items()
    }
    return grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", handlers)


def _respond(method: Method, answer: Answer, body: bytes, context: grpc.ServicerContext) -> bytes:
    try:
        response: bytes = answer(_parse(method, body), _milliseconds_left(context)).SerializeToString()
        return response
    except ServingError as error:
        code, message = error.code, error.message
    except Exception:
        logger.exception("%s failed", method.path)
        code, message = Code.INTERNAL, "Internal error; the server's log has the details"
    # Out here, because `abort` itself raises.
    context.abort(_STATUS[code], shortened(message))
    raise AssertionError("abort returned")


def shortened(message: str) -> str:
    """An error message as long as a header may carry, of characters that it can."""
    text = message.encode(errors="replace").decode()
    return text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}...TRUNCATED"


def _parse(method: Method, body: bytes) -> Message:
    try:
        return method.request.FromString(body)
    except DecodeError:
        name = method.request.DESCRIPTOR.full_name
        raise ServingError(Code.INTERNAL, f"The {len(body)} bytes of the request are no {name}") from None


def _milliseconds_left(context: grpc.ServicerContext) -> int:
    left = context.time_remaining()
    # Without a deadline gRPC says so with None, or with one in some hundred years.
    if left is None or left > 1e8:
        return 0
    if left <= 0:
        raise ServingError(Code.DEADLINE_EXCEEDED, "Deadline exceeded before the request was processed")
    return max(1, int(left * 1000))
