"""One loaded SavedModel: NumPy in, NumPy out. The only file of the model server that imports TensorFlow.

A model runs in a session of its own graph, as in TensorFlow Serving itself: signatures keep their tensor names, TF1 and
TF2 models load alike, and closing the session frees the model. Calls are thread-safe and release the GIL while they run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from numpy.typing import NDArray
from tensorflow.core.framework.types_pb2 import DataType

from sparrow.model_server import inference
from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.protocol.tensors import TensorSpec

SERVING_TAGS: Final = ("serve",)

_ERROR_PREFIX: Final = "Graph execution error:\n\n"

# The session API is "deprecated" since 2019 and says so on every load.
tf.get_logger().setLevel("ERROR")


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How models are loaded: the tags of the graph, whether calls need a signature's method name, threads (0: all)."""

    tags: tuple[str, ...] = SERVING_TAGS
    check_method_name: bool = True
    intra_op_threads: int = 0
    inter_op_threads: int = 0


class Servable:
    """A SavedModel in memory.

    Attributes:
        signatures: what can be called, by name.
        definitions: the signatures as the SavedModel holds them, serialized; what cannot be called here is among them.
        metadata: the same as protobuf JSON, as the metadata route shows them.
    """

    def __init__(self, path: Path, options: LoadOptions = LoadOptions()) -> None:
        """Load the model in `path`; costs its variables' size in memory and a fraction of a second upwards.

        Raises:
            ServingError: if the folder holds no loadable SavedModel.
        """
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=_session_config(options))
        try:
            meta_graph = tf.compat.v1.saved_model.load(self._session, list(options.tags), str(path))
            callable_ = {name: d for name, d in meta_graph.signature_def.items() if _is_dense(d)}
            self._elements = {name: self._element(name) for d in callable_.values() for name in _tensor_names(d)}
        except Exception as error:  # A broken model may raise anything; the server must outlive it.
            self._session.close()
            raise _load_error(path, error) from error
        definitions = dict(meta_graph.signature_def.items())
        self.definitions: Mapping[str, bytes] = {name: d.SerializeToString() for name, d in definitions.items()}
        as_json = {name: _as_json(definition) for name, definition in definitions.items()}
        self.metadata: Mapping[str, Any] = {"signature_def": as_json}
        self.signatures: Mapping[str, Signature] = {
            name: _signature(definition, options.check_method_name) for name, definition in callable_.items()
        }

    def run(self, feeds: Tensors, fetches: Sequence[str], timeout_ms: int) -> list[NDArray[Any]]:
        """Run the graph once.

        Args:
            feeds: arrays by the names of the graph's tensors.
            fetches: names of the tensors wanted; they and the feeds are among those that signatures name.
            timeout_ms: when to give up; 0 is never.

        Raises:
            ServingError: with the code and message of TensorFlow's own error.
        """
        # bfloat16 arrives as float32, which NumPy has.
        fed = {self._elements[name]: _cast(array, self._elements[name].dtype) for name, array in feeds.items()}
        options = tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms) if timeout_ms else None
        try:
            outputs = self._session.run([self._elements[name] for name in fetches], fed, options=options)
        except tf.errors.OpError as error:
            raise ServingError(Code(error.error_code), error.message.removeprefix(_ERROR_PREFIX)) from error
        except (ValueError, TypeError) as error:
            raise invalid(str(error)) from error
        return [_plain(output) for output in outputs]

    def predict(self, signature_name: str, inputs: Tensors, timeout_ms: int = 0) -> Tensors:
        """Run one signature on an array for each input; raises ServingError."""
        return inference.predict(self, signature_name, inputs, timeout_ms=timeout_ms)

    def close(self) -> None:
        """Free the model; no call may be running."""
        self._session.close()
        self._elements.clear()

    def _element(self, name: str) -> Any:
        """A tensor, or the operation that `__saved_model_init_op` names."""
        return self._graph.as_graph_element(name, allow_tensor=True, allow_operation=True)


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file.

    Raises:
        ServingError: DATA_LOSS if it is none, or is damaged.
    """
    try:
        yield from tf.compat.v1.io.tf_record_iterator(str(path))
    except tf.errors.OpError as error:
        raise ServingError(Code(error.error_code), error.message) from error


def _session_config(options: LoadOptions) -> Any:
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=options.intra_op_threads, inter_op_parallelism_threads=options.inter_op_threads
    )


def _is_dense(definition: Any) -> bool:
    """Whether every input and output is one tensor; sparse and composite ones are several."""
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    return all(info.WhichOneof("encoding") == "name" for info in infos)


def _tensor_names(definition: Any) -> list[str]:
    return [info.name for info in (*definition.inputs.values(), *definition.outputs.values())]


def _signature(definition: Any, check_method_name: bool) -> Signature:
    return Signature(
        inputs=_specs(definition.inputs),
        outputs=_specs(definition.outputs),
        method_name=definition.method_name if check_method_name else None,
        defaults={name: tf.make_ndarray(value) for name, value in definition.defaults.items()},
    )


def _specs(infos: Any) -> Mapping[str, TensorSpec]:
    return {name: TensorSpec(_type_name(info.dtype), info.name) for name, info in sorted(infos.items())}


def _type_name(number: int) -> str:
    """ "DT_INT64" and so on, as TensorFlow's own enum has it."""
    return str(DataType.Name(number))


def _as_json(definition: Any) -> dict[str, Any]:
    """A signature as protobuf JSON: the proto's own field names, empty fields shown, int64 as strings."""
    fields: dict[str, Any] = MessageToDict(
        definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def _load_error(path: Path, error: Exception) -> ServingError:
    if isinstance(error, tf.errors.OpError):
        return ServingError(Code(error.error_code), error.message)
    code = Code.NOT_FOUND if isinstance(error, OSError) else Code.INVALID_ARGUMENT
    return ServingError(code, f"Cannot load the SavedModel in {path}: {type(error).__name__}: {error}")


def _cast(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    wanted = dtype.as_numpy_dtype
    if (array.dtype == object) != (np.dtype(wanted) == object):
        sent = "string" if array.dtype == object else array.dtype.name
        raise invalid(f"Expects a tensor of {dtype.base_dtype.name} but {sent} is provided")
    return array if array.dtype == wanted else array.astype(wanted)


def _plain(output: Any) -> NDArray[Any]:
    """A fetched value as an array of a type NumPy has by itself; a scalar string arrives as bare bytes."""
    array = np.asarray(output, dtype=object) if isinstance(output, bytes) else np.asarray(output)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
