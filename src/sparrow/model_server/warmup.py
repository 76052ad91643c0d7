"""Warm-up: replay the requests a model brings along, so that its first real request is not the slow one.

`<version>/assets.extra/tf_serving_warmup_requests` is a TFRecord file of PredictionLog messages.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from sparrow.model_server import inference
from sparrow.model_server.inference import Session
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.wire.examples import examples_of
from sparrow.model_server.wire.messages import DecodeError, Message, PredictionLog
from sparrow.model_server.wire.tensors import read_tensor_proto

WARMUP_FILE: Final = Path("assets.extra", "tf_serving_warmup_requests")
LARGEST_COUNT: Final = 1000
"""Records a file may hold."""

logger = logging.getLogger(__name__)

ReadRecords = Callable[[Path], Iterator[bytes]]


def warm_up(session: Session, path: Path, read_records: ReadRecords, iterations: int = 1) -> int:
    """Replay the file of one version, if it has one.

    Args:
        session: the loaded model.
        path: the version's folder.
        read_records: the records of a TFRecord file.
        iterations: how often each request runs.

    Returns:
        How many requests the file holds.

    Raises:
        ServingError: if the file cannot be read or a request fails; the version is then not served.
    """
    file = path / WARMUP_FILE
    if not file.is_file():
        return 0
    start, count = time.monotonic(), 0
    try:
        for record in read_records(file):
            count += 1
            if count > LARGEST_COUNT:
                raise invalid(f"Number of warmup records exceeds the maximum ({LARGEST_COUNT}) at {file}")
            for _ in range(iterations):
                _replay(session, _parse(record, file))
    except ServingError as error:
        if error.code is not Code.DATA_LOSS:
            raise
        hint = "Please verify your warmup data is in TFRecord format."
        raise ServingError(Code.DATA_LOSS, f"{error.message}. {hint}") from error
    logger.info("Warmed up with %s requests of %s in %.1f s", count, file, time.monotonic() - start)
    return count


def _parse(record: bytes, file: Path) -> Message:
    try:
        return PredictionLog.FromString(record)
    except DecodeError:
        raise invalid(f"Failed to parse warmup record of {len(record)} bytes from {file}") from None


def _replay(session: Session, log: Message) -> None:
    kind = log.WhichOneof("log_type")
    request: Any = getattr(log, kind).request if kind and kind != "session_run_log" else None
    match kind:
        case "predict_log":
            inputs = {name: _array(name, proto) for name, proto in request.inputs.items()}
            inference.predict(session, request.model_spec.signature_name, inputs, request.output_filter)
        case "classify_log":
            inference.classify(session, request.model_spec.signature_name, examples_of(request.input))
        case "regress_log":
            inference.regress(session, request.model_spec.signature_name, examples_of(request.input))
        case "multi_inference_log":
            tasks = [inference.Task(task.method_name, task.model_spec.signature_name) for task in request.tasks]
            inference.multi_inference(session, tasks, examples_of(request.input))
        case "session_run_log":
            raise ServingError(Code.UNIMPLEMENTED, "Unsupported log_type for warmup: 5")


def _array(name: str, proto: Message) -> Any:
    try:
        return read_tensor_proto(proto)
    except ValueError as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from None
